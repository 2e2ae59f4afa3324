//! Animated PNG. The `png` crate decodes the parts; they are put together here.

mod chunks;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use netgear_proto::{ElementType, PixelFormat};
use png::{
    BlendOp, ColorType, Decoder, DecodingError, DisposeOp, FrameControl, Limits, Reader, Transformations,
};

use self::chunks::Animation;
use crate::OpenOptions;
use crate::formats::canvas::{Area, Blend, Canvas, Disposal};
use crate::formats::delays::Delays;
use crate::{FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The frames of an animated PNG, each as the whole picture that is to be seen.
pub(crate) struct ApngSource {
    origin: String,
    path: PathBuf,
    limits: Limits,
    info: SourceInfo,
    reader: Reader<BufReader<File>>,
    canvas: Canvas,
    /// As many frames as it claims to have.
    claimed: u64,
    shown: Delays,
    is_ended: bool,
    /// A part, as it was decoded, and as RGBA.
    decoded: Vec<u8>,
    rgba: Vec<u8>,
}

/// Why a part makes no frame.
#[derive(Debug, thiserror::Error)]
enum FrameError {
    #[error(transparent)]
    Png(#[from] DecodingError),
    #[error("a frame is larger than memory")]
    TooLarge,
    #[error("a frame has a palette that was not resolved")]
    Palette,
    #[error(
        "a frame of {width}×{height} pixels at {left}, {top} is not within the picture, or has fewer pixels"
    )]
    Outside { left: u32, top: u32, width: u32, height: u32 },
}

impl ApngSource {
    /// Opens a PNG; `None` if it is a single picture.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Option<Self>, OpenError> {
        let origin = path.display().to_string();
        let io = |error| OpenError::Io { origin: origin.clone(), error };
        let animation = File::open(path).map(BufReader::new).and_then(|mut file| chunks::read(&mut file));
        let Some(Animation { width, height, frames, delays }) = animation.map_err(io)? else {
            return Ok(None);
        };
        options.check_size(&origin, width, height, 4)?;

        // The decoder counts a row of each frame that it has read.
        let rows =
            usize::try_from(delays.frames()).unwrap_or(usize::MAX).saturating_mul(width as usize * 8 + 1);
        let limits = Limits { bytes: options.most_decoder_bytes().saturating_add(rows) };
        let reader = reader(path, &limits).map_err(|error| match error {
            DecodingError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => io(error),
            error => OpenError::Damaged { origin: origin.clone(), reason: error.to_string() },
        })?;
        let info = SourceInfo {
            width,
            height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: delays.frame_rate(),
            rate_varies: delays.are_uneven(),
            frames: Some(delays.frames()),
            duration: Some(delays.sum()),
            codec: "apng".to_owned(),
            decoder: "png".to_owned(),
        };
        Ok(Some(Self {
            origin,
            path: path.to_owned(),
            limits,
            info,
            reader,
            canvas: Canvas::new(width, height),
            claimed: frames,
            shown: Delays::default(),
            is_ended: false,
            decoded: Vec::new(),
            rgba: Vec::new(),
        }))
    }

    fn read_frame(&mut self) -> Result<Option<TimedFrame>, FrameError> {
        if self.shown.frames() >= self.claimed {
            return Ok(None);
        }
        let (control, stride) = loop {
            let len = self.reader.output_buffer_size().ok_or(FrameError::TooLarge)?;
            self.decoded.resize(len, 0);
            let part = self.reader.next_frame(&mut self.decoded)?;
            let info = self.reader.info();
            // The picture for those who know no animation need not be a part of it.
            let Some(control) = info.frame_control else { continue };
            // The rows of an interlaced part lie as far apart as those of the whole picture.
            let pixels_between = if info.interlaced { info.width } else { part.width } as usize;
            let is_known = to_rgba(&self.decoded, part.color_type, &mut self.rgba);
            is_known.ok_or(FrameError::Palette)?;
            break (control, pixels_between * 4);
        };
        let time = self.shown.sum();
        let FrameControl { x_offset: left, y_offset: top, width, height, .. } = control;
        let blend = match control.blend_op {
            BlendOp::Source => Blend::Replace,
            BlendOp::Over => Blend::Over,
        };
        let disposal = match control.dispose_op {
            DisposeOp::None => Disposal::Keep,
            DisposeOp::Background => Disposal::Clear,
            DisposeOp::Previous => Disposal::Restore,
        };
        let drawn = self.canvas.draw(Area { left, top, width, height }, &self.rgba, stride, blend, disposal);
        drawn.ok_or(FrameError::Outside { left, top, width, height })?;
        let frame = self.canvas.bgr_frame().ok_or(FrameError::TooLarge)?;
        self.shown.push(control.delay_num.into(), chunks::per_second(control.delay_den));
        let duration = self.shown.sum().saturating_sub(time);
        Ok(Some(TimedFrame::new(frame, time).with_duration(duration)))
    }

    fn read_error(&self, error: FrameError) -> ReadError {
        let origin = self.origin.clone();
        match error {
            FrameError::Png(DecodingError::IoError(error))
                if error.kind() != io::ErrorKind::UnexpectedEof =>
            {
                ReadError::Io { origin, error }
            }
            error => ReadError::Damaged { origin, frame: self.shown.frames(), reason: error.to_string() },
        }
    }
}

impl FrameSource for ApngSource {
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
        self.reader = reader(&self.path, &self.limits).map_err(|error| self.read_error(error.into()))?;
        self.canvas.clear();
        (self.shown, self.is_ended) = (Delays::default(), false);
        Ok(())
    }
}

