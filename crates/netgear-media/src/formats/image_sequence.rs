//! Pictures, one after the other: by a pattern of names, or all of a folder, or a single one.

use std::cmp::Ordering;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use image::error::DecodingError;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

use crate::OpenOptions;
use crate::formats::webp::picture_size;
use crate::{FrameRate, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The frames of picture files: PNG, JPEG or WebP. All must be alike in size and in the kind of their pixels.
pub(crate) struct ImageSequence {
    info: SourceInfo,
    files: Vec<PathBuf>,
    rate: FrameRate,
    next: usize,
    is_failed: bool,
    limits: Limits,
}

/// Whether a text is a pattern of names rather than a name.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[']) || NumberedName::parse(text).is_some()
}

impl ImageSequence {
    /// Pictures by a pattern: `frames/*.png`, `img%04d.png`.
    pub(crate) fn open_pattern(pattern: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let files = match NumberedName::parse(pattern) {
            Some(numbered) => numbered.files()?,
            None => glob::glob(pattern)
                .map_err(|error| OpenError::Pattern {
                    origin: pattern.to_owned(),
                    reason: error.msg.to_owned(),
                })?
                .filter_map(Result::ok)
                .filter(|path| path.is_file())
                .collect(),
        };
        Self::open(pattern.to_owned(), files, options).map_err(as_one_of_many)
    }

    /// The PNG, JPEG and WebP files of a folder.
    pub(crate) fn open_folder(folder: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = folder.display().to_string();
        let entries =
            std::fs::read_dir(folder).map_err(|error| OpenError::Io { origin: origin.clone(), error })?;
        let is_picture = |path: &PathBuf| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            ["png", "jpg", "jpeg", "webp"].iter().any(|known| ending.eq_ignore_ascii_case(known))
                && path.is_file()
        };
        let files = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_picture).collect();
        Self::open(origin, files, options).map_err(as_one_of_many)
    }

    /// A single picture: a sequence of one.
    pub(crate) fn open_single(path: &Path, options: &OpenOptions) -> Result<Self, OpenError> {
        Self::open(path.display().to_string(), vec![path.to_owned()], options)
    }

    fn open(origin: String, mut files: Vec<PathBuf>, options: &OpenOptions) -> Result<Self, OpenError> {
        files.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
        let first = files.first().ok_or(OpenError::NoMatch { origin })?;

        let mut limits = Limits::default();
        limits.max_alloc = Some(options.most_decoder_bytes() as u64);
        let header = Header::read(first, &limits).map_err(|error| open_error(first, error))?;
        let pixel_bytes = u64::from(header.channels) * header.element_type.byte_len() as u64;
        options.check_size(&first.display().to_string(), header.width, header.height, pixel_bytes)?;

        let (rate, frames) = (options.sequence_rate(), files.len() as u64);
        let info = SourceInfo {
            width: header.width,
            height: header.height,
            element_type: header.element_type,
            pixel_format: if header.channels == 1 { PixelFormat::Gray } else { PixelFormat::Bgr },
            frame_rate: Some(rate),
            rate_varies: false,
            frames: Some(frames),
            duration: Some(rate.time_of(frames)),
            codec: header.codec.to_owned(),
            decoder: "image".to_owned(),
        };
        Ok(Self { info, files, rate, next: 0, is_failed: false, limits })
    }
}

impl FrameSource for ImageSequence {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let Some(path) = self.files.get(self.next).filter(|_| !self.is_failed) else { return Ok(None) };
        let (time, duration) = self.rate.span_of(self.next as u64);
        let frame = read_picture(path, &self.limits, &self.info, self.next as u64);
        self.is_failed = frame.is_err();
        self.next += 1;
        Ok(Some(TimedFrame::new(frame?, time).with_duration(duration)))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        (self.next, self.is_failed) = (0, false);
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let number = usize::try_from(self.rate.index_at(time)).unwrap_or(usize::MAX);
        (self.next, self.is_failed) = (number.min(self.files.len().saturating_sub(1)), false);
        Ok(())
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.rate.frames_within(&time, self.files.len() as u64))
    }
}

