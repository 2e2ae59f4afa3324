//! What the `moov` box says of the first video track.

use super::boxes::{boxes, find, rows, rows_at, u32_at, u64_at};
use crate::orientation::Orientation;

/// The samples that are accepted: a day and a half at 30 frames per second. Each costs 24 bytes, and 8 in the
/// timeline.
pub(super) const MOST_SAMPLES: usize = 4 << 20;

/// The first video track: how its samples are coded, where they are, and when they are shown.
#[derive(Debug)]
pub(super) struct VideoTrack {
    /// By which fragments name it.
    pub(super) id: u32,
    /// The content of the `avcC` box.
    pub(super) avcc: Vec<u8>,
    /// Units of the times in a second.
    pub(super) timescale: u32,
    /// In the order of decoding.
    pub(super) samples: Vec<Sample>,
    /// The samples from which decoding can begin, rising; `None` for all of them.
    pub(super) sync_samples: Option<Vec<u32>>,
    /// How long all samples take, in units of the timescale.
    pub(super) decode_duration: i64,
    /// The part that is shown, in units of the timescale.
    pub(super) shown: Shown,
    /// How the pictures are turned to be upright.
    pub(super) orientation: Orientation,
    /// There is more in a fragment that the file does not hold whole.
    pub(super) is_cut_off: bool,
}

/// One coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// Where it is in the file.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) len: u32,
    /// The time to the next sample in the order of decoding.
    pub(super) duration: u32,
    /// When it is shown, before the edit list.
    pub(super) composition_time: i64,
}

/// The part of the track that the edit list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// Samples from here on.
    pub(super) start: i64,
    /// Samples before this.
    pub(super) end: i64,
    /// How far off the end may be, as it is written in the movie's units of time.
    pub(super) end_tolerance: u32,
}

/// Why there is no such track.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TrackError {
    /// The file is well, and of a kind that is not read here.
    Unsupported(String),
    /// The file breaks the rules.
    Malformed(&'static str),
}

impl VideoTrack {
    /// Reads the content of the `moov` box of a file of this length. A track that is in fragments has few samples in
    /// it, or none.
    pub(super) fn parse(moov: &[u8], file_len: u64) -> Result<Self, TrackError> {
        use TrackError::{Malformed, Unsupported};
        let track = boxes(moov)
            .filter(|(kind, _)| *kind == b"trak")
            .map(|(_, track)| track)
            .find(|track| {
                let handler = find(track, &[b"mdia", b"hdlr"]);
                handler.and_then(|handler| handler.get(8..12)) == Some(b"vide")
            })
            .ok_or_else(|| Unsupported("it has no video track".to_owned()))?;

        let timescale = timescale(find(track, &[b"mdia", b"mdhd"]).unwrap_or_default())
            .ok_or(Malformed("the media header is missing or malformed"))?;
        let table =
            find(track, &[b"mdia", b"minf", b"stbl"]).ok_or(Malformed("the sample table is missing"))?;
        let avcc = avcc(table)?.to_vec();
        let (samples, decode_duration) = samples(table, file_len)?;
        let header = find(track, &[b"tkhd"]).unwrap_or_default();
        // Behind the times of the track's creation and last change.
        let id = u32_at(header, if header.first() == Some(&1) { 20 } else { 12 }).unwrap_or(0);
        let sync_samples = sync_samples(table, samples.len())?;
        let movie = find(moov, &[b"mvhd"]).unwrap_or_default();
        let movie_timescale = self::timescale(movie);
        let shown = shown(find(track, &[b"edts", b"elst"]), movie_timescale.unwrap_or(1000), timescale)?;
        let orientation = orientation(header, movie).ok_or_else(|| {
            Unsupported("its pictures are turned by an angle that is no quarter of a turn".to_owned())
        })?;
        Ok(Self {
            id,
            avcc,
            timescale,
            samples,
            sync_samples,
            decode_duration,
            shown,
            orientation,
            is_cut_off: false,
        })
    }
}

