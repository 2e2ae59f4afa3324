use std::convert::Infallible;
use std::fmt;

use bytes::BytesMut;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{Drawable, Primitive};
use embedded_graphics::primitives::{Line, PrimitiveStyle};
use embedded_graphics::text::{Baseline, Text};
use netgear_proto::{ElementType, Frame, PixelFormat};

use crate::colour::{PixelBytes, PixelKind};
use crate::{Colour, PixelsMut, Region};

/// Draws on a frame, in its own memory if nobody else holds it, else on a copy.
///
/// ```
/// use netgear_media::proto::Frame;
/// use netgear_media::{Colour, Pen, Region, draw_on};
///
/// let frame = Frame::bgr8(640, 480, vec![90; 640 * 480 * 3])?;
/// let drawn = draw_on(frame, |canvas| {
///     canvas.labelled_box(Region::new(200, 120, 160, 240), "person 0.92", Pen::new(Colour::GREEN, 2));
/// })?;
/// assert_eq!(drawn.pixels()[(120 * 640 + 200) * 3..][..3], [0, 255, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DrawError`] for elements other than `u8`, `u16` and `f32`, and for pixels of more than 16 bytes.
pub fn draw_on(frame: Frame, draw: impl FnOnce(&mut Canvas<'_>)) -> Result<Frame, DrawError> {
    let (shape, element_type, pixel_format) = (frame.shape(), frame.element_type(), frame.pixel_format());
    let mut pixels = match frame.into_pixels().try_into_mut() {
        Ok(pixels) => pixels,
        Err(shared) => BytesMut::from(&shared[..]),
    };
    let error = DrawError { element_type, pixel_format, channels: shape.channels() };
    let target = PixelsMut::contiguous(&mut pixels, shape, element_type).map_err(|_| error)?;
    draw(&mut Canvas::new(target, pixel_format)?);
    Frame::new(pixels, shape, element_type, pixel_format).map_err(|_| error)
}

/// Pixels to draw on, in the colours of their format and the scale of their elements.
///
/// Columns are counted from the left and rows from the top. What lies outside is left out, without an error.
pub struct Canvas<'a> {
    pixels: PixelsMut<'a>,
    kind: PixelKind,
}

impl<'a> Canvas<'a> {
    /// Draws on pixels of this format.
    ///
    /// # Errors
    /// [`DrawError`] for elements other than `u8`, `u16` and `f32`, for pixels of more than 16 bytes, and if the
    /// format has another number of channels.
    pub fn new(pixels: PixelsMut<'a>, pixel_format: PixelFormat) -> Result<Self, DrawError> {
        let kind =
            PixelKind { element_type: pixels.element_type(), pixel_format, channels: pixels.channels() };
        let is_drawable =
            Colour::BLACK.pixel(kind).is_some_and(|pixel| pixel.as_slice().len() == kind.byte_len());
        if !is_drawable {
            let PixelKind { element_type, pixel_format, channels } = kind;
            return Err(DrawError { element_type, pixel_format, channels });
        }
        Ok(Self { pixels, kind })
    }

    /// Pixels in a row.
    pub const fn width(&self) -> u32 {
        self.pixels.width()
    }

    /// Rows.
    pub const fn height(&self) -> u32 {
        self.pixels.height()
    }

