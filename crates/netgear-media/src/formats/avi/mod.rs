//! Motion JPEG in AVI files.
//!
//! The chunks are walked one by one, from the front: an index is not needed, as every picture stands alone, nor
//! believed. What is past a gigabyte (OpenDML) comes as further `RIFF` chunks of the same kind. Sound is passed over.

mod headers;
mod writer;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use netgear_proto::{ElementType, PixelFormat};

use self::headers::{HeaderError, VideoStream};
pub(crate) use self::writer::AviWriter;
use crate::formats::mjpeg::{JpegFrames, JpegHeader};
use crate::formats::riff::{ChunkHeader, read_at};
use crate::{FrameRate, FrameSource, OpenError, OpenOptions, ReadError, SourceInfo, TimedFrame};

/// The largest `hdrl` list that is read. It has a few hundred bytes for each stream, and some padding.
const LARGEST_HEADER: u32 = 1 << 20;

/// The bytes of a list's type, behind its header.
const LIST_TYPE: u64 = 4;

/// The frames of the first video stream.
pub(crate) struct AviSource {
    origin: String,
    info: SourceInfo,
    rate: FrameRate,
    chunks: FrameChunks,
    frames: JpegFrames,
    jpeg: Vec<u8>,
    is_ended: bool,
}

impl AviSource {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        let error = |error: ChunkError| match error {
            ChunkError::Io(error) => OpenError::Io { origin: origin.clone(), error },
            ChunkError::Damaged(reason) => {
                OpenError::Damaged { origin: origin.clone(), reason: reason.to_owned() }
            }
        };
        let mut file = File::open(path).map_err(|io| error(io.into()))?;
        let (hdrl, start) = read_header(&mut file).map_err(error)?;
        let stream = VideoStream::parse(&hdrl).map_err(|header| match header {
            HeaderError::Unsupported(reason) => OpenError::Unsupported { origin: origin.clone(), reason },
            HeaderError::Malformed(reason) => error(ChunkError::Damaged(reason)),
        })?;
        let most_jpeg_bytes = options.most_coded_bytes() as u64;
        let mut chunks = FrameChunks::new(file, stream.number, start, most_jpeg_bytes).map_err(error)?;

        let mut jpeg = Vec::new();
        if !chunks.next_frame(&mut jpeg).map_err(error)? {
            return Err(error(ChunkError::Damaged("it has no frames")));
        }
        let header = JpegHeader::parse(&jpeg)
            .ok_or_else(|| error(ChunkError::Damaged("its first frame is no JPEG picture")))?;
        if stream.height > 1 && stream.height / 2 == header.height {
            let reason = "its pictures are interlaced, in two halves".to_owned();
            return Err(OpenError::Unsupported { origin, reason });
        }
        let (width, height) = (header.width, header.height);
        options.check_size(&origin, width, height, 3)?;
        chunks.rewind();

        // Each takes a header at least.
        let frames = Some(u64::from(stream.frames))
            .filter(|frames| *frames > 0 && frames * ChunkHeader::LEN < chunks.file_len);
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: stream.rate,
            rate_varies: false,
            frames,
            duration: stream.rate.and_then(|rate| Some(rate.time_of(frames?))),
            codec: "mjpeg".to_owned(),
            decoder: JpegFrames::DECODER.to_owned(),
        };
        Ok(Self {
            origin,
            info,
            rate: stream.rate.unwrap_or(FrameRate::THIRTY),
            chunks,
            frames: JpegFrames::new(width, height, options),
            jpeg,
            is_ended: false,
        })
    }

    fn read_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let number = self.chunks.number;
        let found = self.chunks.next_frame(&mut self.jpeg).map_err(|error| match error {
            ChunkError::Io(error) => ReadError::Io { origin: self.origin.clone(), error },
            ChunkError::Damaged(reason) => {
                ReadError::Damaged { origin: self.origin.clone(), frame: number, reason: reason.to_owned() }
            }
        })?;
        if !found {
            return Ok(None);
        }
        let number = self.chunks.number - 1;
        let frame = self.frames.decode(&self.jpeg, &self.origin, number)?;
        self.chunks.pass_empty();
        let (time, end) = (self.rate.time_of(number), self.rate.time_of(self.chunks.number));
        Ok(Some(TimedFrame::new(frame, time).with_duration(end.saturating_sub(time))))
    }
}

