use std::io::{self, BufRead, Read};

use crate::FrameRate;
use crate::yuv_to_bgr::{ChromaSampling, ColourSpace};
use yuv::YuvRange;

/// The longest header line that is read, of the stream or of a frame. The format sets no limit; headers have some 60
/// bytes.
const LONGEST_HEADER: u64 = 4096;

/// What the first line of a file says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: Option<FrameRate>,
    pub(super) planes: Planes,
    pub(super) colour: ColourSpace,
}

/// How the pixels of a frame are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planes {
    Gray,
    Yuv(ChromaSampling),
}

#[derive(Debug)]
pub(super) enum HeaderError {
    Io(io::Error),
    Malformed(&'static str),
    Unsupported(String),
}

impl Header {
    pub(super) fn read(from: &mut impl BufRead) -> Result<Self, HeaderError> {
        let line = read_line(from)?.ok_or(HeaderError::Malformed("it is empty"))?;
        let fields = line.strip_prefix("YUV4MPEG2").ok_or(HeaderError::Malformed("it has no Y4M header"))?;
        let mut header = Self {
            width: 0,
            height: 0,
            rate: None,
            planes: Planes::Yuv(ChromaSampling::C420),
            colour: ColourSpace::UNTAGGED,
        };
        for field in fields.split(' ').filter(|field| !field.is_empty()) {
            let mut letters = field.chars();
            let tag = letters.next();
            let value = letters.as_str();
            match tag {
                Some('W') => header.width = value.parse().unwrap_or(0),
                Some('H') => header.height = value.parse().unwrap_or(0),
                // 0:0 means unknown.
                Some('F') => {
                    let ratio = value.split_once(':');
                    let ratio = ratio.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                    let (frames, seconds) =
                        ratio.ok_or(HeaderError::Malformed("its frame rate is malformed"))?;
                    header.rate = FrameRate::new(frames, seconds);
                }
                Some('C') => header.planes = planes(value)?,
                Some('X') if value == "COLORRANGE=FULL" => header.colour.range = YuvRange::Full,
                // Interlacing, the shape of pixels and other extensions do not change how the file is read.
                _ => {}
            }
        }
        if header.width == 0 || header.height == 0 {
            return Err(HeaderError::Malformed("its header has no valid width and height"));
        }
        Ok(header)
    }

    /// The bytes of a frame. `None` if that is more than can be addressed.
    pub(super) fn frame_len(&self) -> Option<usize> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let chroma = match self.planes {
            Planes::Gray => 0,
            Planes::Yuv(sampling) => {
                let (width, height) = sampling.chroma_size(self.width, self.height);
                u64::from(width).checked_mul(height.into())?.checked_mul(2)?
            }
        };
        usize::try_from(pixels.checked_add(chroma)?).ok()
    }
}

/// Reads the line before a frame; `false` at the end of the file.
pub(super) fn read_frame_header(from: &mut impl BufRead) -> Result<bool, HeaderError> {
    match read_line(from)? {
        None => Ok(false),
        Some(line) if line == "FRAME" || line.starts_with("FRAME ") => Ok(true),
        Some(_) => Err(HeaderError::Malformed("a frame does not begin with FRAME")),
    }
}

fn planes(value: &str) -> Result<Planes, HeaderError> {
    match value {
        // They differ in where between the pixels the colour was measured, by half a pixel.
        "420" | "420jpeg" | "420mpeg2" | "420paldv" => Ok(Planes::Yuv(ChromaSampling::C420)),
        "422" => Ok(Planes::Yuv(ChromaSampling::C422)),
        "444" => Ok(Planes::Yuv(ChromaSampling::C444)),
        "mono" => Ok(Planes::Gray),
        other => Err(HeaderError::Unsupported(format!("its pixels are stored as {other:?}"))),
    }
}

fn read_line(from: &mut impl BufRead) -> Result<Option<String>, HeaderError> {
    let mut line = Vec::new();
    from.take(LONGEST_HEADER).read_until(b'\n', &mut line).map_err(HeaderError::Io)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => {
            String::from_utf8(line).map(Some).map_err(|_| HeaderError::Malformed("a header is not text"))
        }
        Some(_) => Err(HeaderError::Malformed("a header is too long or cut short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, HeaderError> {
        Header::read(&mut text.as_bytes())
    }

    #[test]
    fn headers_are_parsed() {
        let header = parse("YUV4MPEG2 W1280 H720 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n").unwrap();
        assert_eq!((header.width, header.height), (1280, 720));
        assert_eq!(header.rate, FrameRate::new(30_000, 1001));
        assert_eq!(header.frame_len(), Some(1280 * 720 * 3 / 2));
        let header = parse("YUV4MPEG2 W3 H3 F0:0 Cmono XCOLORRANGE=FULL\n").unwrap();
        assert_eq!((header.rate, header.planes, header.frame_len()), (None, Planes::Gray, Some(9)));
        assert_eq!(header.colour.range, YuvRange::Full);
        assert_eq!(parse("YUV4MPEG2 W3 H3\n").unwrap().frame_len(), Some(9 + 2 * 4));
        assert_eq!(parse("YUV4MPEG2 W3 H3 C422\n").unwrap().frame_len(), Some(9 + 2 * 6));
    }

    #[test]
    fn malformed_headers_are_errors() {
        for text in
            ["", "YUV4MPEG2 W2 H2", "YUV4MPEG2 W0 H2\n", "YUV4MPEG2 H2\n", "RIFF\n", "YUV4MPEG2 W2 H2 Fx\n"]
        {
            assert!(matches!(parse(text), Err(HeaderError::Malformed(_))), "{text:?}");
        }
        let endless = format!("YUV4MPEG2 W2 H2 X{}\n", "x".repeat(5000));
        assert!(matches!(parse(&endless), Err(HeaderError::Malformed(_))));
        assert!(matches!(parse("YUV4MPEG2 W2 H2 C420p10\n"), Err(HeaderError::Unsupported(_))));
        assert_eq!(parse(&format!("YUV4MPEG2 W{0} H{0} C444\n", u32::MAX)).unwrap().frame_len(), None);
    }
}