    /// The pixels themselves.
    pub const fn pixels_mut(&mut self) -> &mut PixelsMut<'a> {
        &mut self.pixels
    }

    /// Fills a region with a colour.
    pub fn fill(&mut self, region: Region, colour: Colour) {
        if let Some(pixel) = colour.pixel(self.kind) {
            let right = i64::from(region.x) + i64::from(region.width);
            let bottom = i64::from(region.y) + i64::from(region.height);
            self.fill_box(region.x.into(), region.y.into(), right, bottom, &pixel);
        }
    }

    /// Draws the outline of a region. It lies within the region, whose pixels on the rim are those of the pen.
    pub fn rectangle(&mut self, region: Region, pen: Pen) {
        let Region { x, y, width, height } = region;
        let (across, down) = (pen.thickness.min(width), pen.thickness.min(height));
        self.fill(Region::new(x, y, width, down), pen.colour);
        self.fill(Region::new(x, y.saturating_add(height - down), width, down), pen.colour);
        self.fill(Region::new(x, y, across, height), pen.colour);
        self.fill(Region::new(x.saturating_add(width - across), y, across, height), pen.colour);
    }

    /// Draws a line from one pixel (column, row) to another, both of which may be outside.
    pub fn line(&mut self, from: (i32, i32), to: (i32, i32), pen: Pen) {
        let Some(pixel) = pen.colour.pixel(self.kind) else { return };
        // As thick as the canvas it covers all of it.
        let thickness = pen.thickness.min(self.width().max(self.height()));
        let margin = f64::from(thickness) + 1.0;
        let most = (f64::from(self.width()) + margin, f64::from(self.height()) + margin);
        // The library walks along all of a line, and counts in i32.
        let Some((from, to)) = clipped(from, to, (-margin, -margin), most) else { return };
        let line = Line::new(from, to).into_styled(PrimitiveStyle::with_stroke(BinaryColor::On, thickness));
        let Ok(()) = line.draw(&mut Dots { canvas: self, left: 0, top: 0, side: 1, pixel });
    }

    /// Writes text whose top left corner is at (column, row). Each line of it begins below the one before.
    ///
    /// There are the letters of Latin-1; for any other character there is a question mark.
    pub fn text(&mut self, text: &str, at: (i32, i32), style: TextStyle) {
        let letters = style.letters(self.height());
        let line_height = i64::from(letters.height());
        let mut top = i64::from(at.1);
        for line in text.lines() {
            if top >= i64::from(self.height()) {
                break;
            }
            self.text_line(line, (at.0.into(), top), style, letters);
            top += line_height;
        }
    }

    fn text_line(&mut self, line: &str, (left, top): (i64, i64), style: TextStyle, letters: Letters) {
        // Those left of the canvas, and right of it, are not drawn.
        let letter_width = i64::from(letters.width());
        let hidden = usize::try_from(-left / letter_width).unwrap_or(0);
        let left = left + hidden as i64 * letter_width;
        let room = usize::try_from((i64::from(self.width()) - left) / letter_width + 1).unwrap_or(0);
        let visible: String = line.chars().skip(hidden).take(room).collect();
        let bottom = top + i64::from(letters.height());
        if visible.is_empty() || bottom <= 0 {
            return;
        }
        if let Some(background) = style.background.and_then(|colour| colour.pixel(self.kind)) {
            let right = left + letter_width * visible.chars().count() as i64;
            self.fill_box(left, top, right, bottom, &background);
        }
        let Some(pixel) = style.colour.pixel(self.kind) else { return };
        let text = Text::with_baseline(
            &visible,
            Point::zero(),
            MonoTextStyle::new(letters.font, BinaryColor::On),
            Baseline::Top,
        );
        let Ok(_end) = text.draw(&mut Dots { canvas: self, left, top, side: letters.dot, pixel });
    }

    /// Columns and rows that [`text`](Self::text) takes.
    pub fn text_size(&self, text: &str, style: TextStyle) -> (u32, u32) {
        let letters = style.letters(self.height());
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let side =
            |letters: usize, side: u32| u32::try_from(letters).unwrap_or(u32::MAX).saturating_mul(side);
        (side(longest, letters.width()), side(text.lines().count(), letters.height()))
    }

    /// Draws the outline of a region and writes what it is above it, or in it where there is no room above: a
    /// detection.
    ///
    /// The label is black or white on the pen's colour, whichever is easier to read.
    pub fn labelled_box(&mut self, region: Region, label: &str, pen: Pen) {
        self.rectangle(region, pen);
        let colour = if pen.colour.luminance() > 127 { Colour::BLACK } else { Colour::WHITE };
        let style = TextStyle { colour, background: Some(pen.colour), ..TextStyle::default() };
        let (_, height) = self.text_size(label, style);
        let top = region.y.checked_sub(height).unwrap_or(region.y);
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        self.text(label, (side(region.x), side(top)), style);
    }

    /// Fills what of a box is on the canvas.
    fn fill_box(&mut self, left: i64, top: i64, right: i64, bottom: i64, pixel: &PixelBytes) {
        let within = |side: i64, most: u32| side.clamp(0, i64::from(most)) as u32;
        let (left, right) = (within(left, self.width()), within(right, self.width()));
        let (top, bottom) = (within(top, self.height()), within(bottom, self.height()));
        let region = Region::new(left, top, right.saturating_sub(left), bottom.saturating_sub(top));
        // Nothing of it is on the canvas.
        let Ok(mut pixels) = self.pixels.region(region) else { return };
        pixels.rows_mut().for_each(|row| pixel.fill(row));
    }
}

