//! Writes Motion JPEG as AVI, so that what is on the disk is a whole film after each frame.
//!
//! The headers are written anew with each frame, with the sizes, the count and the rate as they are then: a program
//! that is killed leaves no more than the last frame unsaid. An index is behind the frames of each `RIFF` chunk once
//! that is closed; until then a player walks the chunks, or looks for them, as it does where the index is damaged.

use std::io::{self, Seek, SeekFrom, Write};

use crate::FrameRate;

/// The most that a `RIFF` chunk takes. Old players read no more than a gigabyte of one, and OpenDML says to keep to
/// that.
const MOST_RIFF_BYTES: u64 = 1 << 30;
/// The most frames of one, which bounds what is kept of them for the index: 8 bytes each.
const MOST_RIFF_FRAMES: usize = 1 << 17;
/// The `RIFF` chunks that the index in the header has room for. What is past 256 GiB is played and not in the index.
const SUPER_INDEX_ENTRIES: usize = 256;

const FRAME: &[u8; 4] = b"00dc";
/// The bytes of an index entry in `idx1`, which has one for each frame of the first `RIFF` chunk.
const IDX1_ENTRY: u64 = 16;
/// The same in an `ix00` chunk.
const IX_ENTRY: u64 = 8;
/// What stands in an `ix00` chunk before its entries, its type and length included.
const IX_HEADER: u64 = 32;

/// An AVI file of one video stream.
#[derive(Debug)]
pub(crate) struct AviWriter<W> {
    to: W,
    width: u32,
    height: u32,
    rate: FrameRate,
    frames: u64,
    /// The most bytes of one frame, which players take buffers of.
    largest: u32,
    /// The frames of the first `RIFF` chunk.
    frames_of_first: u32,
    /// Where the last whole chunk ends.
    end: u64,
    riff: OpenRiff,
    indexes: Vec<IndexPlace>,
    /// Whether the first `RIFF` chunk has its index.
    has_idx1: bool,
    chunk: Vec<u8>,
    most_riff_bytes: u64,
    most_riff_frames: usize,
    super_index_entries: usize,
}

/// The `RIFF` chunk that frames are written to.
#[derive(Debug, Default)]
struct OpenRiff {
    /// Where it begins.
    at: u64,
    /// Where the type of its `movi` list stands, which indexes count from.
    movi: u64,
    /// Where each frame's bytes begin, from there, and how many they are.
    frames: Vec<(u32, u32)>,
    /// Whether its index is written: no frame comes behind that.
    is_closed: bool,
}

/// Where an index is, for the index of indexes.
#[derive(Debug, Clone, Copy)]
struct IndexPlace {
    at: u64,
    len: u32,
    frames: u32,
}

impl<W: Write + Seek> AviWriter<W> {
    /// A writer to an empty file, which writes nothing until there is a frame.
    pub(crate) fn new(to: W, width: u32, height: u32) -> Self {
        Self {
            to,
            width,
            height,
            rate: FrameRate::THIRTY,
            frames: 0,
            largest: 0,
            frames_of_first: 0,
            end: 0,
            riff: OpenRiff::default(),
            indexes: Vec::new(),
            has_idx1: false,
            chunk: Vec::new(),
            most_riff_bytes: MOST_RIFF_BYTES,
            most_riff_frames: MOST_RIFF_FRAMES,
            super_index_entries: SUPER_INDEX_ENTRIES,
        }
    }

    #[cfg(test)]
    pub(crate) fn with_riffs_of(mut self, bytes: u64, frames: usize) -> Self {
        (self.most_riff_bytes, self.most_riff_frames) = (bytes, frames);
        self
    }

    /// With a header of few bytes.
    #[cfg(test)]
    pub(crate) fn with_super_index_of(mut self, entries: usize) -> Self {
        self.super_index_entries = entries;
        self
    }

