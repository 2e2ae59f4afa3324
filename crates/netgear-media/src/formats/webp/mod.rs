//! Animated WebP. The `image-webp` crate decodes the parts; they are put together here.

mod chunks;

use std::fs::File;
use std::io::{self, Cursor};
use std::path::Path;

use image_webp::{DecodingError, WebPDecoder};
use netgear_proto::{ElementType, PixelFormat};

pub(crate) use self::chunks::picture_size;
use self::chunks::{Animation, Part, Place};
use crate::OpenOptions;
use crate::formats::canvas::Canvas;
use crate::formats::delays::Delays;
use crate::formats::riff::{ChunkHeader, read_at};
use crate::{FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The frames of an animated WebP, each as the whole picture that is to be seen.
pub(crate) struct WebpSource {
    origin: String,
    info: SourceInfo,
    file: File,
    place: Place,
    /// Where the next chunk begins.
    at: u64,
    most_chunk_bytes: u64,
    canvas: Canvas,
    shown: Delays,
    is_ended: bool,
    chunk: Vec<u8>,
    rgba: Vec<u8>,
}

impl WebpSource {
    /// Opens a WebP; `None` if it is a single picture.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Option<Self>, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let mut file = File::open(path).map_err(io)?;
        let Some(Animation { width, height, delays, place }) = chunks::read(&mut file).map_err(io)? else {
            return Ok(None);
        };
        options.check_size(&origin, width, height, 4)?;
        if delays.frames() == 0 {
            let reason = "it is an animation without frames".to_owned();
            return Err(OpenError::Damaged { origin, reason });
        }
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: delays.frame_rate(),
            rate_varies: delays.are_uneven(),
            frames: Some(delays.frames()),
            duration: Some(delays.sum()),
            codec: "webp".to_owned(),
            decoder: "image-webp".to_owned(),
        };
        Ok(Some(Self {
            origin,
            info,
            file,
            place,
            at: place.start,
            most_chunk_bytes: options.most_coded_bytes() as u64,
            canvas: Canvas::new(width, height),
            shown: Delays::default(),
            is_ended: false,
            chunk: Vec::new(),
            rgba: Vec::new(),
        }))
    }

    fn read_frame(&mut self) -> Result<Option<TimedFrame>, FrameError> {
        if !self.read_chunk()? {
            return Ok(None);
        }
        let part = Part::parse(&self.chunk)?;
        let stride = self.decode(&part)?;
        let time = self.shown.sum();
        let Part { area, blend, disposal, .. } = part;
        let drawn = self.canvas.draw(area, &self.rgba, stride, blend, disposal);
        let frame =
            drawn.and_then(|()| self.canvas.bgr_frame()).ok_or("a frame is not within the picture")?;
        self.shown.push(part.milliseconds, 1000);
        let duration = self.shown.sum().saturating_sub(time);
        Ok(Some(TimedFrame::new(frame, time).with_duration(duration)))
    }

    /// Reads the content of the next `ANMF` chunk; `false` if there is none.
    fn read_chunk(&mut self) -> Result<bool, FrameError> {
        while let Some(header) = chunks::next(&mut self.file, self.at, self.place)? {
            let content = self.at + ChunkHeader::LEN;
            self.at += header.whole_len();
            if header.kind != *b"ANMF" {
                continue;
            }
            let file_len = self.file.metadata()?.len();
            if content.saturating_add(header.len.into()) > file_len {
                return Err("the file ends before this frame does".into());
            }
            if u64::from(header.len) > self.most_chunk_bytes {
                return Err("a frame is longer than its pixels are".into());
            }
            self.chunk.resize(header.len as usize, 0);
            return if read_at(&mut self.file, content, &mut self.chunk)? {
                Ok(true)
            } else {
                Err("the file ends before this frame does".into())
            };
        }
        if self.at < self.place.end && self.file.metadata()?.len() < self.place.end {
            return Err("the file ends before it says it does".into());
        }
        Ok(false)
    }

    /// Decodes a part, and gives the bytes of its rows.
    fn decode(&mut self, part: &Part) -> Result<usize, FrameError> {
        let mut decoder = WebPDecoder::new(Cursor::new(&part.picture))?;
        let area = part.area;
        if decoder.dimensions() != (area.width, area.height) {
            return Err("a picture has not the size of its frame".into());
        }
        if u64::from(area.width) * u64::from(area.height)
            > u64::from(self.info.width) * u64::from(self.info.height)
        {
            return Err("a frame is larger than the picture".into());
        }
        let pixels = area.width as usize * area.height as usize;
        if decoder.has_alpha() {
            self.rgba.resize(pixels * 4, 0);
            decoder.read_image(&mut self.rgba)?;
        } else {
            let mut rgb = vec![0; pixels * 3];
            decoder.read_image(&mut rgb)?;
            self.rgba.clear();
            self.rgba.extend(rgb.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]));
        }
        Ok(area.width as usize * 4)
    }
}

impl FrameSource for WebpSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let result = self.read_frame();
        self.is_ended = !matches!(result, Ok(Some(_)));
        result.map_err(|error| match error {
            FrameError::Io(error) => ReadError::Io { origin: self.origin.clone(), error },
            FrameError::Damaged(reason) => {
                ReadError::Damaged { origin: self.origin.clone(), frame: self.shown.frames(), reason }
            }
        })
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.canvas.clear();
        (self.at, self.shown, self.is_ended) = (self.place.start, Delays::default(), false);
        Ok(())
    }
}