/// What a picture is, before it is decoded.
struct Header {
    width: u32,
    height: u32,
    channels: u16,
    element_type: ElementType,
    codec: &'static str,
}

impl Header {
    fn read(path: &Path, limits: &Limits) -> Result<Self, ImageError> {
        let reader = ImageReader::open(path)?.with_guessed_format()?;
        let codec = reader.format().map_or("unknown", |format| match format {
            ImageFormat::Jpeg => "mjpeg",
            ImageFormat::Png => "png",
            ImageFormat::WebP => "webp",
            _ => "unknown",
        });
        let mut decoder = decoder(path, limits)?;
        let (mut width, mut height) = decoder.dimensions();
        if turns_on_its_side(decoder.orientation()?) {
            (width, height) = (height, width);
        }
        let colour = decoder.color_type();
        let channels = if colour.has_color() { 3 } else { 1 };
        let bytes = colour.bytes_per_pixel() / colour.channel_count();
        let element_type = if bytes > 1 { ElementType::U16 } else { ElementType::U8 };
        Ok(Self { width, height, channels, element_type, codec })
    }
}

fn turns_on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn read_picture(path: &Path, limits: &Limits, info: &SourceInfo, number: u64) -> Result<Frame, ReadError> {
    let origin = || path.display().to_string();
    let image = decode(path, limits).map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            ReadError::Io { origin: origin(), error }
        }
        error => ReadError::Damaged { origin: origin(), frame: number, reason: error.to_string() },
    })?;
    let frame = to_frame(image).ok_or_else(|| ReadError::Damaged {
        origin: origin(),
        frame: number,
        reason: "its pixels are of no known kind".to_owned(),
    })?;
    let kind = |width, height, format: PixelFormat, element: ElementType| {
        format!("{width}×{height} {format} pixels of {element} elements")
    };
    let expected = kind(info.width, info.height, info.pixel_format, info.element_type);
    let found = kind(frame.width(), frame.height(), frame.pixel_format(), frame.element_type());
    if expected != found {
        return Err(ReadError::FormatChanged { origin: origin(), expected, found });
    }
    Ok(frame)
}

/// The picture, turned as its camera says.
fn decode(path: &Path, limits: &Limits) -> Result<DynamicImage, ImageError> {
    let mut decoder = decoder(path, limits)?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The decoder of a picture, which has not been decoded yet.
fn decoder(path: &Path, limits: &Limits) -> Result<impl ImageDecoder, ImageError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    reader.limits(limits.clone());
    let is_webp = reader.format() == Some(ImageFormat::WebP);
    let decoder = reader.into_decoder()?;
    // The other decoders keep to the limits; this one takes memory for all that a file claims.
    if is_webp && picture_size(&mut File::open(path)?)? != Some(decoder.dimensions()) {
        let reason = "it is an animation, or its chunks are not those of one picture";
        return Err(ImageError::Decoding(DecodingError::new(ImageFormat::WebP.into(), reason)));
    }
    Ok(decoder)
}

/// Gray stays gray and 16 bits stay 16 bits; the rest becomes 8-bit BGR. Opacity is left out.
fn to_frame(image: DynamicImage) -> Option<Frame> {
    let (width, height) = (image.width(), image.height());
    let le_bytes = |elements: Vec<u16>| elements.into_iter().flat_map(u16::to_le_bytes).collect::<Bytes>();
    let is_wide = matches!(
        image,
        DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_)
    );
    let (pixels, channels) = match (is_wide, image.color().has_color()) {
        (false, false) => (image.into_luma8().into_raw().into(), 1),
        (true, false) => (le_bytes(image.into_luma16().into_raw()), 1),
        (false, true) => {
            let mut pixels = image.into_rgb8().into_raw();
            pixels.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            (pixels.into(), 3)
        }
        (true, true) => {
            let mut elements = image.into_rgb16().into_raw();
            elements.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
            (le_bytes(elements), 3)
        }
    };
    let element_type = if is_wide { ElementType::U16 } else { ElementType::U8 };
    let shape = Shape::new(height, width, channels).ok()?;
    Frame::new(pixels, shape, element_type, PixelFormat::from_channels(channels)).ok()
}

