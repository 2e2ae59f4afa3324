use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit};
use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};

use crate::OpenOptions;
use crate::{FrameRate, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// What shows where nothing is drawn. FFmpeg takes white too.
const BACKGROUND: u8 = 255;

/// The frames of a GIF, put together from their parts.
pub(crate) struct GifSource {
    origin: String,
    path: std::path::PathBuf,
    max_frame_bytes: usize,
    info: SourceInfo,
    decoder: Decoder<BufReader<File>>,
    /// What is on the screen, as BGR.
    screen: Vec<u8>,
    /// What becomes of the last frame before the next is drawn.
    disposal: Disposal,
    time: Duration,
    frames: u64,
    is_ended: bool,
    pool: BufferPool,
}

enum Disposal {
    Keep,
    Clear(Area),
    Restore(Vec<u8>),
}

#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl GifSource {
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        let open_error = |error| match error {
            DecodingError::Io(error) => OpenError::Io { origin: origin.clone(), error },
            error => OpenError::Damaged { origin: origin.clone(), reason: error.to_string() },
        };
        let decoder = decoder(path, options.max_frame_bytes(), false).map_err(open_error)?;
        let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
        if width == 0 || height == 0 {
            return Err(OpenError::Damaged { origin, reason: "its screen has no pixels".to_owned() });
        }
        // The decoder makes RGBA of it.
        options.check_size(&origin, width, height, 4)?;

        let (frames, duration, rate_varies) = length(path, options.max_frame_bytes()).map_err(open_error)?;
        let milliseconds = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let frame_rate = u32::try_from(frames)
            .ok()
            .and_then(|frames| FrameRate::new(frames.checked_mul(1000)?, milliseconds));
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate,
            rate_varies,
            frames: Some(frames),
            duration: Some(duration),
            codec: "gif".to_owned(),
            decoder: "gif".to_owned(),
        };
        Ok(Self {
            origin,
            path: path.to_owned(),
            max_frame_bytes: options.max_frame_bytes(),
            info,
            decoder,
            screen: vec![BACKGROUND; width as usize * height as usize * 3],
            disposal: Disposal::Keep,
            time: Duration::ZERO,
            frames: 0,
            is_ended: false,
            pool: BufferPool::default(),
        })
    }

    fn read_frame(&mut self) -> Result<Option<TimedFrame>, DecodingError> {
        let Some(part) = self.decoder.read_next_frame()? else { return Ok(None) };
        let screen_width = self.info.width as usize;
        match std::mem::replace(&mut self.disposal, Disposal::Keep) {
            Disposal::Keep => {}
            Disposal::Clear(area) => {
                for row in rows(&mut self.screen, screen_width, area) {
                    row.fill(BACKGROUND);
                }
            }
            Disposal::Restore(screen) => self.screen = screen,
        }
        let area = Area {
            left: part.left.into(),
            top: part.top.into(),
            width: part.width.into(),
            height: part.height.into(),
        };
        self.disposal = match part.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => Disposal::Keep,
            DisposalMethod::Background => Disposal::Clear(area),
            DisposalMethod::Previous => Disposal::Restore(self.screen.clone()),
        };
        let part_rows = part.buffer.chunks_exact((area.width * 4).max(1));
        for (row, part_row) in rows(&mut self.screen, screen_width, area).zip(part_rows) {
            for (pixel, part_pixel) in row.chunks_exact_mut(3).zip(part_row.chunks_exact(4)) {
                if let (&[red, green, blue, 1..=255], [b, g, r]) = (part_pixel, pixel) {
                    (*b, *g, *r) = (blue, green, red);
                }
            }
        }
        let (time, duration) = (self.time, delay(part));
        self.time += duration;
        self.frames += 1;
        let mut pixels = self.pool.take(self.screen.len());
        pixels.extend_from_slice(&self.screen);
        let frame = Frame::bgr8(self.info.width, self.info.height, self.pool.freeze(pixels));
        Ok(frame.ok().map(|frame| TimedFrame::new(frame, time).with_duration(duration)))
    }

    fn read_error(&self, error: DecodingError) -> ReadError {
        match error {
            DecodingError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
                ReadError::Io { origin: self.origin.clone(), error }
            }
            error => ReadError::Damaged {
                origin: self.origin.clone(),
                frame: self.frames,
                reason: error.to_string(),
            },
        }
    }
}