/// What the matrix of the track, and then that of the movie, do to the pictures. Both are often the one that does
/// nothing.
fn orientation(track_header: &[u8], movie_header: &[u8]) -> Option<Orientation> {
    /// The corner of the matrix that turns and mirrors; the rest moves the picture.
    fn corner(header: &[u8], at: usize, at_if_long: usize) -> [i64; 4] {
        let at = if header.first() == Some(&1) { at_if_long } else { at };
        let entry =
            |column: usize| u32_at(header, at + 4 * column).map(|entry| i64::from(entry.cast_signed()));
        match [entry(0), entry(1), entry(3), entry(4)] {
            [Some(a), Some(b), Some(c), Some(d)] if [a, b, c, d] != [0; 4] => [a, b, c, d],
            _ => [1, 0, 0, 1],
        }
    }
    let [a, b, c, d] = corner(track_header, 40, 52);
    let [e, f, g, h] = corner(movie_header, 36, 48);
    let sum = |x: i64, y: i64, z: i64, w: i64| x.saturating_mul(y).saturating_add(z.saturating_mul(w));
    Orientation::from_matrix(sum(a, e, b, g), sum(a, f, b, h), sum(c, e, d, g), sum(c, f, d, h))
}

/// The samples from which decoding can begin, counted from 0.
fn sync_samples(table: &[u8], count: usize) -> Result<Option<Vec<u32>>, TrackError> {
    let Some(table) = find(table, &[b"stss"]) else { return Ok(None) };
    let rows = rows(table, 4).ok_or(TrackError::Malformed("the list of sync samples is cut short"))?;
    let numbers = rows.filter_map(|row| u32_at(row, 0)?.checked_sub(1));
    let mut numbers: Vec<u32> = numbers.filter(|&number| (number as usize) < count).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(Some(numbers))
}

/// Units per second, of a `mdhd` or `mvhd` box.
fn timescale(header: &[u8]) -> Option<u32> {
    let at = if *header.first()? == 1 { 20 } else { 12 };
    u32_at(header, at).filter(|&timescale| timescale > 0)
}

/// The H.264 configuration of the first sample description.
fn avcc(table: &[u8]) -> Result<&[u8], TrackError> {
    /// The fixed fields of a visual sample entry, before its boxes.
    const VISUAL_FIELDS: usize = 78;
    let malformed = TrackError::Malformed("the sample description is missing or malformed");
    let descriptions = find(table, &[b"stsd"]).and_then(|stsd| stsd.get(8..));
    let Some((kind, entry)) = descriptions.and_then(|entries| boxes(entries).next()) else {
        return Err(malformed);
    };
    if !matches!(kind, b"avc1" | b"avc3") {
        let codec = String::from_utf8_lossy(kind);
        return Err(TrackError::Unsupported(format!("its video is coded as {codec:?}, not as H.264")));
    }
    entry.get(VISUAL_FIELDS..).and_then(|inner| find(inner, &[b"avcC"])).ok_or(malformed)
}

