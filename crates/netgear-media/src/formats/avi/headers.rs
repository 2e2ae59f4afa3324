//! What the `hdrl` list of an AVI file says of its streams (Microsoft, AVI RIFF File Reference; OpenDML AVI 1.02).

use crate::FrameRate;
use crate::formats::riff::{chunks, u32_at};

/// The first video stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VideoStream {
    /// Which of the streams it is. Its chunks begin with this number, in two digits.
    pub(super) number: u8,
    /// `None` if the file says none.
    pub(super) rate: Option<FrameRate>,
    /// As many as the file claims; 0 in a file that was not finished.
    pub(super) frames: u32,
    /// Rows of a picture.
    pub(super) height: u32,
}

/// Why there is no stream of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    /// The file is well, and of a kind that is not read here.
    Unsupported(String),
    /// The file breaks the rules.
    Malformed(&'static str),
}

impl VideoStream {
    /// Reads the content of the `hdrl` list, behind its type.
    pub(super) fn parse(hdrl: &[u8]) -> Result<Self, HeaderError> {
        use HeaderError::{Malformed, Unsupported};
        let lists = chunks(hdrl).filter(|(kind, _)| kind == b"LIST");
        let streams = lists.filter_map(|(_, list)| list.strip_prefix(b"strl"));
        let mut video = streams.enumerate().filter_map(|(number, stream)| {
            let header = find(stream, *b"strh")?;
            header.starts_with(b"vids").then_some((number, stream, header))
        });
        let (number, stream, header) =
            video.next().ok_or_else(|| Unsupported("it has no video stream".to_owned()))?;
        // Two digits, as chunks are named by.
        let number = u8::try_from(number).ok().filter(|number| *number < 100);
        let number = number.ok_or(Malformed("it has more than 100 streams"))?;

        let format = find(stream, *b"strf").ok_or(Malformed("its video stream has no format"))?;
        let codec = format.get(16..20).ok_or(Malformed("the format of its video stream is cut short"))?;
        if !codec.eq_ignore_ascii_case(b"MJPG") && !codec.eq_ignore_ascii_case(b"JPEG") {
            let codec = String::from_utf8_lossy(codec);
            return Err(Unsupported(format!("its video is coded as {codec:?}, not as Motion JPEG")));
        }
        let field = |at| u32_at(header, at).ok_or(Malformed("the header of its video stream is cut short"));
        let (scale, rate) = (field(20)?, field(24)?);
        let microseconds = find(hdrl, *b"avih").and_then(|header| u32_at(header, 0)).unwrap_or(0);
        Ok(Self {
            number,
            rate: FrameRate::new(rate, scale).or_else(|| FrameRate::new(1_000_000, microseconds)),
            frames: field(32)?,
            // Negative for a picture that is stored from the top, which makes a difference to other codings only.
            height: u32_at(format, 8).unwrap_or_default().cast_signed().unsigned_abs(),
        })
    }
}

fn find(content: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    chunks(content).find(|(kind, _)| *kind == wanted).map(|(_, inner)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [kind, &(content.len() as u32).to_le_bytes()[..], content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn stream(kind: &[u8; 4], codec: &[u8; 4], scale: u32, rate: u32) -> Vec<u8> {
        let header = [&kind[..], codec, &words(&[0, 0, 0, scale, rate, 0, 75, 0, 0, 0])].concat();
        let format = [&words(&[40, 64, 48_u32.wrapping_neg(), 24 << 16 | 1])[..], codec, &[0; 20]].concat();
        let list = [&b"strl"[..], &chunk(b"strh", &header), &chunk(b"strf", &format)].concat();
        chunk(b"LIST", &list)
    }

    fn parse(streams: &[Vec<u8>]) -> Result<VideoStream, HeaderError> {
        let header = chunk(b"avih", &words(&[40_000]));
        VideoStream::parse(&[header, chunk(b"JUNK", b"1234"), streams.concat()].concat())
    }

    #[test]
    fn the_first_video_stream_is_found_among_others() {
        let sound = stream(b"auds", b"\x01\0\0\0", 1, 8000);
        let video = stream(b"vids", b"MJPG", 1001, 30_000);
        let found = parse(&[sound, video.clone()]).unwrap();
        let rate = FrameRate::new(30_000, 1001);
        assert_eq!(found, VideoStream { number: 1, rate, frames: 75, height: 48 });
        let without_rate = parse(&[stream(b"vids", b"mjpg", 0, 0)]).unwrap();
        assert_eq!((without_rate.number, without_rate.rate), (0, FrameRate::new(25, 1)));
        let many = vec![stream(b"auds", b"\x01\0\0\0", 1, 1); 100];
        assert!(matches!(parse(&[many.concat(), video]), Err(HeaderError::Malformed(_))));
    }

    #[test]
    fn what_is_not_motion_jpeg_is_for_others() {
        assert!(matches!(parse(&[stream(b"vids", b"XVID", 1, 25)]), Err(HeaderError::Unsupported(_))));
        assert!(matches!(parse(&[]), Err(HeaderError::Unsupported(_))));
        let whole = stream(b"vids", b"MJPG", 1, 25);
        let header = [&b"strl"[..], &chunk(b"strh", &[&b"vids"[..], &[0; 10]].concat())].concat();
        for cut in [&header[..], &[&header[..], &whole[12..][64..]].concat()] {
            assert!(matches!(parse(&[chunk(b"LIST", cut)]), Err(HeaderError::Malformed(_))));
        }
    }
}