enum FrameError {
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<&str> for FrameError {
    fn from(reason: &str) -> Self {
        Self::Damaged(reason.to_owned())
    }
}

impl From<DecodingError> for FrameError {
    fn from(error: DecodingError) -> Self {
        // The bytes are in memory: when they end too early, it is they that are wrong.
        Self::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image_webp::{ColorType, WebPEncoder};

    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];
    const HALF: [u8; 4] = [0, 255, 0, 128];
    const NONE: [u8; 4] = [0; 4];
    const KEEP_OVER: u8 = 0;
    const CLEAR_OVER: u8 = 1;
    const KEEP_REPLACE: u8 = 2;

    fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let padding = vec![0; content.len() % 2];
        [&kind[..], &(content.len() as u32).to_le_bytes(), content, &padding].concat()
    }

    /// A part of a row: where, half as far as in pixels, what of, milliseconds and flags.
    fn part((left, pixels, milliseconds, flags): &(u8, Vec<[u8; 4]>, u8, u8)) -> Vec<u8> {
        let mut picture = Vec::new();
        let width = pixels.len() as u32;
        WebPEncoder::new(&mut picture).encode(&pixels.concat(), width, 1, ColorType::Rgba8).unwrap();
        let header = [*left, 0, 0, 0, 0, 0, width as u8 - 1, 0, 0, 0, 0, 0, *milliseconds, 0, 0, *flags];
        chunk(b"ANMF", &[&header, &picture[12..]].concat())
    }

    fn animation(width: u8, parts: &[Vec<u8>]) -> Vec<u8> {
        let mut content = b"WEBP".to_vec();
        content.extend(chunk(b"VP8X", &[0x12, 0, 0, 0, width - 1, 0, 0, 0, 0, 0]));
        content.extend(chunk(b"ANIM", &[9, 9, 9, 9, 0, 0]));
        content.extend(parts.concat());
        chunk(b"RIFF", &content)
    }

    fn opened(bytes: &[u8]) -> (tempfile::TempDir, WebpSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webp");
        std::fs::write(&path, bytes).unwrap();
        let source = WebpSource::open(&path, &OpenOptions::new()).unwrap().unwrap();
        (folder, source)
    }

    fn shown(source: &mut WebpSource) -> Vec<(Vec<[u8; 3]>, u128)> {
        std::iter::from_fn(|| source.next_frame().unwrap())
            .map(|TimedFrame { frame, time, .. }| {
                let pixels = frame.pixels().chunks_exact(3).map(|pixel| pixel.try_into().unwrap());
                (pixels.collect(), time.as_millis())
            })
            .collect()
    }

    #[test]
    fn parts_are_put_together_and_shown_in_time() {
        let parts = [
            (0, vec![RED, RED, NONE, NONE], 40, KEEP_REPLACE),
            (0, vec![NONE, HALF, GREEN], 0, CLEAR_OVER),
            (1, vec![GREEN, NONE], 60, KEEP_REPLACE),
        ];
        let mut parts: Vec<_> = parts.iter().map(part).collect();
        parts.insert(1, chunk(b"XYZ ", b"odd"));
        let (_folder, mut source) = opened(&animation(4, &parts));
        let (r, g, n, mixed) = ([0, 0, 255], [0, 255, 0], [0; 3], [0, 128, 127]);
        let expected = [(vec![r, r, n, n], 0), (vec![r, mixed, g, n], 40), (vec![n, n, g, n], 140)];
        assert_eq!(source.info().duration, Some(Duration::from_millis(200)));
        assert_eq!(source.info().frames, Some(3));
        assert_eq!(shown(&mut source), expected);
        source.rewind().unwrap();
        assert_eq!(shown(&mut source), expected);
    }

    #[test]
    fn what_comes_before_the_damage_is_shown() {
        let part = part(&(0, vec![RED; 4], 40, KEEP_OVER));
        let whole = animation(4, &[part.clone(), part.clone(), part]);
        for cut in [1, 20] {
            let (_folder, mut source) = opened(&whole[..whole.len() - cut]);
            assert!(source.next_frame().unwrap().is_some());
            assert!(source.next_frame().unwrap().is_some());
            assert!(matches!(source.next_frame(), Err(ReadError::Damaged { frame: 2, .. })));
            assert_eq!(source.next_frame().unwrap(), None);
        }
    }

    #[test]
    fn a_picture_that_is_not_of_its_frames_size_is_refused() {
        let mut outside = animation(4, &[part(&(1, vec![RED; 4], 40, KEEP_OVER))]);
        let (_folder, mut source) = opened(&outside);
        assert!(matches!(source.next_frame(), Err(ReadError::Damaged { .. })));
        // The bitstream says two rows.
        let header = outside.windows(4).position(|window| window == b"VP8L").unwrap() + 9;
        outside[header + 1] ^= 0x40;
        let (_folder, mut source) = opened(&outside);
        let error = source.next_frame().unwrap_err().to_string();
        assert!(error.contains("size of its frame"), "{error}");
    }

    #[test]
    fn a_single_picture_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.webp");
        let mut bytes = Vec::new();
        WebPEncoder::new(&mut bytes).encode(&[7; 12], 2, 2, ColorType::Rgb8).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        assert!(WebpSource::open(&path, &OpenOptions::new()).unwrap().is_none());
        let mut file = File::open(&path).unwrap();
        assert_eq!(picture_size(&mut file).unwrap(), Some((2, 2)));
        bytes.extend(b"EXIF\xff\xff\xff\x7f");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(picture_size(&mut File::open(&path).unwrap()).unwrap(), None);
    }
}