impl fmt::Debug for Canvas<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canvas({} {} {})", self.pixels.shape(), self.kind.element_type, self.kind.pixel_format)
    }
}

/// What is drawn by dots of a side of several pixels.
struct Dots<'c, 'a> {
    canvas: &'c mut Canvas<'a>,
    left: i64,
    top: i64,
    side: u32,
    pixel: PixelBytes,
}

impl OriginDimensions for Dots<'_, '_> {
    fn size(&self) -> Size {
        Size::new(self.canvas.width(), self.canvas.height())
    }
}

impl DrawTarget for Dots<'_, '_> {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, dots: I) -> Result<(), Infallible> {
        for Pixel(at, _) in dots {
            let side = i64::from(self.side);
            let (left, top) = (self.left + i64::from(at.x) * side, self.top + i64::from(at.y) * side);
            self.canvas.fill_box(left, top, left + side, top + side, &self.pixel);
        }
        Ok(())
    }
}

/// What of a line is between two corners, if anything is (Liang and Barsky's way).
fn clipped(from: (i32, i32), to: (i32, i32), least: (f64, f64), most: (f64, f64)) -> Option<(Point, Point)> {
    let start = (f64::from(from.0), f64::from(from.1));
    let way = (f64::from(to.0) - start.0, f64::from(to.1) - start.1);
    let (mut enters, mut leaves) = (0.0_f64, 1.0_f64);
    for (way, room) in [
        (-way.0, start.0 - least.0),
        (way.0, most.0 - start.0),
        (-way.1, start.1 - least.1),
        (way.1, most.1 - start.1),
    ] {
        if way == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if way < 0.0 {
            enters = enters.max(room / way);
        } else {
            leaves = leaves.min(room / way);
        }
    }
    let point = |part: f64| {
        Point::new((start.0 + part * way.0).round() as i32, (start.1 + part * way.1).round() as i32)
    };
    (enters <= leaves).then(|| (point(enters), point(leaves)))
}

/// What lines are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pen {
    /// The colour.
    pub colour: Colour,
    /// The thickness in pixels; nothing is drawn with 0.
    pub thickness: u32,
}

impl Pen {
    /// A pen of that colour and thickness.
    pub const fn new(colour: Colour, thickness: u32) -> Self {
        Self { colour, thickness }
    }
}

/// How text is written: white on black, and of a size that suits the frame, unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextStyle {
    /// The colour of the letters.
    pub colour: Colour,
    /// The colour behind them, if there is to be one.
    pub background: Option<Colour>,
    /// The height of a line in pixels. It is 10 or a multiple of 20: the greatest that is not more than this, and 10
    /// at least. By default a 24th of the height of the frame, and so 20 at 480 and 720 rows, and 40 at 1080.
    pub line_height: Option<u32>,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self { colour: Colour::WHITE, background: Some(Colour::BLACK), line_height: None }
    }
}

impl TextStyle {
    fn letters(self, frame_height: u32) -> Letters {
        match self.line_height.unwrap_or(frame_height / 24) {
            0..20 => Letters { font: &FONT_6X10, dot: 1 },
            // Higher than any frame that there is.
            height => Letters { font: &FONT_10X20, dot: (height / 20).min(1 << 20) },
        }
    }
}

/// A font, each dot of it a square of several pixels.
#[derive(Clone, Copy)]
struct Letters {
    font: &'static MonoFont<'static>,
    dot: u32,
}

impl Letters {
    fn width(self) -> u32 {
        self.font.character_size.width * self.dot
    }

    fn height(self) -> u32 {
        self.font.character_size.height * self.dot
    }
}

/// Nothing can be drawn on pixels of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing can be drawn on {channels} {element_type} channels ({pixel_format}); use u8, u16 or f32 and 16 bytes a \
     pixel at most, or convert the elements before"
)]
#[non_exhaustive]
pub struct DrawError {
    /// The elements of the frame.
    pub element_type: ElementType,
    /// The pixel format of the frame.
    pub pixel_format: PixelFormat,
    /// The channels of the frame.
    pub channels: u16,
}

#[cfg(test)]
mod tests {
    use netgear_proto::Shape;

    use super::*;

    const PEN: Pen = Pen::new(Colour::WHITE, 1);

