use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat, Shape};

use crate::digits::{DIGIT_HEIGHT, DIGIT_WIDTH, digit_has_dot};
use crate::{FrameRate, FrameRateError, FrameSource, ReadError, SourceInfo, TimedFrame};

/// The colours of the bars: the usual eight at 75 %, as BGR.
const BARS: [[u8; 3]; 8] = [
    [191, 191, 191],
    [0, 191, 191],
    [191, 191, 0],
    [0, 191, 0],
    [191, 0, 191],
    [0, 0, 191],
    [191, 0, 0],
    [24, 24, 24],
];
const FLOOR: [u8; 3] = [56, 36, 20];
const BLOCK: [u8; 3] = [255, 255, 255];
const BLOCK_CORE: [u8; 3] = [32, 96, 240];
/// The number has at least so many digits.
const DIGITS: usize = 6;
/// A digit and the gap behind it, in dots.
const CELL: u32 = DIGIT_WIDTH + 1;

/// The size and the rate of a [`TestPattern`]: `1280x720@30`. Either may be left out; these are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TestPatternSpec {
    shape: Shape,
    rate: FrameRate,
}

impl TestPatternSpec {
    /// The longest side that is accepted.
    pub const LONGEST_SIDE: u32 = 16_384;

    /// Frames of `width` × `height` pixels.
    ///
    /// # Errors
    /// [`TestPatternSpecError::Size`] if a side is 0 or more than [`LONGEST_SIDE`](Self::LONGEST_SIDE).
    pub fn new(width: u32, height: u32, rate: FrameRate) -> Result<Self, TestPatternSpecError> {
        let error = || TestPatternSpecError::Size { text: format!("{width}x{height}") };
        if width > Self::LONGEST_SIDE || height > Self::LONGEST_SIDE {
            return Err(error());
        }
        Ok(Self { shape: Shape::new(height, width, 3).map_err(|_| error())?, rate })
    }

    /// The shape of the frames.
    pub const fn shape(self) -> Shape {
        self.shape
    }

    /// The frames per second.
    pub const fn rate(self) -> FrameRate {
        self.rate
    }
}

impl FromStr for TestPatternSpec {
    type Err = TestPatternSpecError;

    fn from_str(text: &str) -> Result<Self, TestPatternSpecError> {
        let (size, rate) = text.split_once('@').unwrap_or((text, "30"));
        let size = if size.is_empty() { "1280x720" } else { size };
        let sides = size.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let (width, height) = sides.ok_or_else(|| TestPatternSpecError::Size { text: size.to_owned() })?;
        Self::new(width, height, rate.parse()?)
    }
}

impl fmt::Display for TestPatternSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.shape.width(), self.shape.height(), self.rate)
    }
}

/// Why a text is no [`TestPatternSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TestPatternSpecError {
    /// The size is malformed, 0 or too large.
    #[error(
        "`{text}` is not a size for a test pattern; give WIDTHxHEIGHT, as in 1280x720, with sides of 1 to {}",
        TestPatternSpec::LONGEST_SIDE
    )]
    Size {
        /// The size.
        text: String,
    },
    /// The rate is malformed.
    #[error(transparent)]
    Rate(#[from] FrameRateError),
}

/// Colour bars that wander, a block that bounces, and the number of the frame in digits.
///
/// The same number and size always give the same pixels, so that two ends of a connection can compare what they have.
/// It costs about as much as copying the frame once.
#[derive(Debug)]
pub struct TestPattern {
    info: SourceInfo,
    shape: Shape,
    rate: FrameRate,
    next: u64,
    frames: Option<u64>,
    pool: BufferPool,
    /// Two widths of bars, so that each row of a frame is one run of it.
    bars: Vec<u8>,
    /// Two widths of a ramp from black to white and back.
    ramp: Vec<u8>,
    floor: Vec<u8>,
}