    /// Appends a picture. `rate` is that of all frames so far, this one included.
    ///
    /// After an error the file has what it had before, and perhaps more bytes behind [`end`](Self::end); the same
    /// picture or another may be given again.
    pub(crate) fn write(&mut self, jpeg: &[u8], rate: FrameRate) -> io::Result<()> {
        let len = u32::try_from(jpeg.len()).ok().filter(|&len| u64::from(len) < self.most_riff_bytes);
        let len = len.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "the picture is too large for an AVI file")
        })?;
        let padding = u64::from(len & 1);
        let whole_len = 8 + u64::from(len) + padding;
        if self.frames == 0 {
            self.to.seek(SeekFrom::Start(0))?;
            let header = self.header();
            self.to.write_all(&header)?;
            self.end = header.len() as u64;
            self.riff = OpenRiff { at: 0, movi: self.end - 4, frames: Vec::new(), is_closed: false };
        } else {
            let frames = self.riff.frames.len() as u64 + 1;
            let index_len = IX_HEADER + 8 + (IX_ENTRY + IDX1_ENTRY) * frames;
            let is_full = self.end - self.riff.at + whole_len + index_len > self.most_riff_bytes
                || self.riff.frames.len() >= self.most_riff_frames;
            // One that has no frame yet was begun for this one.
            if is_full && !self.riff.frames.is_empty() {
                self.close_riff()?;
            }
            if self.riff.is_closed {
                self.open_riff()?;
            }
        }

        self.chunk.clear();
        self.chunk.extend_from_slice(FRAME);
        self.chunk.extend_from_slice(&len.to_le_bytes());
        self.chunk.extend_from_slice(jpeg);
        if padding > 0 {
            self.chunk.push(0);
        }
        self.to.seek(SeekFrom::Start(self.end))?;
        self.to.write_all(&self.chunk)?;

        let before = (self.end, self.frames, self.frames_of_first, self.largest, self.rate);
        // No more than a gigabyte: that was looked at above.
        let offset = (self.end + 8 - self.riff.movi) as u32;
        self.riff.frames.push((offset, len));
        self.end += whole_len;
        self.frames += 1;
        self.frames_of_first += u32::from(self.riff.at == 0);
        self.largest = self.largest.max(len);
        self.rate = rate;
        self.write_headers(self.end).inspect_err(|_| {
            (self.end, self.frames, self.frames_of_first, self.largest, self.rate) = before;
            self.riff.frames.pop();
            // The error that led here says more than this one could.
            let _ = self.write_headers(self.end);
        })
    }

    /// Writes the index of what has none yet.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.riff.frames.is_empty() { Ok(()) } else { self.close_riff() }
    }

    /// Where the last whole chunk ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What it writes to.
    #[cfg(test)]
    pub(crate) fn get_ref(&self) -> &W {
        &self.to
    }

    /// What it writes to.
    pub(crate) fn get_mut(&mut self) -> &mut W {
        &mut self.to
    }

    /// Writes the indexes of the open `RIFF` chunk.
    fn close_riff(&mut self) -> io::Result<()> {
        let frames = self.riff.frames.len() as u32;
        let mut bytes = Vec::new();
        let mut ix = Vec::new();
        put(&mut ix, &[0x0100_0002, frames, u32::from_le_bytes(*FRAME)]);
        ix.extend_from_slice(&self.riff.movi.to_le_bytes());
        put(&mut ix, &[0]);
        for &(offset, len) in &self.riff.frames {
            put(&mut ix, &[offset, len]);
        }
        put_chunk(&mut bytes, b"ix00", &ix);
        let ix_len = bytes.len() as u64;
        let is_first = self.riff.at == 0;
        if is_first {
            let mut idx1 = Vec::new();
            for &(offset, len) in &self.riff.frames {
                idx1.extend_from_slice(FRAME);
                // A keyframe, as each is; from the type of the list to the chunk's header.
                put(&mut idx1, &[0x10, offset - 8, len]);
            }
            put_chunk(&mut bytes, b"idx1", &idx1);
        }
        self.to.seek(SeekFrom::Start(self.end))?;
        self.to.write_all(&bytes)?;

        let before = (self.end, self.indexes.len(), self.has_idx1);
        if self.indexes.len() < self.super_index_entries {
            self.indexes.push(IndexPlace { at: self.end, len: ix_len as u32, frames });
        }
        let movi_end = self.end + ix_len;
        self.end += bytes.len() as u64;
        self.has_idx1 |= is_first;
        self.write_headers(movi_end).inspect_err(|_| {
            let indexes;
            (self.end, indexes, self.has_idx1) = before;
            self.indexes.truncate(indexes);
            // The error that led here says more than this one could.
            let _ = self.write_headers(self.end);
        })?;
        self.riff.frames.clear();
        self.riff.is_closed = true;
        Ok(())
    }

    /// Begins another one behind what there is.
    fn open_riff(&mut self) -> io::Result<()> {
        let at = self.end;
        self.to.seek(SeekFrom::Start(at))?;
        self.to.write_all(b"RIFF\x10\0\0\0AVIXLIST\x04\0\0\0movi")?;
        self.end += 24;
        self.riff = OpenRiff { at, movi: self.end - 4, frames: Vec::new(), is_closed: false };
        Ok(())
    }

    /// Says what there is now: the open `RIFF` chunk ends with all that is written, and its list at `movi_end`.
    ///
    /// The chunk's length comes last, in four bytes of their own. Where the disk gives up before that, the file says
    /// that it ends where it did, and what is behind is taken away.
    fn write_headers(&mut self, movi_end: u64) -> io::Result<()> {
        let mut header = self.header();
        let riff_len = ((self.end - self.riff.at - 8) as u32).to_le_bytes();
        let list_len = (movi_end - self.riff.movi) as u32;
        let movi = header.len() - 12;
        if self.riff.at == 0 {
            set(&mut header, movi + 4, list_len);
            self.write_at(8, header.get(8..).unwrap_or_default())?;
        } else {
            // That of the first says what it said of itself: its own lengths are not written again.
            self.write_at(12, header.get(12..movi).unwrap_or_default())?;
            self.write_at(self.riff.at + 16, &list_len.to_le_bytes())?;
        }
        self.write_at(self.riff.at + 4, &riff_len)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.to.seek(SeekFrom::Start(at))?;
        self.to.write_all(bytes)
    }

    /// All that stands before the first frame, as long whatever it says. The lengths of the `RIFF` chunk and of its
    /// `movi` list are those of no frames.
    fn header(&self) -> Vec<u8> {
        let (rate, scale) = (self.rate.frames(), self.rate.seconds());
        let frames = u32::try_from(self.frames).unwrap_or(u32::MAX);
        let interval = u32::try_from(self.rate.time_of(1).as_micros()).unwrap_or(u32::MAX);
        let bytes_per_second = f64::from(self.largest) * self.rate.frames_per_second();

        let mut avih = Vec::with_capacity(56);
        // Its types of chunks can be trusted; and it has an index.
        let flags = 0x800 | if self.has_idx1 { 0x10 } else { 0 };
        put(&mut avih, &[interval, bytes_per_second as u32, 0, flags, self.frames_of_first, 0, 1]);
        put(&mut avih, &[self.largest, self.width, self.height, 0, 0, 0, 0]);

        let mut strh = b"vidsMJPG".to_vec();
        put(&mut strh, &[0, 0, 0, scale, rate, 0, frames, self.largest, u32::MAX, 0, 0]);
        for side in [self.width, self.height] {
            strh.extend_from_slice(&i16::try_from(side).unwrap_or(i16::MAX).to_le_bytes());
        }

        let mut strf = Vec::with_capacity(40);
        put(&mut strf, &[40, self.width, self.height, 24 << 16 | 1, u32::from_le_bytes(*b"MJPG")]);
        let picture_bytes = u64::from(self.width) * u64::from(self.height) * 3;
        put(&mut strf, &[u32::try_from(picture_bytes).unwrap_or(u32::MAX), 0, 0, 0, 0]);

        let mut indx = Vec::with_capacity(24 + 16 * self.super_index_entries);
        put(&mut indx, &[4, self.indexes.len() as u32, u32::from_le_bytes(*FRAME), 0, 0, 0]);
        for index in &self.indexes {
            indx.extend_from_slice(&index.at.to_le_bytes());
            put(&mut indx, &[index.len, index.frames]);
        }
        indx.resize(24 + 16 * self.super_index_entries, 0);

        let mut strl = b"strl".to_vec();
        put_chunk(&mut strl, b"strh", &strh);
        put_chunk(&mut strl, b"strf", &strf);
        put_chunk(&mut strl, b"indx", &indx);
        let mut dmlh = [0; 248];
        set(&mut dmlh, 0, frames);
        let mut odml = b"odml".to_vec();
        put_chunk(&mut odml, b"dmlh", &dmlh);
        let mut hdrl = b"hdrl".to_vec();
        put_chunk(&mut hdrl, b"avih", &avih);
        put_chunk(&mut hdrl, b"LIST", &strl);
        put_chunk(&mut hdrl, b"LIST", &odml);

        let mut header = b"RIFF\0\0\0\0AVI ".to_vec();
        put_chunk(&mut header, b"LIST", &hdrl);
        put_chunk(&mut header, b"LIST", b"movi");
        let len = header.len() as u32 - 8;
        set(&mut header, 4, len);
        header
    }
}

