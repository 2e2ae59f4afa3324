//! The samples of a fragmented file, which are not in the `moov` box: each `moof` box says where some of them are,
//! and when they are shown (ISO/IEC 14496-12, 8.8).

use super::boxes::{boxes, find, u32_at, u64_at};
use super::video_track::{MOST_SAMPLES, Sample, TrackError, VideoTrack};

/// What holds of a sample of which its fragment says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Defaults {
    duration: u32,
    len: u32,
    flags: u32,
}

impl Defaults {
    /// What the `trex` box of this track says; `None` for a file that has no fragments.
    pub(super) fn of_track(moov: &[u8], id: u32) -> Option<Self> {
        let extends = find(moov, &[b"mvex"])?;
        let mut tracks = boxes(extends).filter(|(kind, _)| *kind == b"trex").map(|(_, track)| track);
        let track = tracks.find(|track| u32_at(track, 4) == Some(id))?;
        Some(Self { duration: u32_at(track, 12)?, len: u32_at(track, 16)?, flags: u32_at(track, 20)? })
    }
}

/// Adds what the fragments hold to a track, one fragment after the other.
pub(super) struct Fragments<'a> {
    track: &'a mut VideoTrack,
    defaults: Defaults,
    file_len: u64,
    /// The samples of the `moov` box come first, all of which may be sync samples.
    sync_samples: Vec<u32>,
    /// When the next sample is decoded, if its fragment does not say.
    decode_time: i64,
    first_decode_time: Option<i64>,
    /// The bytes of samples of which no row of a table tells the length.
    unlisted_bytes: u64,
}

/// `flags` of a sample: decoding cannot begin with it.
const IS_NO_SYNC_SAMPLE: u32 = 0x1_0000;

impl<'a> Fragments<'a> {
    pub(super) fn new(track: &'a mut VideoTrack, defaults: Defaults, file_len: u64) -> Self {
        // Not more than `MOST_SAMPLES`.
        let count = track.samples.len() as u32;
        let sync_samples = track.sync_samples.take().unwrap_or_else(|| (0..count).collect());
        let decode_time = track.decode_duration;
        let first_decode_time = (count > 0).then_some(0);
        Self { track, defaults, file_len, sync_samples, decode_time, first_decode_time, unlisted_bytes: 0 }
    }

    /// Adds the samples of the `moof` box that begins there. Whether there may be more: from the first on that the
    /// file does not hold whole, there are none.
    pub(super) fn add(&mut self, moof: &[u8], moof_at: u64) -> Result<bool, TrackError> {
        for (number, (_, fragment)) in boxes(moof).filter(|(kind, _)| *kind == b"traf").enumerate() {
            let header = find(fragment, &[b"tfhd"]).unwrap_or_default();
            if u32_at(header, 4).ok_or(MALFORMED)? == self.track.id && !self.track.is_cut_off {
                self.add_track(fragment, header, moof_at, number == 0)?;
            }
        }
        Ok(!self.track.is_cut_off)
    }

    fn add_track(
        &mut self,
        fragment: &[u8],
        header: &[u8],
        moof_at: u64,
        is_first: bool,
    ) -> Result<(), TrackError> {
        let mut fields = Fields { bytes: header, at: 8 };
        let flags = u32_at(header, 0).ok_or(MALFORMED)?;
        let base = if flags & 1 != 0 {
            fields.next_u64()?
        } else if flags & 0x2_0000 != 0 || is_first {
            moof_at
        } else {
            // It would be where the data of the track before ends.
            return Err(TrackError::Unsupported("its fragments do not say where their data is".to_owned()));
        };
        fields.next_if(flags & 2 != 0)?;
        let defaults = Defaults {
            duration: fields.next_if(flags & 8 != 0)?.unwrap_or(self.defaults.duration),
            len: fields.next_if(flags & 0x10 != 0)?.unwrap_or(self.defaults.len),
            flags: fields.next_if(flags & 0x20 != 0)?.unwrap_or(self.defaults.flags),
        };
        if let Some(time) = find(fragment, &[b"tfdt"]) {
            let time =
                if time.first() == Some(&1) { u64_at(time, 4) } else { u32_at(time, 4).map(u64::from) };
            self.decode_time = time.and_then(|time| i64::try_from(time).ok()).ok_or(MALFORMED)?;
        }
        let mut offset = base;
        for (_, run) in boxes(fragment).filter(|(kind, _)| *kind == b"trun") {
            offset = self.add_run(run, base, offset, defaults)?;
        }
        Ok(())
    }