/// The samples, and how long they take in all.
fn samples(table: &[u8], file_len: u64) -> Result<(Vec<Sample>, i64), TrackError> {
    let malformed = |what| move || TrackError::Malformed(what);
    let part = |kind: &[u8; 4]| find(table, &[kind]);

    let sizes = part(b"stsz").ok_or_else(malformed("the sample sizes are missing"))?;
    let size_of_all = u32_at(sizes, 4).ok_or_else(malformed("the sample sizes are cut short"))?;
    let count = u32_at(sizes, 8).ok_or_else(malformed("the sample sizes are cut short"))? as usize;
    if count > MOST_SAMPLES {
        return Err(TrackError::Unsupported(format!("it has more than {MOST_SAMPLES} frames")));
    }
    // Where each has a size of its own, a claim of many samples takes as many entries; here it would take 24 bytes.
    if u64::from(size_of_all) * count as u64 > file_len {
        return Err(TrackError::Malformed("the samples are larger than the file"));
    }
    let mut sizes = match size_of_all {
        0 => Some(rows_at(sizes, 8, 4).ok_or_else(malformed("the sample sizes are cut short"))?),
        _ => None,
    };
    let mut times = Runs::new(part(b"stts").ok_or_else(malformed("the sample times are missing"))?)
        .ok_or_else(malformed("the sample times are cut short"))?;
    let mut composition_offsets = match part(b"ctts") {
        Some(table) => Some(Runs::new(table).ok_or_else(malformed("the composition offsets are cut short"))?),
        None => None,
    };
    let mut chunks = Chunks::new(table).ok_or_else(malformed("the chunks are missing or cut short"))?;

    let mut samples = Vec::with_capacity(count);
    let mut decode_time = 0_i64;
    let (mut offset, mut left_in_chunk) = (0_u64, 0_u32);
    for _ in 0..count {
        while left_in_chunk == 0 {
            (offset, left_in_chunk) =
                chunks.next().ok_or_else(malformed("there are fewer chunks than samples"))?;
        }
        left_in_chunk -= 1;
        let len = match &mut sizes {
            Some(sizes) => sizes.next().and_then(|row| u32_at(row, 0)).unwrap_or(0),
            None => size_of_all,
        };
        // QuickTime writes negative offsets in version 0 too, so they are signed in both.
        let composition_offset =
            composition_offsets.as_mut().map_or(0, |runs| runs.next_value().cast_signed());
        let duration = times.next_value();
        samples.push(Sample {
            offset,
            len,
            duration,
            composition_time: decode_time.saturating_add(composition_offset.into()),
        });
        offset =
            offset.checked_add(len.into()).ok_or_else(malformed("a sample is past the end of any file"))?;
        decode_time = decode_time.saturating_add(duration.into());
    }
    Ok((samples, decode_time))
}

/// A table of runs: so many samples, each with this value. Past its end the last value holds.
struct Runs<'a> {
    rows: std::slice::ChunksExact<'a, u8>,
    left: u32,
    value: u32,
}

impl<'a> Runs<'a> {
    fn new(table: &'a [u8]) -> Option<Self> {
        Some(Self { rows: rows(table, 8)?, left: 0, value: 0 })
    }

    fn next_value(&mut self) -> u32 {
        while self.left == 0 {
            let Some(row) = self.rows.next() else { return self.value };
            self.left = u32_at(row, 0).unwrap_or(0);
            self.value = u32_at(row, 4).unwrap_or(0);
        }
        self.left -= 1;
        self.value
    }
}

/// The chunks of the track: where each begins and how many samples it has.
struct Chunks<'a> {
    offsets: std::slice::ChunksExact<'a, u8>,
    offset_is_long: bool,
    runs: std::iter::Peekable<std::slice::ChunksExact<'a, u8>>,
    samples_per_chunk: u32,
    number: u32,
}

impl<'a> Chunks<'a> {
    fn new(table: &'a [u8]) -> Option<Self> {
        let (offsets, offset_is_long) = match find(table, &[b"stco"]) {
            Some(offsets) => (rows(offsets, 4)?, false),
            None => (rows(find(table, &[b"co64"])?, 8)?, true),
        };
        let runs = rows(find(table, &[b"stsc"])?, 12)?.peekable();
        Some(Self { offsets, offset_is_long, runs, samples_per_chunk: 0, number: 0 })
    }
}

impl Iterator for Chunks<'_> {
    type Item = (u64, u32);

    fn next(&mut self) -> Option<(u64, u32)> {
        let row = self.offsets.next()?;
        let offset = if self.offset_is_long { u64_at(row, 0)? } else { u32_at(row, 0)?.into() };
        self.number += 1;
        while let Some(run) =
            self.runs.next_if(|run| u32_at(run, 0).is_some_and(|first| first <= self.number))
        {
            self.samples_per_chunk = u32_at(run, 4)?;
        }
        Some((offset, self.samples_per_chunk))
    }
}