fn put(to: &mut Vec<u8>, words: &[u32]) {
    to.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// All contents here are of even length.
fn put_chunk(to: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    to.extend_from_slice(kind);
    to.extend_from_slice(&(content.len() as u32).to_le_bytes());
    to.extend_from_slice(content);
}

fn set(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

#[cfg(test)]
#[allow(clippy::print_stderr, reason = "the tests say what they skip")]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use netgear_proto::Frame;

    use super::*;
    use crate::formats::avi::AviSource;
    use crate::formats::riff::{chunks, u32_at};
    use crate::{FrameSource, OpenOptions, write_jpeg};

    fn jpeg(level: u8) -> Vec<u8> {
        let mut jpeg = Vec::new();
        write_jpeg(&Frame::gray8(16, 16, vec![level; 256]).unwrap(), 95, &mut jpeg).unwrap();
        jpeg
    }

    /// As many frames as the file gives, and their times in milliseconds.
    fn played(path: &Path) -> (Vec<u8>, Vec<u128>) {
        let mut source = AviSource::open(path, &OpenOptions::new()).unwrap();
        let (mut levels, mut times) = (Vec::new(), Vec::new());
        while let Some(next) = source.next_frame().unwrap() {
            levels.push(next.frame.pixels()[0]);
            times.push(next.time.as_millis());
        }
        (levels, times)
    }

    fn written(frames: u8, riff_bytes: u64, riff_frames: usize) -> Vec<u8> {
        let file = Cursor::new(Vec::new());
        let mut writer = AviWriter::new(file, 16, 16).with_riffs_of(riff_bytes, riff_frames);
        for level in 0..frames {
            writer.write(&jpeg(level), FrameRate::new(50, 1).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(writer.end(), writer.get_mut().get_ref().len() as u64);
        writer.to.into_inner()
    }

    #[test]
    fn what_is_on_the_disk_is_a_film_after_each_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.avi");
        let file = Cursor::new(Vec::new());
        let mut writer = AviWriter::new(file, 16, 16).with_riffs_of(1 << 30, 3);
        for level in 0..8 {
            writer.write(&jpeg(level), FrameRate::new(50, 1).unwrap()).unwrap();
            std::fs::write(&path, writer.get_mut().get_ref()).unwrap();
            let (levels, times) = played(&path);
            assert_eq!(levels, (0..=level).collect::<Vec<_>>());
            assert_eq!(times, (0..=u128::from(level)).map(|number| number * 20).collect::<Vec<_>>());
            let source = AviSource::open(&path, &OpenOptions::new()).unwrap();
            assert_eq!(source.info().frames, Some(u64::from(level) + 1));
        }
    }

    #[test]
    fn what_follows_a_full_riff_chunk_is_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.avi");
        // By bytes, and by frames.
        for (bytes, frames) in [(7_000, 1000), (1 << 30, 4)] {
            let file = written(20, bytes, frames);
            let riffs: Vec<_> = chunks(&file).collect();
            assert!(riffs.len() > 1, "{}", riffs.len());
            assert!(riffs.iter().all(|(kind, content)| kind == b"RIFF" && content.len() as u64 + 8 <= bytes));
            assert!(riffs[1..].iter().all(|(_, content)| content.starts_with(b"AVIX")));
            let whole: usize = riffs.iter().map(|(_, content)| content.len() + 8).sum();
            assert_eq!(whole, file.len());
            std::fs::write(&path, &file).unwrap();
            assert_eq!(played(&path).0, (0..20).collect::<Vec<_>>());
        }
    }

    /// Each entry of each index, followed from the index of indexes, leads to a JPEG picture of its length.
    #[test]
    fn the_indexes_lead_to_the_frames() {
        let file = written(11, 1 << 30, 4);
        let indx = file.windows(4).position(|kind| kind == b"indx").unwrap() + 8;
        assert_eq!(u32_at(&file, indx + 4), Some(3));
        let u64_at = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
        let mut found = Vec::new();
        for entry in (0..3).map(|number| indx + 24 + 16 * number) {
            let ix = u64_at(entry);
            assert_eq!(&file[ix..ix + 4], b"ix00");
            assert_eq!(u32_at(&file, ix + 4).unwrap() + 8, u32_at(&file, entry + 8).unwrap());
            let (frames, base) = (u32_at(&file, ix + 12).unwrap(), u64_at(ix + 20));
            assert_eq!(Some(frames), u32_at(&file, entry + 12));
            for frame in (0..frames as usize).map(|number| ix + 32 + 8 * number) {
                let at = base + u32_at(&file, frame).unwrap() as usize;
                let len = u32_at(&file, frame + 4).unwrap();
                assert_eq!((&file[at - 8..at - 4], u32_at(&file, at - 4)), (&b"00dc"[..], Some(len)));
                found.push(file[at..at + len as usize].to_vec());
            }
        }
        assert_eq!(found, (0..11).map(jpeg).collect::<Vec<_>>());

        // The old index is of the first RIFF chunk alone.
        let movi = file.windows(4).position(|kind| kind == b"movi").unwrap();
        let idx1 = file.windows(4).position(|kind| kind == b"idx1").unwrap();
        assert_eq!(u32_at(&file, idx1 + 4), Some(4 * 16));
        for (number, entry) in (0..4).map(|number| (number, idx1 + 8 + 16 * number as usize)) {
            let at = movi + u32_at(&file, entry + 8).unwrap() as usize;
            assert_eq!(&file[at..at + 4], b"00dc");
            assert_eq!(file[at + 8..][..jpeg(number).len()], jpeg(number));
        }
    }

    /// So many bytes that players pass over, and that take no room on the disk.
    fn leave_room(writer: &mut AviWriter<std::fs::File>, len: u32) {
        let mut header = b"JUNK".to_vec();
        put(&mut header, &[len]);
        writer.write_at(writer.end, &header).unwrap();
        writer.end += 8 + u64::from(len);
        writer.to.set_len(writer.end).unwrap();
    }

    /// What ffmpeg finds, from this second on: the first sample of each frame.
    fn levels_in_ffmpeg(path: &Path, start: &str) -> Option<Vec<u8>> {
        let mut command = std::process::Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-ss", start, "-i"]).arg(path);
        let output = command.args(["-f", "rawvideo", "-pix_fmt", "gray", "-"]).output();
        if output.is_err() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no ffmpeg on the PATH");
            eprintln!("SKIPPED: what ffmpeg says of a large AVI file: there is no ffmpeg on the PATH");
        }
        let output = output.ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout.chunks(256).map(|frame| frame[0]).collect())
    }

    /// Past the place where 31 bits end: 28 pictures with 80 MB between one and the next.
    #[test]
    #[cfg(unix)]
    fn a_film_of_more_than_two_gigabytes_plays_and_is_sought_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.avi");
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = AviWriter::new(file, 16, 16);
        let level = |number: u8| 40 + 3 * number;
        for number in 0..28 {
            if number > 0 {
                leave_room(&mut writer, 80_000_000);
            }
            writer.write(&jpeg(level(number)), FrameRate::new(10, 1).unwrap()).unwrap();
        }
        // As it is when the program is killed.
        let end = writer.end();
        writer.get_mut().set_len(end).unwrap();
        assert!(end > 1 << 31);
        let expected: Vec<u8> = (0..28).map(level).collect();
        let near = |found: &[u8], expected: &[u8]| {
            found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 1)
        };
        let (levels, times) = played(&path);
        assert!(near(&levels, &expected), "{levels:?}");
        assert_eq!(times[27], 2700);
        if let Some(found) = levels_in_ffmpeg(&path, "0") {
            assert!(near(&found, &expected), "{found:?}");
        }
        writer.finish().unwrap();
        // By the index, which is behind the gigabytes.
        if let Some(found) = levels_in_ffmpeg(&path, "2.5") {
            assert!(near(&found, &expected[25..]), "{found:?}");
        }
    }

    /// A file that takes so many bytes and no more.
    struct Full(Cursor<Vec<u8>>, usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.1.saturating_sub(self.0.position() as usize);
            match bytes.len().min(room) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                len => self.0.write(&bytes[..len]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Full {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn what_was_written_before_the_disk_was_full_is_a_film() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.avi");
        for room in (5_500..9_000).step_by(97) {
            let mut writer =
                AviWriter::new(Full(Cursor::new(Vec::new()), room), 16, 16).with_riffs_of(1 << 30, 3);
            let whole =
                (0..50).take_while(|&level| writer.write(&jpeg(level), FrameRate::THIRTY).is_ok()).count();
            assert!(whole < 50);
            if whole == 0 {
                continue;
            }
            let end = writer.end() as usize;
            let bytes = writer.get_mut().0.get_ref();
            std::fs::write(&path, &bytes[..end]).unwrap();
            assert_eq!(played(&path).0.len(), whole, "{room}");
        }
    }
}