impl FrameSource for AviSource {
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
        self.chunks.rewind();
        self.is_ended = false;
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let sought = self.chunks.seek(self.rate.index_at(time));
        self.is_ended = false;
        sought.map_err(|error| ReadError::Io { origin: self.origin.clone(), error })
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.rate.frames_within(&time, self.info.frames?))
    }
}

/// Reads up to the pictures: the content of the `hdrl` list, behind its type, and where the content of the `movi`
/// list begins.
fn read_header(file: &mut File) -> Result<(Vec<u8>, u64), ChunkError> {
    // The type of the file was looked at before.
    let mut at = ChunkHeader::LEN + LIST_TYPE;
    let mut hdrl = None;
    while let Some(chunk) = ChunkHeader::read(file, at)? {
        let content = at + ChunkHeader::LEN + LIST_TYPE;
        match (chunk.kind == *b"LIST").then(|| list_type(file, at)).transpose()? {
            Some(kind) if kind == *b"hdrl" => {
                if chunk.len > LARGEST_HEADER {
                    return Err(ChunkError::Damaged("its header is larger than a megabyte"));
                }
                let mut bytes = vec![0; (chunk.len as usize).saturating_sub(LIST_TYPE as usize)];
                if !read_at(file, content, &mut bytes)? {
                    return Err(ChunkError::Damaged("the file ends in its header"));
                }
                hdrl = Some(bytes);
            }
            Some(kind) if kind == *b"movi" => {
                let hdrl = hdrl.ok_or(ChunkError::Damaged("its pictures have no header before them"))?;
                return Ok((hdrl, content));
            }
            _ => {}
        }
        at += chunk.whole_len();
    }
    Err(ChunkError::Damaged("it has no pictures; the recording was perhaps cut off"))
}

/// The type of the list whose chunk is at this place; nothing known if the file ends there.
fn list_type(file: &mut File, at: u64) -> io::Result<[u8; 4]> {
    let mut kind = [0; LIST_TYPE as usize];
    read_at(file, at + ChunkHeader::LEN, &mut kind)?;
    Ok(kind)
}

/// The chunks of a stream's pictures, from the first of the `movi` list to the end of the file.
struct FrameChunks {
    file: File,
    file_len: u64,
    /// What the kind of a picture's chunk begins with.
    digits: [u8; 2],
    most_bytes: u64,
    /// Where the first chunk begins.
    start: u64,
    /// Where the next chunk begins.
    at: u64,
    /// The number of the next picture.
    number: u64,
    /// Where the file ends at least, by its own account.
    claimed_end: u64,
}

enum ChunkError {
    Io(io::Error),
    Damaged(&'static str),
}

impl From<io::Error> for ChunkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl FrameChunks {
    fn new(mut file: File, stream: u8, start: u64, most_bytes: u64) -> Result<Self, ChunkError> {
        let file_len = file.seek(SeekFrom::End(0))?;
        let digits = [b'0' + stream / 10 % 10, b'0' + stream % 10];
        let mut chunks =
            Self { file, file_len, digits, most_bytes, start, at: start, number: 0, claimed_end: 0 };
        if let Some(riff) = ChunkHeader::read(&mut chunks.file, 0)? {
            chunks.note_end(0, riff);
        }
        Ok(chunks)
    }

    fn rewind(&mut self) {
        (self.at, self.number) = (self.start, 0);
    }

