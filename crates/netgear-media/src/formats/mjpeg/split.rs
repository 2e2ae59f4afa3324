//! Where JPEG pictures begin and end (ITU-T T.81, annex B).

use std::io::{self, BufRead};

/// What the header of a JPEG picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JpegHeader {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// It is the first of several views of one photograph, which follow in the file: the multi-picture format of CIPA
    /// DC-007.
    pub(crate) has_views: bool,
}

impl JpegHeader {
    /// Reads the segments up to the one with the size. `None` if there is none, or a side is 0.
    pub(crate) fn parse(jpeg: &[u8]) -> Option<Self> {
        let mut rest = jpeg.strip_prefix(&[0xff, SOI])?;
        let mut has_views = false;
        loop {
            let &[0xff, marker, ..] = rest else { return None };
            rest = rest.get(1..)?;
            // A marker may have any number of 0xff before it.
            if marker == 0xff {
                continue;
            }
            rest = rest.get(1..)?;
            let content = segment(rest)?;
            match marker {
                // Of what lies between, these are tables; the others begin a picture.
                0xc0..=0xcf if !matches!(marker, DHT | JPG | DAC) => {
                    let &[_, a, b, c, d, ..] = content else { return None };
                    let [height, width] = [[a, b], [c, d]].map(|side| u32::from(u16::from_be_bytes(side)));
                    return (width > 0 && height > 0).then_some(Self { width, height, has_views });
                }
                SOI | EOI | SOS => return None,
                APP2 => has_views |= content.starts_with(b"MPF\0"),
                _ => {}
            }
            rest = rest.get(2 + content.len()..)?;
        }
    }
}

/// The content of the segment that begins with the length there.
fn segment(rest: &[u8]) -> Option<&[u8]> {
    let len = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    rest.get(2..len)
}

const DHT: u8 = 0xc4;
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP2: u8 = 0xe2;

/// Why there is no next picture.
#[derive(Debug)]
pub(super) enum SplitError {
    Io(io::Error),
    Damaged(&'static str),
}

impl From<io::Error> for SplitError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("the file ends before this picture does"),
            _ => Self::Io(error),
        }
    }
}

/// Reads the next picture, from its first marker to its last, of no more than so many bytes; `false` at the end of
/// the file. Between pictures there may be zeros, as some devices fill up blocks with.
///
/// Thumbnails have markers like those of a picture, and lie in segments, which are passed over by their length.
pub(super) fn read_jpeg(
    from: &mut impl BufRead,
    most: usize,
    jpeg: &mut Vec<u8>,
) -> Result<bool, SplitError> {
    jpeg.clear();
    if !pass_zeros(from)? {
        return Ok(false);
    }
    let mut reader = Segments { from, most, jpeg };
    if (reader.byte()?, reader.byte()?) != (0xff, SOI) {
        return Err(SplitError::Damaged("there are other bytes where a picture should begin"));
    }
    let mut marker = reader.marker()?;
    loop {
        match marker {
            EOI => return Ok(true),
            SOI => return Err(SplitError::Damaged("another picture begins within this one")),
            // Without a length.
            0x01 | 0xd0..=0xd7 => marker = reader.marker()?,
            SOS => {
                reader.segment()?;
                marker = reader.scan()?;
            }
            _ => {
                reader.segment()?;
                marker = reader.marker()?;
            }
        }
    }
}

/// Whether there is anything else before the end of the file.
fn pass_zeros(from: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = from.fill_buf()?;
        let (zeros, len) = (bytes.iter().take_while(|byte| **byte == 0).count(), bytes.len());
        from.consume(zeros);
        if zeros < len || len == 0 {
            return Ok(len > 0);
        }
    }
}

/// The parts of a picture, copied while they are read.
struct Segments<'a, R> {
    from: &'a mut R,
    most: usize,
    jpeg: &'a mut Vec<u8>,
}

