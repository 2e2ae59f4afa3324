//! Motion JPEG: pictures that stand alone, one behind the other.

mod split;

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;
use std::time::Duration;

use netgear_proto::{ElementType, Frame, PixelFormat};

pub(crate) use self::split::JpegHeader;
use self::split::{SplitError, read_jpeg};
use crate::jpeg::{JpegDecoder, JpegError};
use crate::{FrameRate, FrameSource, OpenError, OpenOptions, ReadError, SourceInfo, TimedFrame};

/// The frames of a file that is nothing but JPEG pictures.
pub(crate) struct MjpegSource {
    origin: String,
    info: SourceInfo,
    rate: FrameRate,
    file: BufReader<File>,
    most_jpeg_bytes: usize,
    frames: JpegFrames,
    jpeg: Vec<u8>,
    /// The number of the next frame.
    number: u64,
    is_ended: bool,
}

impl MjpegSource {
    /// Opens a file that begins with a JPEG picture; `None` if it is the only one, or what follows is not another of
    /// the same size. So a photograph with something behind it, like another view or a short film, stays a
    /// photograph.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Option<Self>, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
        let most_jpeg_bytes = options.most_coded_bytes();

        let mut jpeg = Vec::new();
        let mut next_header = || match read_jpeg(&mut file, most_jpeg_bytes, &mut jpeg) {
            Err(SplitError::Io(error)) => Err(io(error)),
            Ok(_) | Err(SplitError::Damaged(_)) => Ok(JpegHeader::parse(&jpeg)),
        };
        let (first, second) = (next_header()?, next_header()?);
        let Some(JpegHeader { width, height, .. }) =
            first.filter(|first| !first.has_views && second == Some(*first))
        else {
            return Ok(None);
        };
        options.check_size(&origin, width, height, 3)?;
        file.rewind().map_err(io)?;
        let rate = options.sequence_rate();
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: Some(rate),
            rate_varies: false,
            // Only who has read all of them knows.
            frames: None,
            duration: None,
            codec: "mjpeg".to_owned(),
            decoder: JpegFrames::DECODER.to_owned(),
        };
        let frames = JpegFrames::new(width, height, options);
        Ok(Some(Self { origin, info, rate, file, most_jpeg_bytes, frames, jpeg, number: 0, is_ended: false }))
    }

    /// Reads the next picture, and decodes nothing; `false` at the end.
    fn read_jpeg(&mut self) -> Result<bool, ReadError> {
        let found = read_jpeg(&mut self.file, self.most_jpeg_bytes, &mut self.jpeg);
        found.map_err(|error| match error {
            SplitError::Io(error) => ReadError::Io { origin: self.origin.clone(), error },
            SplitError::Damaged(reason) => ReadError::Damaged {
                origin: self.origin.clone(),
                frame: self.number,
                reason: reason.to_owned(),
            },
        })
    }

    fn read_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if !self.read_jpeg()? {
            return Ok(None);
        }
        let frame = self.frames.decode(&self.jpeg, &self.origin, self.number)?;
        let (time, duration) = self.rate.span_of(self.number);
        self.number += 1;
        Ok(Some(TimedFrame::new(frame, time).with_duration(duration)))
    }
}

impl FrameSource for MjpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let result = self.read_frame();
        self.is_ended = !matches!(result, Ok(Some(_)));
        result
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.file.rewind().map_err(|error| ReadError::Io { origin: self.origin.clone(), error })?;
        (self.number, self.is_ended) = (0, false);
        Ok(())
    }

    /// The pictures before it are read, and not decoded.
    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let number = self.rate.index_at(time);
        if number < self.number || self.is_ended {
            self.rewind()?;
        }
        while self.number < number {
            let before = self.file.stream_position();
            let before = before.map_err(|error| ReadError::Io { origin: self.origin.clone(), error })?;
            match self.read_jpeg() {
                Ok(true) => self.number += 1,
                Ok(false) => return Ok(()),
                Err(ReadError::Damaged { .. }) => {
                    // It comes up again when this frame is read.
                    let back = self.file.seek(std::io::SeekFrom::Start(before));
                    back.map_err(|error| ReadError::Io { origin: self.origin.clone(), error })?;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Decodes the pictures of a source, which must all be of one size.
pub(crate) struct JpegFrames {
    decoder: JpegDecoder,
    width: u32,
    height: u32,
}

impl JpegFrames {
    /// The name of what decodes them.
    pub(crate) const DECODER: &str = "zune-jpeg";

    pub(crate) fn new(width: u32, height: u32, options: &OpenOptions) -> Self {
        Self { decoder: JpegDecoder::new(options.max_frame_bytes()), width, height }
    }

    pub(crate) fn decode(&mut self, jpeg: &[u8], origin: &str, number: u64) -> Result<Frame, ReadError> {
        let damaged =
            |reason: String| ReadError::Damaged { origin: origin.to_owned(), frame: number, reason };
        let header = JpegHeader::parse(jpeg).ok_or_else(|| damaged("it is no JPEG picture".to_owned()))?;
        if (header.width, header.height) != (self.width, self.height) {
            return Err(ReadError::FormatChanged {
                origin: origin.to_owned(),
                expected: format!("{}×{} pixels", self.width, self.height),
                found: format!("{}×{} pixels", header.width, header.height),
            });
        }
        let frame = self.decoder.decode(jpeg).map_err(|error| damaged(reason(error)))?;
        // The decoder reads the header by itself.
        if (frame.width(), frame.height()) != (self.width, self.height) {
            return Err(damaged("its header has two sizes".to_owned()));
        }
        Ok(frame)
    }
}

/// What is wrong, without saying once more that the picture is damaged.
fn reason(error: JpegError) -> String {
    match error {
        JpegError::Damaged { reason } => reason,
        other => other.to_string(),
    }
}
