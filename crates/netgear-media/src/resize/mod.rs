mod error;
pub(crate) mod filter;
pub(crate) mod fit;
mod fixed;
mod float;
mod half;
mod nearest;
pub(crate) mod percent;
mod placement;
mod plan;
mod source_rows;
mod taps;
mod workers;

use netgear_proto::{BufferPool, ElementType, Frame, Shape};

pub use self::error::ResizeError;
use self::plan::Interpolator;
use self::source_rows::SourceRows;
use self::workers::Workers;
use crate::{Filter, Percent, PixelsMut, Region};

/// Makes `frame` smaller by so many percent, with memory made for this one call: VidGear's `reducer`.
///
/// For a stream of frames keep a [`Resizer`].
///
/// ```
/// use netgear_media::{Filter, Percent, reduce};
/// use netgear_proto::Frame;
///
/// let frame = Frame::bgr8(640, 480, vec![0; 640 * 480 * 3])?;
/// let smaller = reduce(&frame, Percent::new(30.0)?, Filter::Lanczos4)?;
/// assert_eq!((smaller.width(), smaller.height()), (448, 336));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Resizer::reduce`].
#[doc(alias = "reducer")]
pub fn reduce(frame: &Frame, percent: Percent, filter: Filter) -> Result<Frame, ResizeError> {
    Resizer::new().reduce(frame, percent, filter)
}

/// Resizes frame after frame, with the same memory.
///
/// Frames of 1 to 4 channels of `u8`, `u16` or `f32` elements: gray, BGR, RGB, BGRA, RGBA, and unspecified ones.
/// Every channel is resized on its own, the opacity of BGRA and RGBA among them: colours are not weighted by it, just
/// as OpenCV does not. The result has the pixel format of the original.
///
/// A part of a frame is resized as if it were a frame of its own, as `cv2.resize(img[y:y + h, x:x + w], …)` does: no
/// pixel outside of it has any influence on the result. Nothing of the frame is copied for that.
#[derive(Debug)]
pub struct Resizer {
    workers: Workers,
    pub(crate) pool: BufferPool,
    interpolator: Interpolator,
}

impl Resizer {
    /// A resizer that has no memory yet, and works on the thread that calls it.
    pub fn new() -> Self {
        Self { workers: Workers::new(1), pool: BufferPool::default(), interpolator: Interpolator::default() }
    }