impl<R: BufRead> Segments<'_, R> {
    fn byte(&mut self) -> Result<u8, SplitError> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        self.push(&byte)?;
        Ok(byte[0])
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), SplitError> {
        if bytes.len() > self.most - self.jpeg.len() {
            return Err(SplitError::Damaged("it is longer than its pixels are"));
        }
        self.jpeg.extend_from_slice(bytes);
        Ok(())
    }

    fn marker(&mut self) -> Result<u8, SplitError> {
        if self.byte()? != 0xff {
            return Err(SplitError::Damaged(
                "there are other bytes where a part of the picture should begin",
            ));
        }
        loop {
            // A marker may have any number of 0xff before it.
            match self.byte()? {
                0xff => {}
                0x00 => return Err(SplitError::Damaged("a part of the picture is of no kind")),
                marker => return Ok(marker),
            }
        }
    }

    fn segment(&mut self) -> Result<(), SplitError> {
        let len = u16::from_be_bytes([self.byte()?, self.byte()?]);
        let len = len.checked_sub(2).ok_or(SplitError::Damaged("a part of the picture is too short"))?;
        let mut left = usize::from(len);
        while left > 0 {
            let bytes = self.from.fill_buf()?;
            if bytes.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let len = left.min(bytes.len());
            if len > self.most - self.jpeg.len() {
                return Err(SplitError::Damaged("it is longer than its pixels are"));
            }
            self.jpeg.extend(bytes.iter().take(len));
            self.from.consume(len);
            left -= len;
        }
        Ok(())
    }

    /// Coded samples, up to the marker behind them, which is no restart.
    fn scan(&mut self) -> Result<u8, SplitError> {
        loop {
            let bytes = self.from.fill_buf()?;
            if bytes.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let len = bytes.iter().position(|byte| *byte == 0xff).unwrap_or(bytes.len());
            if len > self.most - self.jpeg.len() {
                return Err(SplitError::Damaged("it is longer than its pixels are"));
            }
            self.jpeg.extend(bytes.iter().take(len));
            let is_at_marker = len < bytes.len();
            self.from.consume(len);
            if is_at_marker {
                self.byte()?;
                let mut marker = self.byte()?;
                while marker == 0xff {
                    marker = self.byte()?;
                }
                if !matches!(marker, 0x00 | 0xd0..=0xd7) {
                    return Ok(marker);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// A comment with the markers of a picture in it, a scan with a stuffed byte and a restart, another with fill
    /// bytes.
    const PICTURE: &[u8] =
        b"\xff\xd8\xff\xe1\0\x06\xff\xd8\xff\xd9\xff\xc0\0\x0b\x08\0\x30\0\x40\x01\x01\x11\0\
        \xff\xda\0\x03\x01abc\xff\0de\xff\xd3fg\xff\xff\xff\xc4\0\x02\xff\xda\0\x02xyz\xff\xd9";

    fn split(bytes: &[u8], most: usize, buffer: usize) -> (Vec<Vec<u8>>, Option<&'static str>) {
        let mut from = BufReader::with_capacity(buffer, bytes);
        let (mut pictures, mut jpeg) = (Vec::new(), Vec::new());
        loop {
            match read_jpeg(&mut from, most, &mut jpeg) {
                Ok(true) => pictures.push(jpeg.clone()),
                Ok(false) => return (pictures, None),
                Err(SplitError::Damaged(reason)) => return (pictures, Some(reason)),
                Err(SplitError::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn pictures_end_where_their_parts_do_wherever_a_buffer_ends() {
        let file = [PICTURE, PICTURE, &[0; 30], PICTURE, &[0; 5]].concat();
        for buffer in 1..PICTURE.len() + 2 {
            assert_eq!(split(&file, PICTURE.len(), buffer), (vec![PICTURE.to_vec(); 3], None), "{buffer}");
        }
    }

    #[test]
    fn the_pictures_before_the_damage_come_out() {
        for len in 1..PICTURE.len() {
            let file = [PICTURE, &PICTURE[..len]].concat();
            let (pictures, error) = split(&file, 1000, 7);
            assert_eq!(pictures, [PICTURE]);
            assert_eq!(error, Some("the file ends before this picture does"), "{len}");
        }
        for rest in [
            &b"x"[..],
            b"\xff\xd9",
            b"\xff\xd8\xff\xd8",
            b"\xff\xd8\xff\0",
            b"\xff\xd8\xff\xe0\0\x01",
            b"\xff\xd8x",
        ] {
            let (pictures, error) = split(&[PICTURE, rest].concat(), 1000, 7);
            assert_eq!((pictures.len(), error.is_some()), (1, true), "{rest:x?}");
        }
        let (pictures, error) = split(PICTURE, PICTURE.len() - 1, 7);
        assert_eq!((pictures.len(), error), (0, Some("it is longer than its pixels are")));
    }

    #[test]
    fn the_size_stands_in_the_header() {
        let header = JpegHeader { width: 64, height: 48, has_views: false };
        assert_eq!(JpegHeader::parse(PICTURE), Some(header));
        let views = [&PICTURE[..2], b"\xff\xff\xe2\0\x06MPF\0", &PICTURE[2..]].concat();
        assert_eq!(JpegHeader::parse(&views), Some(JpegHeader { has_views: true, ..header }));
        for len in 0..20 {
            assert_eq!(JpegHeader::parse(&PICTURE[..len]), None);
        }
        assert_eq!(JpegHeader::parse(b"\xff\xd8\xff\xe0\0\x01\xff\xc0\0\x0b\x08\0\x30\0\x40"), None);
    }
}