impl TestPattern {
    /// A pattern without end.
    pub fn new(spec: TestPatternSpec) -> Self {
        let width = spec.shape.width();
        let columns = (0..2 * width).map(|x| x % width);
        let bars = columns.clone().flat_map(|x| BARS[(u64::from(x) * 8 / u64::from(width)) as usize % 8]);
        let ramp = columns.flat_map(|x| {
            let level = u64::from(x) * 511 / u64::from(width);
            [if level > 255 { 511 - level } else { level } as u8; 3]
        });
        let info = SourceInfo {
            width,
            height: spec.shape.height(),
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: Some(spec.rate),
            rate_varies: false,
            frames: None,
            duration: None,
            codec: "rawvideo".to_owned(),
            decoder: "test pattern".to_owned(),
        };
        Self {
            info,
            shape: spec.shape,
            rate: spec.rate,
            next: 0,
            frames: None,
            pool: BufferPool::default(),
            bars: bars.collect(),
            ramp: ramp.collect(),
            floor: FLOOR.repeat(width as usize),
        }
    }

    /// Ends the pattern after so many frames.
    #[must_use]
    pub fn with_frames(mut self, frames: u64) -> Self {
        self.frames = Some(frames);
        self.info.frames = Some(frames);
        self.info.duration = Some(self.rate.time_of(frames));
        self
    }

    /// Frame `number`, whichever came before it.
    pub fn frame(&mut self, number: u64) -> Frame {
        let (width, height) = (self.shape.width(), self.shape.height());
        let row_len = 3 * width as usize;
        let mut pixels = self.pool.take(row_len * height as usize);

        let step = u64::from(width / 240).max(1);
        let wander = (number % u64::from(width) * step % u64::from(width)) as u32;
        let bars = run(&self.bars, wander, row_len);
        let ramp = run(&self.ramp, width - 1 - wander, row_len);
        let layout = Layout::new(self.shape);
        for y in 0..height {
            pixels.extend_from_slice(match y {
                y if y < layout.ramp_top => bars,
                y if y < layout.floor_top => ramp,
                _ => &self.floor,
            });
        }

        let mut canvas = Canvas { pixels: &mut pixels, width, height };
        let side = (height / 5).min(width / 5).max(1);
        let x = bounce(number.wrapping_mul(2 * step), width - side);
        let y = bounce(number.wrapping_mul(step), height - side);
        canvas.fill(x, y, side, side, BLOCK);
        canvas.fill(x + side / 8, y + side / 8, side - side / 8 * 2, side - side / 8 * 2, BLOCK_CORE);
        draw_number(&mut canvas, layout, number);

        let pixels = self.pool.freeze(pixels);
        // The rows were written one by one, so there are as many bytes as the shape has.
        Frame::new(pixels, self.shape, ElementType::U8, PixelFormat::Bgr)
            .unwrap_or_else(|error| unreachable!("a test pattern has the length of its shape: {error}"))
    }

    /// The number drawn in a frame of a test pattern that has kept its size, even if it was compressed since. `None`
    /// for frames that show no number, are too small for one, or are not 8-bit BGR.
    pub fn read_number(frame: &Frame) -> Option<u64> {
        if frame.element_type() != ElementType::U8 || frame.pixel_format() != PixelFormat::Bgr {
            return None;
        }
        let layout = Layout::new(frame.shape());
        let dot_is_lit = |x: u32, y: u32| {
            let at = (y as usize * frame.width() as usize + x as usize) * 3 + 1;
            frame.pixels().get(at).filter(|_| x < frame.width()).map(|&green| green > 127)
        };
        let read_digit = |position: u32| {
            (0..10).find(|&digit| {
                // The gap on the left is looked at too: it is never lit.
                (0..=DIGIT_WIDTH).all(|column| {
                    (0..DIGIT_HEIGHT).all(|row| {
                        let x = layout.label_left + (position * CELL + column) * layout.dot + layout.dot / 2;
                        let y = layout.label_top + (1 + row) * layout.dot + layout.dot / 2;
                        let expected = column > 0 && digit_has_dot(digit, column - 1, row);
                        dot_is_lit(x, y) == Some(expected)
                    })
                })
            })
        };
        let digits: Vec<u8> = (0..20).map_while(read_digit).collect();
        if digits.len() < DIGITS {
            return None;
        }
        digits.iter().try_fold(0_u64, |number, &digit| number.checked_mul(10)?.checked_add(digit.into()))
    }
}

