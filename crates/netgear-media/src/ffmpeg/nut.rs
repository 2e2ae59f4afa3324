//! NUT, as far as an ffmpeg uses it that writes one stream of raw frames.
//!
//! It is what carries frames from the child process: of the containers that ffmpeg has always been able to write, it
//! alone has exact times of any unit, needs no seeking in what was written, and adds a few bytes to a frame. The
//! format's own description is `nut.txt` ("NUT Open Container Format"); what a variable is called here it is called
//! there.

use std::io::{self, Read};
use std::time::Duration;

pub(super) const FILE_ID: &[u8; 25] = b"nut/multimedia container\0";
pub(super) const MAIN: u64 = 0x4E4D_7A56_1F5F_04AD;
pub(super) const STREAM: u64 = 0x4E53_1140_5BF2_F9DB;
pub(super) const SYNCPOINT: u64 = 0x4E4B_E4AD_EECA_4569;

/// The longest header that is read. Those of one stream have some hundred bytes; an index, which may be longer, is
/// skipped.
const LONGEST_PACKET: u64 = 1 << 16;

/// The bits of a frame's flags.
pub(super) mod flag {
    pub(in crate::ffmpeg) const KEY: u64 = 1;
    pub(in crate::ffmpeg) const CODED_PTS: u64 = 8;
    pub(in crate::ffmpeg) const STREAM_ID: u64 = 16;
    pub(in crate::ffmpeg) const SIZE_MSB: u64 = 32;
    pub(in crate::ffmpeg) const CHECKSUM: u64 = 64;
    pub(in crate::ffmpeg) const RESERVED: u64 = 128;
    pub(in crate::ffmpeg) const SIDE_DATA: u64 = 256;
    pub(in crate::ffmpeg) const HEADER_INDEX: u64 = 1024;
    pub(in crate::ffmpeg) const MATCH_TIME: u64 = 2048;
    pub(in crate::ffmpeg) const CODED: u64 = 4096;
    pub(in crate::ffmpeg) const INVALID: u64 = 8192;
}

/// What comes before the bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// When it is shown.
    pub(super) time: Duration,
    /// Its bytes.
    pub(super) len: u64,
}

/// Reads the frames' headers. The bytes of each frame are to be read before the next header.
#[derive(Debug)]
pub(super) struct NutReader<R> {
    from: R,
    has_begun: bool,
    time_bases: Vec<TimeBase>,
    frame_codes: Vec<FrameCode>,
    stream: Option<Stream>,
    /// What frames leave out of their beginning; the first is empty.
    elided: Vec<Vec<u8>>,
    /// Which of them the frame leaves out whose header was read last.
    left_out: usize,
    last_pts: u64,
}

/// The unit of a time, in seconds.
#[derive(Debug, Clone, Copy)]
struct TimeBase {
    numerator: u64,
    denominator: u64,
}

/// What a frame that begins with a certain byte need not say.
#[derive(Debug, Clone, Copy)]
struct FrameCode {
    flags: u64,
    stream: u64,
    size_multiplier: u64,
    size: u64,
    pts_delta: i64,
    reserved: u64,
    header_index: u64,
}

#[derive(Debug, Clone, Copy)]
struct Stream {
    time_base: TimeBase,
    msb_pts_shift: u32,
}