fn reader(path: &Path, limits: &Limits) -> Result<Reader<BufReader<File>>, DecodingError> {
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut decoder = Decoder::new_with_limits(file, Limits { bytes: limits.bytes });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info()
}

/// Pixels of 8 bits as RGBA; `None` for a palette, which the decoder has resolved.
fn to_rgba(pixels: &[u8], colour: ColorType, rgba: &mut Vec<u8>) -> Option<()> {
    rgba.clear();
    match colour {
        ColorType::Rgba => rgba.extend_from_slice(pixels),
        ColorType::Rgb => {
            rgba.extend(pixels.chunks_exact(3).flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255]));
        }
        ColorType::Grayscale => rgba.extend(pixels.iter().flat_map(|&level| [level, level, level, 255])),
        ColorType::GrayscaleAlpha => {
            rgba.extend(pixels.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]));
        }
        ColorType::Indexed => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use png::{BitDepth, Encoder};

    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];
    const NONE: [u8; 4] = [0; 4];

    /// A part of a row of four pixels: where, of what, for so many of so many units of a second.
    type Part<'a> = (u32, &'a [[u8; 4]], BlendOp, DisposeOp, (u16, u16));

    fn write(path: &Path, parts: &[Part<'_>], separate_default: bool) {
        let mut encoder = Encoder::new(File::create(path).unwrap(), 4, 1);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_animated(parts.len() as u32, 0).unwrap();
        encoder.set_sep_def_img(separate_default).unwrap();
        let mut writer = encoder.write_header().unwrap();
        if separate_default {
            writer.write_image_data(&GREEN.repeat(4)).unwrap();
        }
        for &(left, pixels, blend, dispose, (numerator, denominator)) in parts {
            writer.set_frame_dimension(pixels.len() as u32, 1).unwrap();
            writer.set_frame_position(left, 0).unwrap();
            writer.set_blend_op(blend).unwrap();
            writer.set_dispose_op(dispose).unwrap();
            writer.set_frame_delay(numerator, denominator).unwrap();
            writer.write_image_data(&pixels.concat()).unwrap();
        }
        writer.finish().unwrap();
    }

    fn shown(source: &mut ApngSource) -> Vec<(Vec<[u8; 3]>, Duration)> {
        std::iter::from_fn(|| source.next_frame().unwrap())
            .map(|TimedFrame { frame, time, .. }| {
                (frame.pixels().chunks_exact(3).map(|pixel| pixel.try_into().unwrap()).collect(), time)
            })
            .collect()
    }

    #[test]
    fn parts_are_put_together_and_shown_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let parts: [Part<'_>; 4] = [
            (0, &[RED, RED, NONE, NONE], BlendOp::Source, DisposeOp::None, (1, 4)),
            (1, &[GREEN, NONE], BlendOp::Over, DisposeOp::Previous, (0, 0)),
            (2, &[GREEN, GREEN], BlendOp::Source, DisposeOp::Background, (3, 0)),
            (0, &[NONE, RED], BlendOp::Source, DisposeOp::None, (12, 1000)),
        ];
        let (r, g, n) = ([0, 0, 255], [0, 255, 0], [0; 3]);
        let ms = Duration::from_millis;
        let expected = [
            (vec![r, r, n, n], ms(0)),
            (vec![r, g, n, n], ms(250)),
            (vec![r, r, g, g], ms(350)),
            (vec![n, r, n, n], ms(380)),
        ];
        for separate_default in [false, true] {
            write(&path, &parts, separate_default);
            let options = OpenOptions::new().with_max_frame_bytes(usize::MAX);
            let mut source = ApngSource::open(&path, &options).unwrap().unwrap();
            assert_eq!((source.info().frames, source.info().duration), (Some(4), Some(ms(392))));
            assert_eq!(shown(&mut source), expected, "{separate_default}");
            source.rewind().unwrap();
            assert_eq!(shown(&mut source), expected, "{separate_default}");
        }
    }

    #[test]
    fn a_single_picture_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        crate::save_picture(&netgear_proto::Frame::gray8(3, 2, vec![0; 6]).unwrap(), &path).unwrap();
        assert!(ApngSource::open(&path, &OpenOptions::new()).unwrap().is_none());
    }

    #[test]
    fn what_comes_before_the_damage_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let part: Part<'_> = (0, &[RED; 4], BlendOp::Source, DisposeOp::None, (1, 25));
        write(&path, &[part; 5], false);
        let bytes = std::fs::read(&path).unwrap();
        let last = bytes.windows(4).rposition(|window| window == b"fcTL").unwrap() + 4;
        // In the middle of the last frame, and where only its kind is there yet.
        for cut in [bytes.len() - 30, last] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let mut source = ApngSource::open(&path, &OpenOptions::new()).unwrap().unwrap();
            for number in 0..4 {
                assert_eq!(source.next_frame().unwrap().unwrap().time, Duration::from_millis(40 * number));
            }
            assert!(matches!(source.next_frame(), Err(ReadError::Damaged { frame: 4, .. })));
            assert_eq!(source.next_frame().unwrap(), None);
        }
    }

    #[test]
    fn a_size_that_is_not_allowed_is_refused_before_memory_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let part: Part<'_> = (0, &[RED; 4], BlendOp::Source, DisposeOp::None, (1, 25));
        write(&path, &[part; 2], false);
        let options = OpenOptions::new().with_max_frame_bytes(15);
        assert!(matches!(
            ApngSource::open(&path, &options),
            Err(OpenError::TooLarge { width: 4, height: 1, .. })
        ));
    }
}