    /// Works on up to so many threads, the calling one among them: 1 to 64.
    ///
    /// The result is the same for any number. The default is 1: a program that streams has other things to do with
    /// its other cores. The threads are started by the first frame that is worth them, wait for the next one, and end
    /// soon after the resizer is dropped. On Linux they run where the caller may, but for the processor that it is
    /// on. Called on a thread of a pool of rayon's, a resizer works on that one alone: the pool has work for the
    /// others.
    ///
    /// ```
    /// use netgear_media::{Filter, Resizer};
    /// use netgear_media::proto::Frame;
    ///
    /// let frame = Frame::bgr8(1920, 1080, vec![0; 1920 * 1080 * 3])?;
    /// let smaller = Resizer::new().with_threads(2).resize(&frame, 1280, 720, Filter::Area)?;
    /// assert_eq!((smaller.width(), smaller.height()), (1280, 720));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.workers = Workers::new(threads);
        self
    }

    /// Makes `frame` smaller by so many percent; see [`Percent::reduced_size`] for the exact size.
    ///
    /// # Errors
    /// [`ResizeError::NothingLeft`] if a side would be 0, and those of [`resize`](Self::resize).
    pub fn reduce(&mut self, frame: &Frame, percent: Percent, filter: Filter) -> Result<Frame, ResizeError> {
        let (width, height) = percent.reduced_size(frame.width(), frame.height());
        if width == 0 || height == 0 {
            return Err(ResizeError::NothingLeft { shape: frame.shape(), percent });
        }
        self.resize(frame, width, height, filter)
    }

    /// Resizes `frame` to exactly `width` × `height` pixels. A frame of that size already is shared, not copied.
    ///
    /// # Errors
    /// [`ResizeError::Unsupported`] for frames of other elements or of more channels than the type's description
    /// names; [`ResizeError::Size`] if a side is 0 or the result larger than memory can be.
    pub fn resize(
        &mut self,
        frame: &Frame,
        width: u32,
        height: u32,
        filter: Filter,
    ) -> Result<Frame, ResizeError> {
        self.resize_region(frame, Region::whole(frame.shape()), width, height, filter)
    }

    /// Resizes a part of `frame` to exactly `width` × `height` pixels.
    ///
    /// ```
    /// use netgear_media::{Filter, Region, Resizer};
    /// use netgear_media::proto::Frame;
    ///
    /// let frame = Frame::bgr8(640, 480, vec![0; 640 * 480 * 3])?;
    /// // Twice as large, the middle of the picture.
    /// let middle = Region::new(160, 120, 320, 240);
    /// let zoomed = Resizer::new().resize_region(&frame, middle, 640, 480, Filter::Cubic)?;
    /// assert_eq!(zoomed.shape(), frame.shape());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ResizeError::Region`] if the frame has no such part, and those of [`resize`](Self::resize).
    pub fn resize_region(
        &mut self,
        frame: &Frame,
        region: Region,
        width: u32,
        height: u32,
        filter: Filter,
    ) -> Result<Frame, ResizeError> {
        supported(frame)?;
        region.check(frame.shape())?;
        let shape = Shape::new(height, width, frame.channels())?;
        let len = shape.byte_len(frame.element_type())?;
        if shape == frame.shape() && region == Region::whole(shape) {
            return Ok(frame.clone());
        }
        let mut buffer = self.pool.take(len);
        buffer.resize(len, 0);
        let target = PixelsMut::contiguous(&mut buffer, shape, frame.element_type())
            .map_err(|_| unsupported(frame))?;
        self.resize_into(frame, region, target, filter)?;
        Frame::new(self.pool.freeze(buffer), shape, frame.element_type(), frame.pixel_format())
            .map_err(|_| unsupported(frame))
    }

    /// Resizes a part of `frame` into memory of the caller's, to the size that this has.
    ///
    /// ```
    /// use netgear_media::proto::{ElementType, Frame, Shape};
    /// use netgear_media::{Filter, PixelsMut, Region, Resizer};
    ///
    /// let frame = Frame::gray8(640, 480, vec![200; 640 * 480])?;
    /// // A small picture in the corner of a large one.
    /// let shape = Shape::new(480, 640, 1)?;
    /// let mut canvas = vec![0; 640 * 480];
    /// let mut canvas = PixelsMut::contiguous(&mut canvas, shape, ElementType::U8)?;
    /// let corner = canvas.region(Region::new(480, 360, 160, 120))?;
    /// Resizer::new().resize_into(&frame, Region::whole(frame.shape()), corner, Filter::Area)?;
    /// let last_row = canvas.rows_mut().last().expect("480 rows");
    /// assert_eq!((last_row[479], last_row[480]), (0, 200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ResizeError::Target`] if the memory is for other elements or another number of channels;
    /// [`ResizeError::Region`] if the frame has no such part; [`ResizeError::Unsupported`] as for
    /// [`resize`](Self::resize).
    pub fn resize_into(
        &mut self,
        frame: &Frame,
        region: Region,
        mut target: PixelsMut<'_>,
        filter: Filter,
    ) -> Result<(), ResizeError> {
        supported(frame)?;
        region.check(frame.shape())?;
        if target.element_type() != frame.element_type() || target.channels() != frame.channels() {
            return Err(ResizeError::Target {
                element_type: frame.element_type(),
                channels: frame.channels(),
                target_element_type: target.element_type(),
                target_channels: target.channels(),
            });
        }
        if (target.width(), target.height()) == (region.width, region.height) {
            copy(frame, region, &mut target);
            return Ok(());
        }
        let rows = SourceRows::new(frame, region);
        self.interpolator.resize(&rows, (region.width, region.height), &mut target, filter, &self.workers);
        Ok(())
    }
}

