use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};

use super::header::{Header, HeaderError, Planes, read_frame_header};
use crate::OpenOptions;
use crate::yuv_to_bgr::{self, yuv_to_bgr};
use crate::{FrameRate, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The frames of a Y4M file: 4:2:0, 4:2:2, 4:4:4 or gray, of 8 bits.
pub(crate) struct Y4mSource {
    origin: String,
    info: SourceInfo,
    file: BufReader<File>,
    header: Header,
    frame_len: usize,
    /// Where the first frame begins.
    first_frame: u64,
    frames: u64,
    is_ended: bool,
    planes: Vec<u8>,
    pool: BufferPool,
}

impl Y4mSource {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
        let file_len = file.get_ref().metadata().map_err(io)?.len();
        let header = Header::read(&mut file).map_err(|error| match error {
            HeaderError::Io(error) => io(error),
            HeaderError::Malformed(reason) => {
                OpenError::Damaged { origin: origin.clone(), reason: reason.to_owned() }
            }
            HeaderError::Unsupported(reason) => OpenError::Unsupported { origin: origin.clone(), reason },
        })?;
        options.check_size(&origin, header.width, header.height, 3)?;
        // Smaller than the BGR frame, which was held against the options; they may allow more than memory can be.
        let frame_len = header.frame_len().filter(|&bytes| bytes < isize::MAX as usize);
        let frame_len = frame_len.ok_or_else(|| OpenError::TooLarge {
            origin: origin.clone(),
            width: header.width,
            height: header.height,
            max_frame_bytes: isize::MAX as usize,
        })?;
        let first_frame = file.stream_position().map_err(io)?;
        // Exact unless frames have parameters of their own, which hardly any have.
        let frames = file_len.saturating_sub(first_frame) / (frame_len as u64 + "FRAME\n".len() as u64);
        let info = SourceInfo {
            width: header.width,
            height: header.height,
            element_type: ElementType::U8,
            pixel_format: match header.planes {
                Planes::Gray => PixelFormat::Gray,
                Planes::Yuv(_) => PixelFormat::Bgr,
            },
            frame_rate: header.rate,
            rate_varies: false,
            frames: Some(frames),
            duration: header.rate.map(|rate| rate.time_of(frames)),
            codec: "rawvideo".to_owned(),
            decoder: "y4m".to_owned(),
        };
        Ok(Self {
            origin,
            info,
            file,
            header,
            frame_len,
            first_frame,
            frames: 0,
            is_ended: false,
            planes: Vec::new(),
            pool: BufferPool::default(),
        })
    }

    /// The one that the header says, else one to play it at.
    fn rate(&self) -> FrameRate {
        self.header.rate.unwrap_or(FrameRate::THIRTY)
    }

    /// Goes to where the frame of this number begins if no frame has parameters of its own, and tells whether one
    /// does.
    fn goes_to(&mut self, number: u64) -> bool {
        const LINE: &[u8] = b"FRAME\n";
        let step = self.frame_len as u64 + LINE.len() as u64;
        let Some(at) = number.checked_mul(step).and_then(|offset| offset.checked_add(self.first_frame))
        else {
            return false;
        };
        let mut line = [0; LINE.len()];
        let is_there = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut line));
        is_there.is_ok() && line == LINE && self.file.seek(SeekFrom::Start(at)).is_ok()
    }

    fn damaged(&self, reason: &str) -> ReadError {
        ReadError::Damaged { origin: self.origin.clone(), frame: self.frames, reason: reason.to_owned() }
    }

    fn read_frame(&mut self) -> Result<Option<Frame>, ReadError> {
        let has_frame = read_frame_header(&mut self.file).map_err(|error| match error {
            HeaderError::Io(error) => ReadError::Io { origin: self.origin.clone(), error },
            HeaderError::Malformed(reason) => self.damaged(reason),
            HeaderError::Unsupported(reason) => self.damaged(&reason),
        })?;
        if !has_frame {
            return Ok(None);
        }
        let Header { width, height, colour, .. } = self.header;
        let cut_short = "the file ends in the middle of this frame";
        let frame = match self.header.planes {
            Planes::Gray => {
                let mut pixels = self.pool.take(self.frame_len);
                pixels.resize(self.frame_len, 0);
                let read = self.file.read_exact(&mut pixels);
                read.map_err(|error| self.read_error(error, cut_short))?;
                Frame::gray8(width, height, self.pool.freeze(pixels)).ok()
            }
            Planes::Yuv(sampling) => {
                self.planes.resize(self.frame_len, 0);
                let read = self.file.read_exact(&mut self.planes);
                read.map_err(|error| self.read_error(error, cut_short))?;
                let (chroma_width, chroma_height) = sampling.chroma_size(width, height);
                let chroma_len = chroma_width as usize * chroma_height as usize;
                let (y, chroma) = self.planes.split_at(self.frame_len - 2 * chroma_len);
                let (u, v) = chroma.split_at(chroma_len);
                let planes = yuv_to_bgr::Planes { width, height, sampling, y, u, v };
                yuv_to_bgr(planes, colour, &mut self.pool)
            }
        };
        frame.map(Some).ok_or_else(|| self.damaged("its planes do not make a frame"))
    }

    fn read_error(&self, error: io::Error, cut_short: &str) -> ReadError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(cut_short),
            _ => ReadError::Io { origin: self.origin.clone(), error },
        }
    }
}

impl FrameSource for Y4mSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let result = self.read_frame();
        let Ok(Some(frame)) = result else {
            self.is_ended = true;
            return result.map(|_| None);
        };
        let (time, duration) = self.rate().span_of(self.frames);
        self.frames += 1;
        Ok(Some(TimedFrame::new(frame, time).with_duration(duration)))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        let sought = self.file.seek(SeekFrom::Start(self.first_frame));
        sought.map_err(|error| ReadError::Io { origin: self.origin.clone(), error })?;
        (self.frames, self.is_ended) = (0, false);
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let number = self.rate().index_at(time).min(self.info.frames.unwrap_or(0).saturating_sub(1));
        if self.goes_to(number) {
            (self.frames, self.is_ended) = (number, false);
            return Ok(());
        }
        // The lines before its frames are not all alike, so only reading them all tells where a frame is.
        self.rewind()
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.rate().frames_within(&time, self.info.frames?))
    }
}