impl FrameSource for GifSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let result = self.read_frame();
        self.is_ended = !matches!(result, Ok(Some(_)));
        result.map_err(|error| self.read_error(error))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.decoder =
            decoder(&self.path, self.max_frame_bytes, false).map_err(|error| self.read_error(error))?;
        self.screen.fill(BACKGROUND);
        self.disposal = Disposal::Keep;
        (self.time, self.frames, self.is_ended) = (Duration::ZERO, 0, false);
        Ok(())
    }
}

fn decoder(
    path: &Path,
    max_frame_bytes: usize,
    headers_only: bool,
) -> Result<Decoder<BufReader<File>>, DecodingError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    if let Some(limit) = NonZeroU64::new(max_frame_bytes as u64) {
        options.set_memory_limit(MemoryLimit::Bytes(limit));
    }
    options.skip_frame_decoding(headers_only);
    options.read_info(BufReader::new(File::open(path)?))
}

/// The number of frames and their time, from their headers alone. A damaged end counts as the end: reading will tell.
fn length(path: &Path, max_frame_bytes: usize) -> Result<(u64, Duration, bool), DecodingError> {
    let mut decoder = decoder(path, max_frame_bytes, true)?;
    let (mut frames, mut duration, mut first, mut is_uneven) = (0, Duration::ZERO, None, false);
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        let delay = delay(frame);
        frames += 1;
        duration += delay;
        is_uneven |= *first.get_or_insert(delay) != delay;
    }
    Ok((frames, duration, is_uneven))
}

/// How long a frame is shown. Browsers and FFmpeg take 0 and 1 hundredths for a tenth of a second.
fn delay(frame: &gif::Frame<'_>) -> Duration {
    let hundredths = if frame.delay < 2 { 10 } else { frame.delay };
    Duration::from_millis(10 * u64::from(hundredths))
}

/// The rows of an area of the screen, as much of it as is there.
fn rows(screen: &mut [u8], screen_width: usize, area: Area) -> impl Iterator<Item = &mut [u8]> {
    let left = area.left.min(screen_width);
    let right = (left + area.width).min(screen_width);
    screen
        .chunks_exact_mut(screen_width * 3)
        .skip(area.top)
        .take(area.height)
        .map(move |row| row.get_mut(left * 3..right * 3).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of 2 × 1 pixels on a screen of 4 × 1: red and transparent, at this column.
    fn part(left: u16, delay: u16, dispose: DisposalMethod) -> gif::Frame<'static> {
        gif::Frame {
            left,
            delay,
            dispose,
            width: 2,
            height: 1,
            transparent: Some(1),
            buffer: vec![0, 1].into(),
            ..Default::default()
        }
    }

    fn source(parts: &[gif::Frame<'static>]) -> (tempfile::TempDir, GifSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        let mut encoder =
            gif::Encoder::new(File::create(&path).unwrap(), 4, 1, &[255, 0, 0, 0, 0, 0]).unwrap();
        for part in parts {
            encoder.write_frame(part).unwrap();
        }
        drop(encoder);
        let source = GifSource::open(&path, &OpenOptions::new()).unwrap();
        (folder, source)
    }

    /// The columns that are red, in each frame, and when it is shown.
    fn shown(source: &mut GifSource) -> Vec<(Vec<usize>, u128)> {
        std::iter::from_fn(|| source.next_frame().unwrap())
            .map(|TimedFrame { frame, time, .. }| {
                let pixels = frame.pixels().chunks_exact(3).enumerate();
                (
                    pixels.filter(|(_, pixel)| *pixel == [0, 0, 255]).map(|(x, _)| x).collect(),
                    time.as_millis(),
                )
            })
            .collect()
    }

    #[test]
    fn parts_are_put_together_as_their_disposal_says() {
        use DisposalMethod::{Background, Keep, Previous};
        let parts = [part(0, 5, Keep), part(1, 0, Previous), part(2, 7, Background), part(3, 10, Keep)];
        let (_folder, mut source) = source(&parts);
        let expected = vec![(vec![0], 0), (vec![0, 1], 50), (vec![0, 2], 150), (vec![0, 3], 220)];
        assert_eq!(shown(&mut source), expected);
        assert_eq!(source.info().frames, Some(4));
        assert_eq!(source.info().duration, Some(Duration::from_millis(320)));
        source.rewind().unwrap();
        assert_eq!(shown(&mut source), expected);
    }
}