impl Default for Resizer {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies a region that the frame has to a target of its size.
fn copy(frame: &Frame, region: Region, target: &mut PixelsMut<'_>) {
    let pixel_len = usize::from(frame.channels()) * frame.element_type().byte_len();
    let rows = frame.pixels().chunks_exact(frame.width() as usize * pixel_len).skip(region.y as usize);
    let start = region.x as usize * pixel_len;
    let len = region.width as usize * pixel_len;
    for (row, target) in rows.zip(target.rows_mut()) {
        if let Some(row) = row.get(start..start + len) {
            target.copy_from_slice(row);
        }
    }
}

fn supported(frame: &Frame) -> Result<(), ResizeError> {
    use ElementType::{F32, U8, U16};
    match (frame.element_type(), frame.channels()) {
        (U8 | U16 | F32, 1..=4) => Ok(()),
        _ => Err(unsupported(frame)),
    }
}

fn unsupported(frame: &Frame) -> ResizeError {
    ResizeError::Unsupported {
        element_type: frame.element_type(),
        pixel_format: frame.pixel_format(),
        channels: frame.channels(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use netgear_proto::PixelFormat;

    use super::*;
    use crate::noise::{noise, noise_of};

    /// A frame whose channel `c` is a slope from left to right, plus `c` steps.
    fn slope(width: u32, height: u32, channels: u16, element_type: ElementType) -> Frame {
        let mut pixels = Vec::new();
        for _ in 0..height {
            for x in 0..width {
                for channel in 0..u32::from(channels) {
                    let value = x * 100 / width + 20 * channel;
                    match element_type {
                        ElementType::U8 => pixels.push(value as u8),
                        ElementType::U16 => pixels.extend((value as u16 * 256).to_le_bytes()),
                        _ => pixels.extend((value as f32 / 256.0).to_le_bytes()),
                    }
                }
            }
        }
        let shape = Shape::new(height, width, channels).unwrap();
        Frame::new(pixels, shape, element_type, PixelFormat::from_channels(channels)).unwrap()
    }

    /// The elements as levels of 0 to 255.
    fn levels(frame: &Frame) -> Vec<f32> {
        let pixels = frame.pixels();
        match frame.element_type() {
            ElementType::U8 => pixels.iter().map(|&byte| f32::from(byte)).collect(),
            ElementType::U16 => pixels
                .chunks_exact(2)
                .map(|bytes| f32::from(u16::from_le_bytes([bytes[0], bytes[1]])) / 256.0)
                .collect(),
            _ => pixels
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) * 256.0)
                .collect(),
        }
    }

    #[test]
    fn every_kind_of_pixel_keeps_its_values_under_every_filter() {
        let percent = Percent::new(30.0).unwrap();
        let mut resizer = Resizer::new();
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            for channels in 1..=4 {
                let frame = slope(160, 80, channels, element_type);
                for filter in Filter::ALL {
                    let smaller = resizer.reduce(&frame, percent, filter).unwrap();
                    assert_eq!(smaller.shape(), Shape::new(56, 112, channels).unwrap());
                    assert_eq!(smaller.pixel_format(), frame.pixel_format());
                    // Away from the rims a slope stays a slope, whatever the kernel.
                    let row = 30 * 112 * usize::from(channels);
                    let levels = levels(&smaller);
                    for x in 8..104 {
                        for channel in 0..usize::from(channels) {
                            let found = levels[row + x * usize::from(channels) + channel];
                            let expected = (x as f32 + 0.5) / 0.7 * 100.0 / 160.0 + 20.0 * channel as f32;
                            assert!(
                                (found - expected).abs() < 2.0,
                                "{filter} {element_type} x {x} channel {channel}: {found} for {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn opacity_does_not_weigh_the_colours() {
        // Left half: white and transparent; right half: black and opaque.
        let mut pixels = Vec::new();
        for x in 0..8 {
            pixels.extend(if x < 4 { [255, 255, 255, 0] } else { [0, 0, 0, 255] });
        }
        let shape = Shape::new(1, 8, 4).unwrap();
        let frame = Frame::new(pixels, shape, ElementType::U8, PixelFormat::Bgra).unwrap();
        let single = Resizer::new().resize(&frame, 1, 1, Filter::Area).unwrap();
        for &level in single.pixels() {
            assert!((127..=128).contains(&level), "{:?}", single.pixels());
        }
    }

    #[test]
    fn a_misaligned_frame_gives_the_same_pixels() {
        for element_type in [ElementType::U16, ElementType::F32] {
            let frame = slope(64, 32, 3, element_type);
            let expected = Resizer::new().resize(&frame, 40, 20, Filter::Cubic).unwrap();
            for offset in 1..4 {
                let mut shifted = vec![0xff; offset];
                shifted.extend_from_slice(frame.pixels());
                let pixels = Bytes::from(shifted).slice(offset..);
                let frame = Frame::new(pixels, frame.shape(), element_type, PixelFormat::Bgr).unwrap();
                let found = Resizer::new().resize(&frame, 40, 20, Filter::Cubic).unwrap();
                assert_eq!(found.pixels(), expected.pixels());
            }
        }
    }

    #[test]
    fn the_same_memory_serves_frame_after_frame() {
        let frame = slope(640, 480, 3, ElementType::U8);
        let mut resizer = Resizer::new();
        let first = resizer.resize(&frame, 320, 240, Filter::Linear).unwrap();
        let address = first.pixels().as_ptr();
        drop(first);
        for _ in 0..10 {
            let next = resizer.resize(&frame, 320, 240, Filter::Linear).unwrap();
            assert_eq!(next.pixels().as_ptr(), address);
        }
    }

    #[test]
    fn what_cannot_be_resized_is_an_error() {
        let shape = Shape::new(4, 4, 5).unwrap();
        let five = Frame::new(vec![0; 80], shape, ElementType::U8, PixelFormat::Unspecified).unwrap();
        let mut resizer = Resizer::new();
        assert!(matches!(
            resizer.resize(&five, 2, 2, Filter::Area),
            Err(ResizeError::Unsupported { channels: 5, .. })
        ));
        let shape = Shape::new(4, 4, 1).unwrap();
        let double = Frame::new(vec![0; 128], shape, ElementType::F64, PixelFormat::Gray).unwrap();
        assert!(matches!(resizer.resize(&double, 2, 2, Filter::Area), Err(ResizeError::Unsupported { .. })));
        let frame = slope(4, 4, 1, ElementType::U8);
        assert!(matches!(resizer.resize(&frame, 0, 2, Filter::Area), Err(ResizeError::Size(_))));
        let percent = Percent::new(80.0).unwrap();
        assert!(matches!(
            resizer.reduce(&frame, percent, Filter::Area),
            Err(ResizeError::NothingLeft { .. })
        ));
    }

    /// What a region is: a frame cut out by hand.
    fn cut(frame: &Frame, region: Region) -> Frame {
        let shape = Shape::new(region.height, region.width, frame.channels()).unwrap();
        let mut pixels = vec![0; shape.byte_len(frame.element_type()).unwrap()];
        let mut target = PixelsMut::contiguous(&mut pixels, shape, frame.element_type()).unwrap();
        copy(frame, region, &mut target);
        Frame::new(pixels, shape, frame.element_type(), frame.pixel_format()).unwrap()
    }

    #[test]
    fn a_region_is_resized_as_a_frame_of_its_own() {
        let mut resizer = Resizer::new();
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            for channels in 1..=4 {
                let frame = noise_of(
                    Shape::new(47, 61, channels).unwrap(),
                    PixelFormat::from_channels(channels),
                    element_type,
                );
                for region in
                    [Region::new(7, 5, 40, 31), Region::new(0, 46, 61, 1), Region::new(60, 0, 1, 47)]
                {
                    let alone = cut(&frame, region);
                    for (width, height) in [(23, 17), (40, 31), (50, 60), (20, 10), (1, 1)] {
                        for filter in Filter::ALL {
                            let expected = resizer.resize(&alone, width, height, filter).unwrap();
                            let found = resizer.resize_region(&frame, region, width, height, filter).unwrap();
                            assert_eq!(
                                found.pixels(),
                                expected.pixels(),
                                "{filter} {element_type} {channels} channels, {region} to {width}×{height}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_target_is_written_and_its_padding_is_not() {
        let mut resizer = Resizer::new();
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            let frame = noise(61, 47, PixelFormat::Bgr, element_type);
            let whole = Region::whole(frame.shape());
            let shape = Shape::new(19, 33, 3).unwrap();
            let pixels_len = 33 * 3 * element_type.byte_len();
            // An odd distance, so that the elements of every second row are misaligned.
            for row_len in [pixels_len, pixels_len + 5] {
                for filter in Filter::ALL {
                    let expected = resizer.resize(&frame, 33, 19, filter).unwrap();
                    let mut bytes = vec![0xa5; 18 * row_len + pixels_len + 3];
                    let target = PixelsMut::new(&mut bytes, shape, element_type, row_len).unwrap();
                    resizer.resize_into(&frame, whole, target, filter).unwrap();
                    let rows = expected.pixels().chunks_exact(pixels_len);
                    for (found, expected) in bytes.chunks(row_len).zip(rows) {
                        assert_eq!(&found[..pixels_len], expected, "{filter} {element_type}");
                    }
                    for (at, &byte) in bytes.iter().enumerate() {
                        if at % row_len >= pixels_len || at >= 18 * row_len + pixels_len {
                            assert_eq!(byte, 0xa5, "{filter} {element_type} wrote the padding at {at}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_pixels() {
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            // Large enough that the wider kernels are worth threads.
            let frame = noise(640, 480, PixelFormat::Bgr, element_type);
            for filter in [Filter::Cubic, Filter::Lanczos4, Filter::AntialiasedLanczos3] {
                let expected = Resizer::new().resize(&frame, 500, 450, filter).unwrap();
                for threads in [0, 2, 3] {
                    let mut resizer = Resizer::new().with_threads(threads);
                    let found = resizer.resize(&frame, 500, 450, filter).unwrap();
                    assert_eq!(found.pixels(), expected.pixels(), "{filter} {element_type} {threads}");
                }
            }
        }
    }

    #[test]
    fn a_target_of_another_kind_is_an_error() {
        let frame = slope(8, 8, 3, ElementType::U8);
        let whole = Region::whole(frame.shape());
        let mut resizer = Resizer::new();
        let mut bytes = [0; 64];
        let gray = PixelsMut::contiguous(&mut bytes, Shape::new(4, 4, 1).unwrap(), ElementType::U8).unwrap();
        assert!(matches!(
            resizer.resize_into(&frame, whole, gray, Filter::Area),
            Err(ResizeError::Target { channels: 3, target_channels: 1, .. })
        ));
        assert!(matches!(
            resizer.resize_region(&frame, Region::new(0, 0, 9, 8), 4, 4, Filter::Area),
            Err(ResizeError::Region(_))
        ));
    }
}