/// Why there is no next frame.
#[derive(Debug)]
pub(super) enum NutError {
    Io(io::Error),
    Malformed(&'static str),
}

impl From<io::Error> for NutError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<R: Read> NutReader<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            has_begun: false,
            time_bases: Vec::new(),
            frame_codes: Vec::new(),
            stream: None,
            elided: Vec::new(),
            left_out: 0,
            last_pts: 0,
        }
    }

    /// The header of the next frame, or `None` at the end.
    pub(super) fn next_header(&mut self) -> Result<Option<FrameHeader>, NutError> {
        if !self.has_begun {
            let mut id = [0; FILE_ID.len()];
            match read_or_end(&mut self.from, &mut id)? {
                0 => return Ok(None),
                read if read == id.len() && id == *FILE_ID => self.has_begun = true,
                _ => return Err(NutError::Malformed("its output is no NUT")),
            }
        }
        loop {
            let mut code = [0];
            if read_or_end(&mut self.from, &mut code)? == 0 {
                return Ok(None);
            }
            match code {
                // It is the first letter of each startcode, and of no frame.
                [b'N'] => self.packet()?,
                [code] => return self.frame_header(code).map(Some),
            }
        }
    }

    /// Fills the buffer, of the length that the header said, with the bytes of the frame.
    pub(super) fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let left_out = self.elided.get(self.left_out).map(Vec::as_slice).unwrap_or_default();
        match buffer.split_at_mut_checked(left_out.len()) {
            Some((start, rest)) => {
                start.copy_from_slice(left_out);
                self.from.read_exact(rest)
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// A header, of which the first byte has been read.
    fn packet(&mut self) -> Result<(), NutError> {
        let mut startcode = [b'N', 0, 0, 0, 0, 0, 0, 0];
        let [_, rest @ ..] = &mut startcode;
        self.from.read_exact(rest)?;
        let len = number(&mut self.from)?;
        if len > 4096 {
            self.from.read_exact(&mut [0; 4])?;
        }
        let startcode = u64::from_be_bytes(startcode);
        if !matches!(startcode, MAIN | STREAM | SYNCPOINT) {
            // It says nothing of the frames, or repeats what is known.
            let skipped = io::copy(&mut self.from.by_ref().take(len), &mut io::sink())?;
            return if skipped == len {
                Ok(())
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
            };
        }
        if len > LONGEST_PACKET {
            return Err(NutError::Malformed("a header is too long"));
        }
        let mut content = vec![0; len as usize];
        self.from.read_exact(&mut content)?;
        let mut content = content.as_slice();
        match startcode {
            MAIN => self.main_header(&mut content),
            STREAM => self.stream_header(&mut content),
            _ => self.syncpoint(&mut content),
        }
    }

    fn main_header(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let version = number(content)?;
        if version != 3 {
            return Err(NutError::Malformed("its NUT is of another version than 3"));
        }
        if number(content)? != 1 {
            return Err(NutError::Malformed("its output has more than one stream"));
        }
        let _max_distance = number(content)?;
        self.time_bases.clear();
        for _ in 0..number(content)?.min(256) {
            let time_base = TimeBase { numerator: number(content)?, denominator: number(content)? };
            if time_base.numerator == 0 || time_base.denominator == 0 {
                return Err(NutError::Malformed("a unit of time is zero"));
            }
            self.time_bases.push(time_base);
        }
        self.read_frame_codes(content)?;
        self.elided.clear();
        self.elided.push(Vec::new());
        for _ in 0..number(content)?.min(128) {
            let len = number(content)?;
            let (left_out, rest) = split_at(content, len)?;
            self.elided.push(left_out.to_owned());
            *content = rest;
        }
        Ok(())
    }

    /// The table of frame codes: runs, each of which takes over from the one before it what it does not say.
    fn read_frame_codes(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        self.frame_codes.clear();
        let (mut pts_delta, mut multiplier, mut stream, mut header_index) = (0, 1, 0, 0);
        while self.frame_codes.len() < 256 {
            let flags = number(content)?;
            let fields = number(content)?;
            if fields > 0 {
                pts_delta = signed(content)?;
            }
            if fields > 1 {
                multiplier = number(content)?;
            }
            if fields > 2 {
                stream = number(content)?;
            }
            let size = if fields > 3 { number(content)? } else { 0 };
            let reserved = if fields > 4 { number(content)? } else { 0 };
            let count = if fields > 5 { number(content)? } else { multiplier.saturating_sub(size) };
            if fields > 6 {
                signed(content)?;
            }
            if fields > 7 {
                header_index = number(content)?;
            }
            for _ in 8..fields.min(256) {
                number(content)?;
            }
            if count == 0 || count > 256 {
                return Err(NutError::Malformed("a run of frame codes has no length"));
            }
            for position in 0..count {
                let code = |flags| FrameCode {
                    flags,
                    stream,
                    size_multiplier: multiplier,
                    size: size.saturating_add(position),
                    pts_delta,
                    reserved,
                    header_index,
                };
                // No run has an entry for the letter that begins the startcodes.
                if self.frame_codes.len() == usize::from(b'N') {
                    self.frame_codes.push(code(flag::INVALID));
                }
                self.frame_codes.push(code(flags));
            }
        }
        Ok(())
    }

    fn stream_header(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let _id = number(content)?;
        let _class = number(content)?;
        let len = number(content)?;
        let (_fourcc, rest) = split_at(content, len)?;
        *content = rest;
        let time_base = usize::try_from(number(content)?).ok().and_then(|id| self.time_bases.get(id));
        let time_base = *time_base.ok_or(NutError::Malformed("a stream has no unit of time"))?;
        let msb_pts_shift = u32::try_from(number(content)?).ok().filter(|&shift| shift < 32);
        let msb_pts_shift = msb_pts_shift.ok_or(NutError::Malformed("its times are cut too short"))?;
        self.stream = Some(Stream { time_base, msb_pts_shift });
        Ok(())
    }

    /// From here on times are told as differences to this one.
    fn syncpoint(&mut self, content: &mut &[u8]) -> Result<(), NutError> {
        let malformed = || NutError::Malformed("there is no stream for a syncpoint");
        let coded = number(content)?;
        let count = self.time_bases.len() as u64;
        let from =
            coded.checked_rem(count).and_then(|id| self.time_bases.get(id as usize)).ok_or_else(malformed)?;
        let to = self.stream.ok_or_else(malformed)?.time_base;
        let pts = u128::from(coded / count) * u128::from(from.numerator) * u128::from(to.denominator)
            / u128::from(from.denominator)
            / u128::from(to.numerator);
        self.last_pts = u64::try_from(pts).map_err(|_| NutError::Malformed("a time is too large"))?;
        Ok(())
    }

    fn frame_header(&mut self, code: u8) -> Result<FrameHeader, NutError> {
        let from = &mut self.from;
        let code =
            self.frame_codes.get(usize::from(code)).ok_or(NutError::Malformed("there is no main header"))?;
        let stream = self.stream.ok_or(NutError::Malformed("there is no stream header"))?;
        let mut flags = code.flags;
        if flags & flag::CODED != 0 {
            flags ^= number(from)?;
        }
        if flags & (flag::INVALID | flag::SIDE_DATA) != 0 {
            return Err(NutError::Malformed("a frame begins with a byte that begins none"));
        }
        let stream_id = if flags & flag::STREAM_ID != 0 { number(from)? } else { code.stream };
        if stream_id != 0 {
            return Err(NutError::Malformed("a frame is of another stream"));
        }
        let pts = if flags & flag::CODED_PTS != 0 {
            let (coded, base) = (number(from)?, 1_u64 << stream.msb_pts_shift);
            match coded.checked_sub(base) {
                Some(pts) => pts,
                // The low bits alone: the time nearest to the last one that has them.
                None => {
                    let start = self.last_pts.wrapping_sub((base - 1) / 2);
                    (coded.wrapping_sub(start) & (base - 1)).wrapping_add(start)
                }
            }
        } else {
            self.last_pts.wrapping_add_signed(code.pts_delta)
        };
        let mut len = code.size;
        if flags & flag::SIZE_MSB != 0 {
            len = number(from)?.saturating_mul(code.size_multiplier).saturating_add(len);
        }
        if flags & flag::MATCH_TIME != 0 {
            number(from)?;
        }
        let header_index = if flags & flag::HEADER_INDEX != 0 { number(from)? } else { code.header_index };
        let reserved = if flags & flag::RESERVED != 0 { number(from)? } else { code.reserved };
        for _ in 0..reserved.min(256) {
            number(from)?;
        }
        if flags & flag::CHECKSUM != 0 {
            from.read_exact(&mut [0; 4])?;
        }
        // A long frame leaves out nothing, whatever its code says.
        let left_out = if len > 4096 { 0 } else { usize::try_from(header_index).unwrap_or(usize::MAX) };
        if self.elided.get(left_out).is_none_or(|left_out| left_out.len() as u64 > len) {
            return Err(NutError::Malformed("a frame leaves out what there is not"));
        }
        self.left_out = left_out;
        self.last_pts = pts;
        Ok(FrameHeader { time: stream.time_base.time(pts), len })
    }
}

impl TimeBase {
    fn time(self, pts: u64) -> Duration {
        let units = u128::from(pts) * u128::from(self.numerator);
        let denominator = u128::from(self.denominator);
        let seconds = u64::try_from(units / denominator).unwrap_or(u64::MAX);
        // Less than 10⁹, so it fits.
        Duration::new(seconds, (units % denominator * 1_000_000_000 / denominator) as u32)
    }
}

/// A number of variable length (`v`): seven bits a byte, the highest first, and the eighth set if there is another.
fn number(from: &mut impl Read) -> Result<u64, NutError> {
    let mut value = 0_u64;
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        let [byte] = byte;
        if value > u64::MAX >> 7 {
            return Err(NutError::Malformed("a number is too large"));
        }
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
}

/// A number with a sign (`s`): 0, 1, −1, 2, −2, …
fn signed(from: &mut impl Read) -> Result<i64, NutError> {
    let coded = number(from)?.saturating_add(1);
    let magnitude = (coded >> 1).cast_signed();
    Ok(if coded & 1 == 1 { -magnitude } else { magnitude })
}

fn split_at(content: &[u8], at: u64) -> Result<(&[u8], &[u8]), NutError> {
    let at = usize::try_from(at).ok();
    at.and_then(|at| content.split_at_checked(at)).ok_or(NutError::Malformed("a header is cut short"))
}

/// Fills the buffer, or as much of it as there is before the end.
fn read_or_end(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ffmpeg 5.1 wrote of frames of 2 × 1 pixels at 0, 1/30, 1/10 and 3/10 s, in units of 1/705600000 s.
    const FFMPEG: &[u8] = include_bytes!("../../tests/data/four-frames.nut");

    fn times(bytes: &[u8]) -> Result<Vec<(Duration, Vec<u8>)>, NutError> {
        let mut reader = NutReader::new(bytes);
        let mut frames = Vec::new();
        while let Some(header) = reader.next_header()? {
            let mut pixels = vec![0; header.len.min(5000) as usize];
            reader.read_frame(&mut pixels)?;
            frames.push((header.time, pixels));
        }
        Ok(frames)
    }

    #[test]
    fn the_times_of_ffmpegs_frames_are_exact() {
        let frames = times(FFMPEG).unwrap();
        let found: Vec<u128> = frames.iter().map(|(time, _)| time.as_nanos()).collect();
        assert_eq!(found, [0, 33_333_333, 100_000_000, 300_000_000]);
        assert!(frames.iter().all(|(_, pixels)| *pixels == [0, 0, 1, 0, 0, 1]));
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_an_error_or_other_frames_and_no_panic() {
        for len in 0..FFMPEG.len() {
            if let Ok(frames) = times(&FFMPEG[..len]) {
                assert!(frames.len() <= 4);
            }
        }
        for at in 0..FFMPEG.len() {
            for bit in 0..8 {
                let mut damaged = FFMPEG.to_vec();
                damaged[at] ^= 1 << bit;
                let _ = times(&damaged);
            }
        }
        assert!(matches!(times(b"RIFF"), Err(NutError::Malformed(_))));
        assert!(matches!(times(&FFMPEG[..40]), Err(NutError::Io(_))));
        assert!(times(b"").unwrap().is_empty());
    }

    #[test]
    fn numbers_are_read_as_the_format_says() {
        for (bytes, value) in
            [(&[0][..], 0), (&[0x7F], 127), (&[0x81, 0], 128), (&[0x82, 0xD0, 0xBA, 0xB4, 0], 705_600_000)]
        {
            assert_eq!(number(&mut { bytes }).unwrap(), value);
        }
        let signs = [0, 1, 2, 3, 4].map(|byte: u8| signed(&mut &[byte][..]).unwrap());
        assert_eq!(signs, [0, 1, -1, 2, -2]);
        assert!(matches!(number(&mut &[0xFF; 11][..]), Err(NutError::Malformed(_))));
    }
}