impl FrameSource for TestPattern {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.frames.is_some_and(|frames| self.next >= frames) {
            return Ok(None);
        }
        let number = self.next;
        self.next += 1;
        let (time, duration) = self.rate.span_of(number);
        Ok(Some(TimedFrame::new(self.frame(number), time).with_duration(duration)))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.next = 0;
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        let last = self.frames.unwrap_or(u64::MAX).saturating_sub(1);
        self.next = self.rate.index_at(time).min(last);
        Ok(())
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.rate.frames_within(&time, self.frames.unwrap_or(u64::MAX)))
    }
}

/// Where things stand in a frame of this shape, in pixels.
#[derive(Clone, Copy)]
struct Layout {
    ramp_top: u32,
    floor_top: u32,
    /// The side of one dot of a digit.
    dot: u32,
    label_left: u32,
    label_top: u32,
}

impl Layout {
    fn new(shape: Shape) -> Self {
        let (width, height) = (shape.width(), shape.height());
        let floor_top = height - height / 4;
        let label_width = DIGITS as u32 * CELL + 1;
        let label_height = DIGIT_HEIGHT + 2;
        // A third of the width and most of the floor, where there is room.
        let dot = (width / 3 / label_width).min(height / 5 / label_height).max(1);
        let room = height - floor_top;
        Self {
            ramp_top: height - height / 4 - height / 10,
            floor_top,
            dot,
            label_left: dot * 2,
            label_top: (floor_top + room.saturating_sub(label_height * dot) / 2)
                .min(height.saturating_sub(label_height * dot)),
        }
    }
}

fn draw_number(canvas: &mut Canvas<'_>, layout: Layout, number: u64) {
    let digits = format!("{number:0DIGITS$}");
    let dot = layout.dot;
    let label_width = (digits.len() as u32 * CELL + 1) * dot;
    canvas.fill(layout.label_left, layout.label_top, label_width, (DIGIT_HEIGHT + 2) * dot, [0; 3]);
    for (position, character) in (0..).zip(digits.bytes()) {
        let left = layout.label_left + (1 + position * CELL) * dot;
        for row in 0..DIGIT_HEIGHT {
            for column in 0..DIGIT_WIDTH {
                if digit_has_dot(character - b'0', column, row) {
                    canvas.fill(left + column * dot, layout.label_top + (1 + row) * dot, dot, dot, [255; 3]);
                }
            }
        }
    }
}

/// One row's worth of a strip that is two rows long, from a column on.
fn run(strip: &[u8], column: u32, row_len: usize) -> &[u8] {
    let start = 3 * column as usize;
    strip.get(start..start + row_len).unwrap_or_default()
}

/// Where something is that moves to and fro between 0 and `most`.
fn bounce(distance: u64, most: u32) -> u32 {
    let most = u64::from(most);
    if most == 0 {
        return 0;
    }
    let at = distance % (2 * most);
    // Not more than `most`, which is a u32.
    at.min(2 * most - at) as u32
}

struct Canvas<'a> {
    pixels: &'a mut [u8],
    width: u32,
    height: u32,
}