    /// Reads the next picture; `false` at the end. An empty one stands for a picture that is as the one before it,
    /// which then is shown for longer.
    fn next_frame(&mut self, jpeg: &mut Vec<u8>) -> Result<bool, ChunkError> {
        while let Some(len) = self.next_chunk()? {
            let content = self.at + ChunkHeader::LEN;
            self.pass(len);
            if len == 0 {
                continue;
            }
            if u64::from(len) > self.most_bytes {
                return Err(ChunkError::Damaged("a picture is longer than its pixels are"));
            }
            // Not longer than the file.
            jpeg.resize(len as usize, 0);
            if !read_at(&mut self.file, content, jpeg)? {
                return Err(ChunkError::Damaged("the file ends before this frame does"));
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Goes past the empty pictures that are next. What is wrong behind them comes up when the next is read.
    fn pass_empty(&mut self) {
        while let Ok(Some(0)) = self.next_chunk() {
            self.pass(0);
        }
    }

    /// Goes to the picture of this number, or if it is empty to the last before it that is not; near the end if there
    /// is none.
    fn seek(&mut self, number: u64) -> io::Result<()> {
        if number < self.number {
            self.rewind();
        }
        let mut found = None;
        while self.number <= number {
            match self.next_chunk() {
                Ok(Some(len)) => {
                    if len > 0 {
                        found = Some((self.at, self.number));
                    }
                    self.pass(len);
                }
                // What is wrong comes up again when the pictures before it have been read.
                Ok(None) | Err(ChunkError::Damaged(_)) => break,
                Err(ChunkError::Io(error)) => return Err(error),
            }
        }
        // None between here and there: the one before was read already.
        (self.at, self.number) = found.unwrap_or((self.start, 0));
        Ok(())
    }

    /// Goes to the next picture's chunk and gives its length; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<u32>, ChunkError> {
        while let Some(chunk) = ChunkHeader::read(&mut self.file, self.at)? {
            let is_list = matches!(&chunk.kind, b"LIST" | b"RIFF");
            if chunk.kind == *b"RIFF" {
                self.note_end(self.at, chunk);
            }
            if is_list && matches!(&list_type(&mut self.file, self.at)?, b"rec " | b"movi" | b"AVIX") {
                self.at += ChunkHeader::LEN + LIST_TYPE;
                continue;
            }
            if !chunk.kind.iter().all(|letter| (b' '..=b'~').contains(letter)) {
                return Err(ChunkError::Damaged("there are other bytes where a picture should begin"));
            }
            if self.at + ChunkHeader::LEN + u64::from(chunk.len) > self.file_len {
                // The recorder was killed over it: it would have said that there is more only once that was whole.
                if self.claimed_end > 0 && self.at >= self.claimed_end {
                    return Ok(None);
                }
                return Err(ChunkError::Damaged("the file ends before this frame does"));
            }
            if chunk.kind.starts_with(&self.digits) && matches!(chunk.kind, [_, _, b'd', b'b' | b'c']) {
                return Ok(Some(chunk.len));
            }
            self.at += chunk.whole_len();
        }
        let is_whole = self.claimed_end > 0 && self.at >= self.claimed_end;
        if self.at < self.file_len && !is_whole || self.claimed_end > self.file_len {
            return Err(ChunkError::Damaged("the file ends before it says it does"));
        }
        Ok(None)
    }

    /// Notes where the `RIFF` chunk at this place says that it ends. One that was not finished says nothing.
    fn note_end(&mut self, at: u64, riff: ChunkHeader) {
        if !matches!(riff.len, 0 | u32::MAX) {
            self.claimed_end = self.claimed_end.max(at + ChunkHeader::LEN + u64::from(riff.len));
        }
    }

    /// Goes past a picture of this length.
    fn pass(&mut self, len: u32) {
        self.at += ChunkHeader { kind: [0; 4], len }.whole_len();
        self.number += 1;
    }
}