/// What an edit list shows. Empty edits, which delay the track against others, are left out: a source begins at its
/// first frame.
fn shown(edit_list: Option<&[u8]>, movie_timescale: u32, timescale: u32) -> Result<Shown, TrackError> {
    const ALL: Shown = Shown { start: i64::MIN, end: i64::MAX, end_tolerance: 0 };
    let Some(list) = edit_list else { return Ok(ALL) };
    let is_long = list.first() == Some(&1);
    let edits = rows(list, if is_long { 20 } else { 12 })
        .ok_or(TrackError::Malformed("the edit list is cut short"))?
        .filter_map(|row| {
            Some(if is_long {
                (u64_at(row, 0)?, u64_at(row, 8)?.cast_signed())
            } else {
                (u32_at(row, 0)?.into(), u32_at(row, 4)?.cast_signed().into())
            })
        })
        .filter(|&(_, media_time)| media_time >= 0);
    let edits: Vec<(u64, i64)> = edits.take(2).collect();
    match edits[..] {
        [] => Ok(ALL),
        // Some writers leave the duration 0 for "all of it".
        [(0, start)] => Ok(Shown { start, ..ALL }),
        [(duration, start)] => {
            let duration = u128::from(duration) * u128::from(timescale) / u128::from(movie_timescale.max(1));
            let duration = i64::try_from(duration).unwrap_or(i64::MAX);
            let end_tolerance = timescale.div_ceil(movie_timescale.max(1));
            Ok(Shown { start, end: start.saturating_add(duration), end_tolerance })
        }
        _ => Err(TrackError::Unsupported("its edit list has more than one part".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(kind: &[u8; 4], head: &[u32], rows: &[u32]) -> Vec<u8> {
        let content: Vec<u8> = head.iter().chain(rows).flat_map(|word| word.to_be_bytes()).collect();
        boxed(kind, &content)
    }

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], content].concat()
    }

    fn sample_table(
        sizes: &[u32],
        offsets: &[u32],
        chunks: &[u32],
        times: &[u32],
        composition: &[u32],
    ) -> Vec<u8> {
        [
            table(b"stsz", &[0, 0, sizes.len() as u32], sizes),
            table(b"stco", &[0, offsets.len() as u32], offsets),
            table(b"stsc", &[0, chunks.len() as u32 / 3], chunks),
            table(b"stts", &[0, times.len() as u32 / 2], times),
            table(b"ctts", &[0, composition.len() as u32 / 2], composition),
        ]
        .concat()
    }

    #[test]
    fn samples_lie_in_chunks_and_times_in_runs() {
        let minus_ten = (-10_i32).cast_unsigned();
        let table = sample_table(
            &[5, 6, 7, 8],
            &[100, 200, 300],
            &[1, 1, 1, 2, 2, 1, 3, 1, 1],
            &[2, 10, 2, 20],
            &[1, 0, 2, 30, 1, minus_ten],
        );
        let sample =
            |offset, len, duration, composition_time| Sample { offset, len, duration, composition_time };
        assert_eq!(
            samples(&table, 1000).unwrap(),
            (
                vec![
                    sample(100, 5, 10, 0),
                    sample(200, 6, 10, 40),
                    sample(206, 7, 20, 50),
                    sample(300, 8, 20, 30)
                ],
                60
            )
        );
    }

    #[test]
    fn more_samples_than_chunks_hold_are_an_error() {
        let chunkless = sample_table(&[5, 6], &[100], &[1, 1, 1], &[2, 10], &[]);
        assert_eq!(
            samples(&chunkless, 1000),
            Err(TrackError::Malformed("there are fewer chunks than samples"))
        );
        let zero_per_chunk = sample_table(&[5], &[100, 200], &[1, 0, 1], &[1, 10], &[]);
        assert!(matches!(samples(&zero_per_chunk, 1000), Err(TrackError::Malformed(_))));
    }

    #[test]
    fn a_claim_of_many_samples_allocates_nothing() {
        let claim = |count| {
            [
                table(b"stsz", &[0, 1, count], &[]),
                table(b"stco", &[0, 1], &[0]),
                table(b"stsc", &[0, 1], &[1, u32::MAX, 1]),
                table(b"stts", &[0, 1], &[u32::MAX, 1]),
            ]
            .concat()
        };
        assert!(matches!(samples(&claim(u32::MAX), u64::MAX), Err(TrackError::Unsupported(_))));
        assert!(matches!(samples(&claim(1001), 1000), Err(TrackError::Malformed(_))));
        assert_eq!(samples(&claim(1000), 1000).unwrap().0.len(), 1000);
    }

    #[test]
    fn sync_samples_are_counted_from_0_and_inside_the_track() {
        let list = |numbers: &[u32]| table(b"stss", &[0, numbers.len() as u32], numbers);
        assert_eq!(sync_samples(&list(&[1, 9, 5, 0, 5, 11, u32::MAX]), 10), Ok(Some(vec![0, 4, 8])));
        assert_eq!(sync_samples(&[], 10), Ok(None));
        let cut_short = table(b"stss", &[0, 2], &[1]);
        assert!(matches!(sync_samples(&cut_short, 10), Err(TrackError::Malformed(_))));
    }

    #[test]
    fn the_movies_matrix_comes_after_the_tracks() {
        let header = |version: u8, at: usize, [a, b, c, d]: [i32; 4]| -> Vec<u8> {
            let mut header = vec![0; at];
            header[0] = version;
            header.extend([a, b, 0, c, d, 0].into_iter().flat_map(|entry| (entry * 65536).to_be_bytes()));
            header
        };
        let quarter = Orientation::from_matrix(0, 1, -1, 0);
        let mirror = [-1, 0, 0, 1];
        assert_eq!(orientation(&header(0, 40, [0, 1, -1, 0]), &[]), quarter);
        assert_eq!(orientation(&header(1, 52, [0, 1, -1, 0]), &header(1, 48, [1, 0, 0, 1])), quarter);
        let both = orientation(&header(0, 40, [0, 1, -1, 0]), &header(0, 36, mirror));
        assert_eq!(both, Orientation::from_matrix(0, 1, 1, 0));
        assert_eq!(orientation(&header(0, 40, [1, 1, -1, 1]), &[]), None);
        assert_eq!(orientation(&[], &[]), Some(Orientation::UPRIGHT));
    }

    #[test]
    fn an_edit_list_cuts_both_ends() {
        let list = |edits: &[u32]| -> Vec<u8> {
            let rows = edits.len() as u32 / 3;
            [0, rows].iter().chain(edits).flat_map(|word| word.to_be_bytes()).collect()
        };
        // 2 s of the movie's 1000, in the track's 15360, after an empty edit.
        let edits = list(&[500, u32::MAX, 0x10000, 2000, 1024, 0x10000]);
        assert_eq!(
            shown(Some(&edits), 1000, 15360),
            Ok(Shown { start: 1024, end: 1024 + 30720, end_tolerance: 16 })
        );
        let endless = list(&[0, 7, 0x10000]);
        assert_eq!(
            shown(Some(&endless), 1000, 15360),
            Ok(Shown { start: 7, end: i64::MAX, end_tolerance: 0 })
        );
        let two = list(&[1, 7, 0x10000, 1, 9, 0x10000]);
        assert!(matches!(shown(Some(&two), 1000, 15360), Err(TrackError::Unsupported(_))));
        assert!(matches!(shown(Some(&two[..20]), 1000, 15360), Err(TrackError::Malformed(_))));
    }
}