impl Canvas<'_> {
    /// Fills a rectangle, as much of it as lies in the frame.
    fn fill(&mut self, x: u32, y: u32, width: u32, height: u32, colour: [u8; 3]) {
        let right = x.saturating_add(width).min(self.width) as usize;
        let (left, row_len) = (x as usize, self.width as usize);
        for row in y as usize..y.saturating_add(height).min(self.height) as usize {
            let pixels = self.pixels.get_mut(3 * (row * row_len + left)..3 * (row * row_len + right));
            for pixel in pixels.unwrap_or_default().chunks_exact_mut(3) {
                pixel.copy_from_slice(&colour);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn pattern(spec: &str) -> TestPattern {
        TestPattern::new(spec.parse().unwrap())
    }

    #[test]
    fn the_number_can_be_read_out_of_the_pixels() {
        for size in ["1280x720", "1920x1080", "640x480", "321x241", "160x120", "64x48"] {
            let mut pattern = pattern(size);
            for number in (0..300).chain([9_999, 123_456, 999_999, 1_000_000, 1_234_567_890]) {
                let frame = pattern.frame(number);
                assert_eq!(TestPattern::read_number(&frame), Some(number), "{size}");
            }
        }
    }

    #[test]
    fn a_frame_without_a_number_reads_as_none() {
        for level in [0, 255] {
            let frame = Frame::bgr8(640, 480, vec![level; 640 * 480 * 3]).unwrap();
            assert_eq!(TestPattern::read_number(&frame), None);
        }
        let gray = Frame::gray8(640, 480, vec![0; 640 * 480]).unwrap();
        assert_eq!(TestPattern::read_number(&gray), None);
    }

    #[test]
    fn it_moves_and_it_is_deterministic() {
        let (mut one, mut other) = (pattern("320x240"), pattern("320x240"));
        let first = one.frame(7);
        assert_eq!(first, other.frame(7));
        assert_ne!(first, one.frame(8));
        let moved = first.pixels().iter().zip(one.frame(30).pixels()).filter(|(a, b)| a != b).count();
        assert!(moved > first.pixels().len() / 20, "{moved}");
    }

    #[test]
    fn every_size_is_filled_to_the_last_pixel() {
        for (width, height) in [(1, 1), (1, 1000), (1000, 1), (2, 3), (7, 5), (37, 9), (1023, 17)] {
            let mut pattern = pattern(&format!("{width}x{height}"));
            for number in [0, 1, 1000, u64::MAX / 1000] {
                assert_eq!(pattern.frame(number).shape(), Shape::new(height, width, 3).unwrap());
            }
        }
    }

    #[test]
    fn it_ends_where_it_was_told_and_keeps_time() {
        let mut pattern = pattern("64x48@50").with_frames(3);
        let times: Vec<_> =
            std::iter::from_fn(|| pattern.next_frame().unwrap()).map(|frame| frame.time).collect();
        assert_eq!(times, [0, 20, 40].map(Duration::from_millis));
        assert_eq!(pattern.next_frame().unwrap(), None);
        pattern.rewind().unwrap();
        assert!(pattern.next_frame().unwrap().is_some());
    }

    #[test]
    fn frames_use_the_same_memory_again() {
        let mut pattern = pattern("640x480");
        let address = pattern.frame(0).pixels().as_ptr();
        assert_eq!(pattern.frame(1).pixels().as_ptr(), address);
    }

    #[test]
    fn specs_are_parsed_with_defaults() {
        for (text, expected) in [
            ("", "1280x720@30"),
            ("640x480", "640x480@30"),
            ("@60", "1280x720@60"),
            ("8x9@29.97", "8x9@2997/100"),
        ] {
            assert_eq!(text.parse::<TestPatternSpec>().unwrap().to_string(), expected);
        }
        for text in ["640", "640x", "x480", "0x1", "1x0", "16385x1", "-1x5", "640x480x3", " "] {
            assert!(
                matches!(text.parse::<TestPatternSpec>(), Err(TestPatternSpecError::Size { .. })),
                "{text}"
            );
        }
        assert!(matches!("1x1@0".parse::<TestPatternSpec>(), Err(TestPatternSpecError::Rate(_))));
    }
}