fn open_error(path: &Path, error: ImageError) -> OpenError {
    let origin = path.display().to_string();
    match error {
        ImageError::IoError(error) => OpenError::Io { origin, error },
        ImageError::Unsupported(error) => OpenError::Unsupported { origin, reason: error.to_string() },
        error => OpenError::Damaged { origin, reason: error.to_string() },
    }
}

/// ffmpeg, to which single files go that are not read here, is given no sequences.
fn as_one_of_many(error: OpenError) -> OpenError {
    match error {
        OpenError::Unsupported { origin, reason } => OpenError::NotInSequence { origin, reason },
        error => error,
    }
}

/// A name with a number in it, as C's printf writes it: `%d`, `%4d`, `%04d`.
struct NumberedName<'a> {
    before: &'a str,
    after: &'a str,
    /// The digits that there are at least.
    digits: usize,
}

impl<'a> NumberedName<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (before, rest) = text.split_once('%')?;
        let (width, after) = rest.split_once('d')?;
        let is_number = width.len() <= 3 && width.bytes().all(|byte| byte.is_ascii_digit());
        let is_only = !after.contains('%') && !after.contains(['/', std::path::MAIN_SEPARATOR]);
        let digits = if width.is_empty() { 1 } else { width.parse().ok()? };
        (is_number && is_only).then_some(Self { before, after, digits })
    }

    /// The files that bear such a name, whatever the number; gaps do not matter.
    fn files(&self) -> Result<Vec<PathBuf>, OpenError> {
        let before = Path::new(self.before);
        let (folder, start) =
            if self.before.is_empty() || self.before.ends_with(['/', std::path::MAIN_SEPARATOR]) {
                (before, "")
            } else {
                let start = before.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                (before.parent().unwrap_or(Path::new("")), start)
            };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(folder)
            .map_err(|error| OpenError::Io { origin: folder.display().to_string(), error })?;
        let is_numbered = |name: &str| {
            let number = name.strip_prefix(start).and_then(|name| name.strip_suffix(self.after));
            number.is_some_and(|number| {
                number.len() >= self.digits && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        Ok(entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_str().is_some_and(is_numbered))
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect())
    }
}

/// The order in which people count: `img2` before `img10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let ((part_a, next_a), (part_b, next_b)) = match (split_run(rest_a), split_run(rest_b)) {
            (Some(a), Some(b)) => (a, b),
            // Equal in every part: 01 and 1. The texts themselves decide.
            (None, None) => return a.cmp(b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let are_numbers = [part_a, part_b].iter().all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        let order = if are_numbers {
            let (a, b) = (part_a.trim_start_matches('0'), part_b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            part_a.cmp(part_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (rest_a, rest_b) = (next_a, next_b);
    }
}

/// The digits, or else the other characters, that a text begins with, and what follows.
fn split_run(text: &str) -> Option<(&str, &str)> {
    let is_digit = text.chars().next()?.is_ascii_digit();
    let end = text.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(text.len());
    Some(text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, save_picture};

    fn gray(level: u8) -> Frame {
        Frame::gray8(4, 2, vec![level; 8]).unwrap()
    }

    fn levels(source: &str) -> Vec<u8> {
        let mut source = source.parse::<Source>().unwrap().open(&OpenOptions::new()).unwrap();
        std::iter::from_fn(|| source.next_frame().unwrap()).map(|frame| frame.frame.pixels()[0]).collect()
    }

    #[test]
    fn a_picture_of_another_kind_is_refused_with_those_that_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.bmp");
        // The header of a BMP of 1 × 1 pixel.
        let header = b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0";
        std::fs::write(&path, [&header[..], &[0; 28]].concat()).unwrap();
        for pattern in ["*.bmp", "%d.bmp"] {
            let source: Source = folder.path().join(pattern).to_str().unwrap().parse().unwrap();
            let refused = source.open(&OpenOptions::new()).err().unwrap();
            let said = refused.to_string();
            assert!(matches!(refused, OpenError::NotInSequence { .. }), "{said}");
            assert!(said.contains("0.bmp") && said.contains("PNG, JPEG and WebP"), "{said}");
        }
    }

    #[test]
    fn pictures_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for number in [10, 9, 1, 100, 2] {
            save_picture(&gray(number), folder.path().join(format!("img{number}.png"))).unwrap();
        }
        save_picture(&gray(200), folder.path().join("other7.png")).unwrap();
        std::fs::write(folder.path().join("imgx.png"), "").unwrap();
        let folder_name = folder.path().to_str().unwrap();
        assert_eq!(levels(&format!("{folder_name}/img%d.png")), [1, 2, 9, 10, 100]);
        assert_eq!(levels(&format!("{folder_name}/img%02d.png")), [10, 100]);
        std::fs::remove_file(folder.path().join("imgx.png")).unwrap();
        assert_eq!(levels(&format!("{folder_name}/*.png")), [1, 2, 9, 10, 100, 200]);
        assert_eq!(levels(folder_name), [1, 2, 9, 10, 100, 200]);
        assert_eq!(levels(&format!("{folder_name}/other7.png")), [200]);
    }

    #[test]
    fn names_are_counted_as_people_count() {
        let mut names = ["b1", "a10", "a9", "a09", "a", "a1b", "a1", "10", "9"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["9", "10", "a", "a1", "a1b", "a09", "a9", "a10", "b1"]);
    }

    #[test]
    fn only_printf_numbers_and_shell_characters_make_a_pattern() {
        for pattern in ["a%d.png", "a%4d", "a%04d.jpg", "*", "a?.png", "[ab].png"] {
            assert!(is_pattern(pattern), "{pattern}");
        }
        for name in ["a.png", "100%.png", "%d/x.png", "%1234d", "%s"] {
            assert!(!is_pattern(name), "{name}");
        }
    }

    #[test]
    fn every_kind_of_picture_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for (channels, element_type) in
            [(1, ElementType::U8), (3, ElementType::U8), (1, ElementType::U16), (3, ElementType::U16)]
        {
            let shape = Shape::new(2, 3, channels).unwrap();
            let len = shape.byte_len(element_type).unwrap();
            let pixels: Vec<u8> = (0..len as u8).map(|byte| byte * 7).collect();
            let frame =
                Frame::new(pixels, shape, element_type, PixelFormat::from_channels(channels)).unwrap();
            save_picture(&frame, &path).unwrap();
            let mut source = ImageSequence::open_single(&path, &OpenOptions::new()).unwrap();
            assert_eq!(source.info().element_type, element_type);
            assert_eq!(source.next_frame().unwrap().unwrap().frame, frame);
            assert_eq!(source.next_frame().unwrap(), None);
        }
    }

    #[test]
    fn pictures_that_differ_are_an_error_and_the_end() {
        let folder = tempfile::tempdir().unwrap();
        save_picture(&gray(1), folder.path().join("1.png")).unwrap();
        save_picture(&Frame::gray8(2, 4, vec![0; 8]).unwrap(), folder.path().join("2.png")).unwrap();
        save_picture(&gray(3), folder.path().join("3.png")).unwrap();
        let mut source = ImageSequence::open_folder(folder.path(), &OpenOptions::new()).unwrap();
        assert!(source.next_frame().unwrap().is_some());
        let error = source.next_frame().unwrap_err();
        assert!(
            matches!(&error, ReadError::FormatChanged { origin, .. } if origin.ends_with("2.png")),
            "{error}"
        );
        assert_eq!(source.next_frame().unwrap(), None);
        source.rewind().unwrap();
        assert!(source.next_frame().unwrap().is_some());
    }

    #[test]
    fn a_picture_larger_than_allowed_is_refused_before_it_is_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        save_picture(&Frame::gray8(100, 100, vec![0; 10_000]).unwrap(), &path).unwrap();
        let options = OpenOptions::new().with_max_frame_bytes(9_999);
        assert!(matches!(
            ImageSequence::open_single(&path, &options),
            Err(OpenError::TooLarge { width: 100, height: 100, .. })
        ));
    }
}