    /// Adds the samples of a `trun` box, and gives where its data ends. Without an offset of its own it begins at
    /// `next`.
    fn add_run(&mut self, run: &[u8], base: u64, next: u64, defaults: Defaults) -> Result<u64, TrackError> {
        let flags = u32_at(run, 0).ok_or(MALFORMED)?;
        let count = u32_at(run, 4).ok_or(MALFORMED)?;
        let mut fields = Fields { bytes: run, at: 8 };
        let mut offset = match fields.next_if(flags & 1 != 0)? {
            Some(distance) => base.checked_add_signed(distance.cast_signed().into()).ok_or(MALFORMED)?,
            None => next,
        };
        let mut first_flags = fields.next_if(flags & 4 != 0)?;
        let row_len = 4 * (flags & 0xf00).count_ones() as usize;
        let rows = run.get(fields.at..).unwrap_or_default();
        let claimed = count as usize;
        if claimed > MOST_SAMPLES.saturating_sub(self.track.samples.len()) {
            return Err(TrackError::Unsupported(format!("it has more than {MOST_SAMPLES} frames")));
        }
        if claimed.checked_mul(row_len).is_none_or(|len| len > rows.len()) {
            return Err(MALFORMED);
        }
        // Where no row tells it, a claim of many samples takes no bytes of the table; so they must be in the file,
        // each for itself.
        if flags & 0x200 == 0 {
            self.unlisted_bytes =
                self.unlisted_bytes.saturating_add(u64::from(defaults.len) * u64::from(count));
            if defaults.len == 0 && count > 0 {
                return Err(TrackError::Malformed("a movie fragment has samples of length 0"));
            }
            if self.unlisted_bytes > self.file_len {
                return Err(TrackError::Malformed("the samples are larger than the file"));
            }
        }
        self.track.samples.reserve(claimed);
        for _ in 0..count {
            let duration = fields.next_if(flags & 0x100 != 0)?.unwrap_or(defaults.duration);
            let len = fields.next_if(flags & 0x200 != 0)?.unwrap_or(defaults.len);
            let own_flags = fields.next_if(flags & 0x400 != 0)?.unwrap_or(defaults.flags);
            let composition_offset = fields.next_if(flags & 0x800 != 0)?.unwrap_or(0).cast_signed();
            let end = offset.checked_add(len.into()).ok_or(MALFORMED)?;
            if end > self.file_len {
                self.track.is_cut_off = true;
                break;
            }
            if first_flags.take().unwrap_or(own_flags) & IS_NO_SYNC_SAMPLE == 0 {
                self.sync_samples.push(self.track.samples.len() as u32);
            }
            self.first_decode_time.get_or_insert(self.decode_time);
            // An end says how long the samples of the `moov` box take, and nothing of these.
            self.track.shown.end = i64::MAX;
            self.track.samples.push(Sample {
                offset,
                len,
                duration,
                composition_time: self.decode_time.saturating_add(composition_offset.into()),
            });
            self.decode_time = self.decode_time.saturating_add(duration.into());
            offset = end;
        }
        Ok(offset)
    }

    /// What comes next is not in the file whole.
    pub(super) fn cut_off(&mut self) {
        self.track.is_cut_off = true;
    }

    /// There are no more.
    pub(super) fn finish(self) -> Result<(), TrackError> {
        if self.track.samples.is_empty() {
            return Err(TrackError::Malformed(
                "the video track has no samples; the recording was perhaps cut off",
            ));
        }
        self.track.sync_samples = Some(self.sync_samples);
        self.track.decode_duration =
            self.decode_time.saturating_sub(self.first_decode_time.unwrap_or_default()).max(0);
        Ok(())
    }
}