    fn gray(width: u32, height: u32) -> Frame {
        Frame::gray8(width, height, vec![0; (width * height) as usize]).unwrap()
    }

    /// What is drawn, as text.
    fn drawn(width: u32, height: u32, draw: impl FnOnce(&mut Canvas<'_>)) -> Vec<String> {
        let frame = draw_on(gray(width, height), draw).unwrap();
        let rows = frame.pixels().chunks(width as usize);
        rows.map(|row| row.iter().map(|&level| if level > 0 { '#' } else { '.' }).collect()).collect()
    }

    #[test]
    fn an_outline_lies_within_its_region() {
        let region = Region::new(1, 1, 4, 4);
        assert_eq!(
            drawn(6, 6, |c| c.rectangle(region, PEN)),
            ["......", ".####.", ".#..#.", ".#..#.", ".####.", "......"]
        );
        // Thicker than the region: filled, and no more.
        let thick = Pen { thickness: 9, ..PEN };
        assert_eq!(
            drawn(6, 6, |c| c.rectangle(region, thick)),
            ["......", ".####.", ".####.", ".####.", ".####.", "......"]
        );
        // Partly outside.
        assert_eq!(
            drawn(4, 3, |c| c.rectangle(Region::new(2, 1, 9, u32::MAX), PEN)),
            ["....", "..##", "..#."]
        );
    }

    #[test]
    fn lines_are_as_thick_as_the_pen() {
        assert_eq!(drawn(5, 3, |c| c.line((0, 1), (4, 1), PEN)), [".....", "#####", "....."]);
        assert_eq!(drawn(3, 3, |c| c.line((0, 0), (2, 2), PEN)), ["#..", ".#.", "..#"]);
        assert_eq!(
            drawn(5, 5, |c| c.line((0, 2), (4, 2), Pen { thickness: 3, ..PEN })),
            [".....", "#####", "#####", "#####", "....."]
        );
        assert_eq!(drawn(2, 2, |c| c.line((0, 0), (1, 1), Pen { thickness: 0, ..PEN })), ["..", ".."]);
    }

    /// Neither an overflow nor a walk of 4 × 10⁹ pixels.
    #[test]
    fn what_is_far_outside_is_left_out() {
        let far = [i32::MIN, -1, 0, 1, 7, i32::MAX];
        let ends = || far.iter().flat_map(|&x| far.iter().map(move |&y| (x, y)));
        let thick = Pen { thickness: u32::MAX, ..PEN };
        let huge = TextStyle { line_height: Some(u32::MAX), ..TextStyle::default() };
        for from in ends() {
            for to in ends() {
                drawn(8, 8, |c| {
                    c.line(from, to, PEN);
                    c.line(from, to, thick);
                });
            }
            drawn(8, 8, |c| c.text("far\naway", from, TextStyle::default()));
            drawn(8, 8, |c| c.text("far\naway", from, huge));
        }
        // A line through the middle from far to far.
        let rows = drawn(3, 3, |c| c.line((i32::MIN, i32::MIN), (i32::MAX, i32::MAX), PEN));
        assert_eq!(rows, ["#..", ".#.", "..#"]);
        let region = Region::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
        drawn(8, 8, |c| {
            c.rectangle(region, thick);
            c.labelled_box(region, "x", PEN);
        });
    }

    #[test]
    fn text_is_written_in_dots_of_its_size() {
        let style = TextStyle { background: None, line_height: Some(10), ..TextStyle::default() };
        let small = drawn(6, 10, |c| c.text("T", (0, 0), style));
        assert_eq!(small[1], "#####.");
        assert_eq!(small[2..8].concat(), "..#...".repeat(6));
        let canvas_size = |height| {
            drawn(600, 400, |c| {
                let style = TextStyle { line_height: Some(height), ..TextStyle::default() };
                assert_eq!(c.text_size("ab\ncde", style).1 % 2, 0);
                c.fill(
                    Region::new(0, 0, c.text_size("ab\ncde", style).0, c.text_size("ab\ncde", style).1),
                    Colour::WHITE,
                );
            })
        };
        for (height, width, lines) in [(10, 18, 20), (19, 18, 20), (20, 30, 40), (39, 30, 40), (40, 60, 80)] {
            let rows = canvas_size(height);
            assert_eq!(rows[0].matches('#').count(), width);
            assert_eq!(rows.iter().filter(|row| row.contains('#')).count(), lines);
        }
        // Each dot of 40 is two by two of 20.
        let at = |height| {
            drawn(60, 40, |c| {
                c.text(
                    "g",
                    (0, 0),
                    TextStyle { background: None, line_height: Some(height), ..TextStyle::default() },
                );
            })
        };
        let (single, double) = (at(20), at(40));
        for y in 0..40 {
            for x in 0..20 {
                assert_eq!(double[y].as_bytes()[x], single[y / 2].as_bytes()[x / 2]);
            }
        }
    }

    /// Text that begins left of the canvas shows what is on it.
    #[test]
    fn the_visible_part_of_a_text_is_where_it_would_be() {
        let style = TextStyle { background: None, line_height: Some(10), ..TextStyle::default() };
        let whole = drawn(60, 10, |c| c.text("0123456789", (0, 0), style));
        for shift in [1, 5, 6, 7, 30, 59] {
            let part = drawn(20, 10, |c| c.text("0123456789", (-shift, 0), style));
            for (part, whole) in part.iter().zip(&whole) {
                let end = (shift as usize + 20).min(60);
                assert_eq!(part[..end - shift as usize], whole[shift as usize..end], "{shift}");
            }
        }
    }

    #[test]
    fn any_character_can_be_written() {
        let question = drawn(6, 10, |c| c.text("?", (0, 0), TextStyle::default()));
        let latin = drawn(6, 10, |c| c.text("é", (0, 0), TextStyle::default()));
        assert_ne!(latin, question);
        for other in ["日", "🦀", "\u{301}", "\u{7}", "\t", "\u{202e}", "\u{10ffff}"] {
            assert_eq!(drawn(6, 10, |c| c.text(other, (0, 0), TextStyle::default())), question, "{other:?}");
        }
        for nothing in ["", "\n", "\r\n"] {
            assert!(drawn(6, 10, |c| c.text(nothing, (0, 0), TextStyle::default())).concat().contains('.'));
        }
    }

    #[test]
    fn a_label_stands_above_its_box_where_there_is_room() {
        let pen = Pen::new(Colour::YELLOW, 1);
        let rows = |y| {
            let shape = Shape::new(60, 80, 3).unwrap();
            let frame = Frame::new(vec![9; 60 * 80 * 3], shape, ElementType::U8, PixelFormat::Bgr).unwrap();
            let drawn = draw_on(frame, |c| c.labelled_box(Region::new(10, y, 50, 20), "ok", pen)).unwrap();
            let has_label = |row: &[u8]| row.chunks(3).skip(11).take(10).any(|pixel| pixel == [0, 0, 0]);
            let labels: Vec<_> =
                (0..60).filter(|y| has_label(&drawn.pixels()[y * 240..(y + 1) * 240])).collect();
            (labels[0], *labels.last().unwrap())
        };
        let (first, last) = rows(30);
        assert!(first >= 20 && last < 30, "{first} {last}");
        let (first, last) = rows(5);
        assert!(first >= 5 && last < 15, "{first} {last}");
    }

    #[test]
    fn a_shared_frame_is_copied_and_another_is_not() {
        let frame = gray(64, 64);
        let kept = frame.clone();
        let drawn = draw_on(frame, |c| c.fill(Region::new(0, 0, 9, 9), Colour::WHITE)).unwrap();
        assert_eq!((kept.pixels()[0], drawn.pixels()[0]), (0, 255));
        let address = drawn.pixels().as_ptr();
        let again = draw_on(drawn, |c| c.fill(Region::new(1, 0, 1, 1), Colour::BLACK)).unwrap();
        assert_eq!((again.pixels().as_ptr(), &again.pixels()[..3]), (address, &[255, 0, 255][..]));
    }

    #[test]
    fn pixels_that_have_no_colour_are_an_error() {
        let shape = Shape::new(1, 1, 1).unwrap();
        let frame = Frame::new(vec![0; 8], shape, ElementType::F64, PixelFormat::Gray).unwrap();
        let error = draw_on(frame, |_| ()).unwrap_err();
        assert_eq!((error.element_type, error.channels), (ElementType::F64, 1));
        let shape = Shape::new(1, 1, 40).unwrap();
        let frame = Frame::new(vec![0; 40], shape, ElementType::U8, PixelFormat::Unspecified).unwrap();
        assert!(draw_on(frame, |_| ()).is_err());
    }
}