const MALFORMED: TrackError = TrackError::Malformed("a movie fragment is malformed or cut short");

/// Fields of which some may be left out, one behind the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    /// The next field, if it is there.
    fn next_if(&mut self, is_there: bool) -> Result<Option<u32>, TrackError> {
        if !is_there {
            return Ok(None);
        }
        let field = u32_at(self.bytes, self.at).ok_or(MALFORMED)?;
        self.at += 4;
        Ok(Some(field))
    }

    fn next_u64(&mut self) -> Result<u64, TrackError> {
        let field = u64_at(self.bytes, self.at).ok_or(MALFORMED)?;
        self.at += 8;
        Ok(field)
    }
}

#[cfg(test)]
mod tests {
    use super::super::video_track::Shown;
    use super::*;
    use crate::orientation::Orientation;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], content].concat()
    }

    fn words(kind: &[u8; 4], words: &[u32]) -> Vec<u8> {
        boxed(kind, &words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    /// The content of a `moof` box with a single track.
    fn moof(header: &[u32], time: u32, runs: &[&[u32]]) -> Vec<u8> {
        let runs = runs.iter().flat_map(|run| words(b"trun", run));
        let track = words(b"tfhd", header).into_iter().chain(words(b"tfdt", &[0, time])).chain(runs);
        boxed(b"traf", &track.collect::<Vec<_>>())
    }

    fn track() -> VideoTrack {
        VideoTrack {
            id: 1,
            avcc: Vec::new(),
            timescale: 1000,
            samples: Vec::new(),
            sync_samples: None,
            decode_duration: 0,
            shown: Shown { start: i64::MIN, end: 0, end_tolerance: 0 },
            orientation: Orientation::UPRIGHT,
            is_cut_off: false,
        }
    }

    const DEFAULTS: Defaults = Defaults { duration: 10, len: 7, flags: IS_NO_SYNC_SAMPLE };

    fn read(file_len: u64, moofs: &[(u64, Vec<u8>)]) -> Result<VideoTrack, TrackError> {
        let mut track = track();
        let mut fragments = Fragments::new(&mut track, DEFAULTS, file_len);
        for (at, moof) in moofs {
            if !fragments.add(moof, *at)? {
                break;
            }
        }
        fragments.finish()?;
        Ok(track)
    }

    fn sample(offset: u64, len: u32, duration: u32, composition_time: i64) -> Sample {
        Sample { offset, len, duration, composition_time }
    }

    #[test]
    fn what_a_run_does_not_say_its_fragment_does_and_then_the_track() {
        let minus_five = (-5_i32).cast_unsigned();
        let first = moof(
            // From the beginning of the box, 20 long each.
            &[0x2_0008, 1, 20],
            100,
            // With an offset, flags of the first, lengths and composition offsets; then one that goes on behind it.
            &[&[0xa05, 2, 50, 0, 3, 0, 4, minus_five], &[0x100, 1, 33]],
        );
        // Lengths and flags of its own fragment, at a place of its own, from a time of its own.
        let second = moof(&[0x31, 1, 0, 700, 9, 0], 500, &[&[0, 2]]);
        let of_another_track = moof(&[0x2_0000, 2], 0, &[&[0, 3]]);
        let track = read(2000, &[(200, first), (300, of_another_track), (400, second)]).unwrap();
        let expected = [
            sample(250, 3, 20, 100),
            sample(253, 4, 20, 115),
            sample(257, 7, 33, 140),
            sample(700, 9, 10, 500),
            sample(709, 9, 10, 510),
        ];
        assert_eq!(track.samples, expected);
        assert_eq!(track.sync_samples, Some(vec![0, 3, 4]));
        assert_eq!((track.decode_duration, track.shown.end), (420, i64::MAX));
    }

    #[test]
    fn the_edit_list_ends_a_film_that_has_no_samples_in_fragments() {
        let whole = moof(&[0x2_0000, 1], 30, &[&[0x201, 1, 50, 10]]);
        let of_another_track = moof(&[0x2_0000, 2], 0, &[&[0, 3]]);
        for (file_len, moofs, end) in [
            (1000, vec![], 25),
            (1000, vec![of_another_track.clone()], 25),
            // It is cut off before the first of them is whole.
            (50, vec![whole.clone()], 25),
            (1000, vec![of_another_track, whole], i64::MAX),
        ] {
            let mut track = track();
            track.samples = [0, 10, 20].map(|time| sample(0, 5, 10, time)).to_vec();
            track.decode_duration = 30;
            track.shown.end = 25;
            let mut fragments = Fragments::new(&mut track, DEFAULTS, file_len);
            for moof in &moofs {
                fragments.add(moof, 0).unwrap();
            }
            fragments.finish().unwrap();
            assert_eq!(track.shown.end, end, "{} fragments of {file_len} bytes", moofs.len());
        }
    }

    #[test]
    fn a_file_that_is_cut_off_ends_before_the_first_sample_that_is_not_whole() {
        let moofs =
            [0, 100].map(|at| (at, moof(&[0x2_0000, 1], at as u32 * 3 / 10, &[&[0x201, 3, 50, 10, 10, 10]])));
        for (file_len, samples) in [(200, 6), (180, 6), (179, 5), (169, 4), (151, 3), (60, 1)] {
            let track = read(file_len, &moofs).unwrap();
            assert_eq!((track.samples.len(), track.is_cut_off), (samples, samples < 6), "{file_len}");
            assert_eq!(track.decode_duration, 10 * samples as i64, "{file_len}");
        }
        assert!(matches!(read(59, &moofs), Err(TrackError::Malformed(_))));
        assert!(matches!(read(200, &[]), Err(TrackError::Malformed(_))));
    }

    #[test]
    fn a_claim_of_many_samples_allocates_nothing() {
        let claim = |flags, count, len| moof(&[0x2_0010, 1, len], 0, &[&[flags, count]]);
        let refused = |file_len, moofs: &[Vec<u8>]| {
            let moofs: Vec<_> = moofs.iter().map(|moof| (0, moof.clone())).collect();
            read(file_len, &moofs).err()
        };
        assert!(matches!(refused(u64::MAX, &[claim(0, u32::MAX, 1)]), Some(TrackError::Unsupported(_))));
        assert!(matches!(refused(1000, &[claim(0, 1001, 1)]), Some(TrackError::Malformed(_))));
        assert_eq!(refused(1000, &[claim(0, 1000, 1)]), None);
        // The same bytes once more.
        let half = claim(0, 501, 1);
        assert!(matches!(refused(1000, &[half.clone(), half]), Some(TrackError::Malformed(_))));
        let empty = TrackError::Malformed("a movie fragment has samples of length 0");
        assert_eq!(refused(1000, &[claim(0, 1, 0)]), Some(empty));
        assert!(matches!(refused(1000, &[claim(0x200, 1000, 0)]), Some(TrackError::Malformed(_))));
    }

    #[test]
    fn what_is_cut_short_is_an_error_wherever_that_is() {
        let whole = moof(&[0x3b, 1, 0, 0, 1, 9, 9, 0], 0, &[&[0xf05, 1, 0, 0, 1, 2, 3, 4]]);
        assert!(read(1000, &[(0, whole)]).is_ok());
        for header in [&[][..], &[0], &[1, 1], &[1, 1, 0], &[0x38, 1, 9, 9], &[0x2_0008, 1]] {
            assert_eq!(read(1000, &[(0, moof(header, 0, &[&[0, 1]]))]).err(), Some(MALFORMED), "{header:?}");
        }
        for run in [&[][..], &[0], &[1, 1], &[5, 1, 0], &[0xf00, 1, 1, 2, 3]] {
            assert_eq!(read(1000, &[(0, moof(&[0, 1], 0, &[run]))]).err(), Some(MALFORMED), "{run:?}");
        }
        // Before the beginning of the file.
        let before = moof(&[0, 1], 0, &[&[1, 1, u32::MAX]]);
        assert_eq!(read(1000, &[(0, before)]).err(), Some(MALFORMED));
    }
}
