use std::fmt;
use std::str::FromStr;

use netgear_proto::{Frame, Shape};

use crate::colour::{PixelBytes, PixelKind};
use crate::{Colour, ColourError, Filter, PixelsMut, Region, ResizeError, Resizer};

/// How a picture of one shape goes into a size of another.
///
/// | | the whole picture | nothing but picture | its aspect is kept | the size asked for |
/// |---|:-:|:-:|:-:|:-:|
/// | [`Stretch`](Self::Stretch) | yes | yes | | yes |
/// | [`Inside`](Self::Inside) | yes | yes | yes | |
/// | [`Fill`](Self::Fill) | | yes | yes | yes |
/// | [`Letterbox`](Self::Letterbox) | yes | | yes | yes |
///
/// Small pictures are enlarged as large ones are made smaller. [`placement`](Self::placement) has the exact numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Fit {
    /// The whole picture in exactly the size, its aspect as it may be; CSS calls it `fill`. The default, as
    /// everywhere in OpenCV.
    #[default]
    Stretch,
    /// The whole picture in its own aspect, as large as it can be within the size. One side of the result is the one
    /// asked for, the other no longer.
    #[doc(alias = "contain")]
    Inside,
    /// The middle of the picture, in its own aspect, in exactly the size: what is too much is cut off on both sides
    /// alike.
    #[doc(alias = "cover")]
    Fill,
    /// As [`Inside`](Self::Inside), with bars on two sides that make up the size asked for.
    #[doc(alias = "pad")]
    Letterbox(Colour),
}

/// Which part of a picture goes where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Placement {
    /// Pixels in a row of the result.
    pub width: u32,
    /// Rows of the result.
    pub height: u32,
    /// The part of the picture that is shown.
    pub source: Region,
    /// Where it is shown in the result; around it are bars.
    pub target: Region,
}

impl Placement {
    /// Whether there is anything around the picture.
    pub const fn has_bars(&self) -> bool {
        self.target.width != self.width || self.target.height != self.height
    }
}

impl Fit {
    /// Where a picture of `source` (width, height) goes in a size of `target` (width, height). All sides must be at
    /// least 1.
    ///
    /// It is worked out in whole numbers:
    /// * The side that is given up (of [`Inside`](Self::Inside) and [`Letterbox`](Self::Letterbox) one of the target,
    ///   of [`Fill`](Self::Fill) one of the source) is rounded to the nearest pixel, and halves up; it is at least 1.
    /// * What is over is halved. Of an odd number the greater half is on the right, or below.
    ///
    /// ```
    /// use netgear_media::{Fit, Region};
    ///
    /// let placed = Fit::Fill.placement((1920, 1080), (500, 500));
    /// assert_eq!(placed.source, Region::new(420, 0, 1080, 1080));
    /// let placed = Fit::Inside.placement((1920, 1080), (500, 500));
    /// assert_eq!((placed.width, placed.height), (500, 281));
    /// ```
    pub fn placement(self, source: (u32, u32), target: (u32, u32)) -> Placement {
        let (source_width, source_height) = source;
        let (width, height) = target;
        let all = Region::new(0, 0, source_width, source_height);
        let stretched = Placement { width, height, source: all, target: Region::new(0, 0, width, height) };
        match self {
            Self::Stretch => stretched,
            Self::Fill => {
                let (cut_width, cut_height) = largest_of_aspect(target, source);
                let x = (source_width - cut_width) / 2;
                let y = (source_height - cut_height) / 2;
                Placement { source: Region::new(x, y, cut_width, cut_height), ..stretched }
            }
            Self::Inside => {
                let (width, height) = largest_of_aspect(source, target);
                Placement { width, height, source: all, target: Region::new(0, 0, width, height) }
            }
            Self::Letterbox(_) => {
                let (inner_width, inner_height) = largest_of_aspect(source, target);
                let x = (width - inner_width) / 2;
                let y = (height - inner_height) / 2;
                Placement { target: Region::new(x, y, inner_width, inner_height), ..stretched }
            }
        }
    }

    /// The name by which [`FromStr`] knows it; that of a letterbox leaves its colour out.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stretch => "stretch",
            Self::Inside => "inside",
            Self::Fill => "fill",
            Self::Letterbox(_) => "letterbox",
        }
    }
}

/// The largest size of the aspect of `shape` that goes into `bounds`.
fn largest_of_aspect(shape: (u32, u32), bounds: (u32, u32)) -> (u32, u32) {
    let (width, height) = (u64::from(shape.0), u64::from(shape.1));
    let (most_width, most_height) = (u64::from(bounds.0), u64::from(bounds.1));
    // Whether the width is the one that is in the way; products of two u32 are u64.
    if most_width * height <= most_height * width {
        (bounds.0, scaled(height, most_width, width).min(bounds.1))
    } else {
        (scaled(width, most_height, height).min(bounds.0), bounds.1)
    }
}

/// `length * by / of`, rounded to the nearest, halves up, and at least 1.
fn scaled(length: u64, by: u64, of: u64) -> u32 {
    let product = length * by;
    // 0 for a side of 0, which no frame has.
    let (whole, rest) = (product.checked_div(of).unwrap_or(0), product.checked_rem(of).unwrap_or(0));
    let rounded = whole + u64::from(rest >= of - rest);
    u32::try_from(rounded.max(1)).unwrap_or(u32::MAX)
}

impl Resizer {
    /// Resizes `frame` to `width` × `height` pixels, as `fit` says. A frame that is as it should be already is
    /// shared, not copied.
    ///
    /// ```
    /// use netgear_media::proto::Frame;
    /// use netgear_media::{Colour, Filter, Fit, Resizer};
    ///
    /// let frame = Frame::bgr8(1920, 1080, vec![200; 1920 * 1080 * 3])?;
    /// let square = Resizer::new().fit(&frame, 640, 640, Fit::Letterbox(Colour::BLACK), Filter::Area)?;
    /// assert_eq!((square.width(), square.height()), (640, 640));
    /// assert_eq!(square.pixels()[..3], [0, 0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`resize`](Self::resize).
    pub fn fit(
        &mut self,
        frame: &Frame,
        width: u32,
        height: u32,
        fit: Fit,
        filter: Filter,
    ) -> Result<Frame, ResizeError> {
        // Before anything is worked out of them, as no side of a placement is 0.
        let shape = Shape::new(height, width, frame.channels())?;
        let placement = fit.placement((frame.width(), frame.height()), (width, height));
        let Fit::Letterbox(bars) = fit else {
            return self.resize_region(frame, placement.source, placement.width, placement.height, filter);
        };
        if !placement.has_bars() {
            return self.resize(frame, width, height, filter);
        }
        let mut buffer = self.pool.take_filled(shape.byte_len(frame.element_type())?);
        let mut target = PixelsMut::contiguous(&mut buffer, shape, frame.element_type())
            .map_err(|_| unsupported(frame))?;
        self.letterbox_into(
            frame,
            Region::whole(frame.shape()),
            &mut target,
            placement.target,
            bars,
            filter,
        )?;
        let pixels = self.pool.freeze(buffer);
        Frame::new(pixels, shape, frame.element_type(), frame.pixel_format()).map_err(|_| unsupported(frame))
    }

    /// Resizes a part of `frame` into the `inner` part of `target`, and paints what is around it.
    pub(crate) fn letterbox_into(
        &mut self,
        frame: &Frame,
        region: Region,
        target: &mut PixelsMut<'_>,
        inner: Region,
        bars: Colour,
        filter: Filter,
    ) -> Result<(), ResizeError> {
        let kind = PixelKind {
            element_type: frame.element_type(),
            pixel_format: frame.pixel_format(),
            channels: frame.channels(),
        };
        let colour = bars.pixel(kind).ok_or_else(|| unsupported(frame))?;
        self.resize_into(frame, region, target.region(inner)?, filter)?;
        paint_around(target, inner, &colour);
        Ok(())
    }
}

fn unsupported(frame: &Frame) -> ResizeError {
    ResizeError::Unsupported {
        element_type: frame.element_type(),
        pixel_format: frame.pixel_format(),
        channels: frame.channels(),
    }
}

/// Paints all but the `inner` part.
fn paint_around(target: &mut PixelsMut<'_>, inner: Region, colour: &PixelBytes) {
    let pixel_len = colour.as_slice().len();
    let (left, right) = (inner.x as usize * pixel_len, (inner.x + inner.width) as usize * pixel_len);
    let inner_rows = inner.y..inner.y + inner.height;
    for (y, row) in (0..).zip(target.rows_mut()) {
        if inner_rows.contains(&y) {
            colour.fill(row.get_mut(..left).unwrap_or_default());
            colour.fill(row.get_mut(right..).unwrap_or_default());
        } else {
            colour.fill(row);
        }
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Letterbox(bars) if *bars != Colour::BLACK => write!(f, "{}:{bars}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

/// The names of [`Fit::name`], in any case, and `fit` for [`Fit::Inside`]. A letterbox's bars are black unless a
/// colour is given, as in `letterbox:#204060`.
impl FromStr for Fit {
    type Err = FitError;

    fn from_str(text: &str) -> Result<Self, FitError> {
        let (name, colour) = match text.split_once(':') {
            Some((name, colour)) => (name, Some(colour)),
            None => (text, None),
        };
        Ok(match (name.to_ascii_lowercase().as_str(), colour) {
            ("stretch", None) => Self::Stretch,
            ("inside" | "fit", None) => Self::Inside,
            ("fill", None) => Self::Fill,
            ("letterbox", None) => Self::Letterbox(Colour::BLACK),
            ("letterbox", Some(colour)) => Self::Letterbox(colour.parse()?),
            _ => return Err(FitError::Unknown { text: text.to_owned() }),
        })
    }
}

/// Why a text is no [`Fit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is none of that name.
    #[error(
        "there is no way `{text}` to fit a picture; use stretch, inside, fill, letterbox or letterbox:#rrggbb"
    )]
    Unknown {
        /// The text.
        text: String,
    },
    /// The colour of the bars is none.
    #[error(transparent)]
    Colour(#[from] ColourError),
}

#[cfg(test)]
mod tests {
    use netgear_proto::{ElementType, PixelFormat};

    use super::*;

    const LETTERBOX: Fit = Fit::Letterbox(Colour::BLACK);

    #[test]
    fn each_way_has_its_numbers() {
        for (fit, source, target, size, shown, at) in [
            (Fit::Stretch, (1920, 1080), (100, 100), (100, 100), (0, 0, 1920, 1080), (0, 0, 100, 100)),
            // 100 × 1080 / 1920 = 56.25
            (Fit::Inside, (1920, 1080), (100, 100), (100, 56), (0, 0, 1920, 1080), (0, 0, 100, 56)),
            (Fit::Inside, (1080, 1920), (100, 100), (56, 100), (0, 0, 1080, 1920), (0, 0, 56, 100)),
            // Enlarged; 5 × 7 / 10 = 3.5 is rounded up.
            (Fit::Inside, (10, 5), (7, 100), (7, 4), (0, 0, 10, 5), (0, 0, 7, 4)),
            // A bar of 21 and one of 22.
            (LETTERBOX, (1920, 1080), (100, 99), (100, 99), (0, 0, 1920, 1080), (0, 21, 100, 56)),
            (LETTERBOX, (640, 480), (1920, 1080), (1920, 1080), (0, 0, 640, 480), (240, 0, 1440, 1080)),
            (Fit::Fill, (640, 480), (1920, 1080), (1920, 1080), (0, 60, 640, 360), (0, 0, 1920, 1080)),
            // 1080 × 9 / 16 = 607.5; 1312 are over.
            (Fit::Fill, (1920, 1080), (9, 16), (9, 16), (656, 0, 608, 1080), (0, 0, 9, 16)),
            // Slivers keep a pixel.
            (Fit::Inside, (10_000, 1), (100, 100), (100, 1), (0, 0, 10_000, 1), (0, 0, 100, 1)),
            (Fit::Fill, (10_000, 1), (1, 10_000), (1, 10_000), (4999, 0, 1, 1), (0, 0, 1, 10_000)),
        ] {
            let region = |(x, y, width, height)| Region::new(x, y, width, height);
            let expected =
                Placement { width: size.0, height: size.1, source: region(shown), target: region(at) };
            assert_eq!(fit.placement(source, target), expected, "{fit} {source:?} {target:?}");
        }
    }

    /// The rules that hold for all sizes, over many of them and the largest.
    #[test]
    fn no_side_is_0_and_nothing_lies_outside() {
        let sides = [1, 2, 3, 7, 99, 100, 1079, 1920, 65_535, 65_536, u32::MAX - 1, u32::MAX];
        for fit in [Fit::Stretch, Fit::Inside, Fit::Fill, LETTERBOX] {
            for (source, target) in pairs(&sides).flat_map(|s| pairs(&sides).map(move |t| (s, t))) {
                let placed = fit.placement(source, target);
                let shape = |(width, height)| Shape::new(height, width, 1).unwrap();
                let size = (placed.width, placed.height);
                assert_eq!(placed.source.check(shape(source)), Ok(()), "{fit} {source:?} {target:?}");
                assert_eq!(placed.target.check(shape(size)), Ok(()), "{fit} {source:?} {target:?}");
                if fit == Fit::Inside {
                    assert!(size.0 <= target.0 && size.1 <= target.1);
                    assert!(size.0 == target.0 || size.1 == target.1);
                } else {
                    assert_eq!(size, target);
                }
                if fit != LETTERBOX {
                    assert!(!placed.has_bars());
                }
            }
        }
    }

    fn pairs(sides: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
        sides.iter().flat_map(move |&width| sides.iter().map(move |&height| (width, height)))
    }

    #[test]
    fn a_size_of_the_same_aspect_is_the_same_in_every_way() {
        for fit in [Fit::Inside, Fit::Fill, LETTERBOX] {
            for (source, target) in [((1920, 1080), (1280, 720)), ((4, 3), (640, 480)), ((7, 7), (1, 1))] {
                assert_eq!(fit.placement(source, target), Fit::Stretch.placement(source, target), "{fit}");
            }
        }
    }

    #[test]
    fn every_way_is_found_by_its_name() {
        for fit in [Fit::Stretch, Fit::Inside, Fit::Fill, LETTERBOX, Fit::Letterbox(Colour::RED)] {
            assert_eq!(fit.to_string().parse(), Ok(fit));
        }
        assert_eq!("FIT".parse(), Ok(Fit::Inside));
        assert_eq!("letterbox:#102030".parse(), Ok(Fit::Letterbox(Colour::new(16, 32, 48))));
        for text in ["", "crop", "fill:#000000", "letterbox "] {
            assert!(matches!(text.parse::<Fit>(), Err(FitError::Unknown { .. })), "{text}");
        }
        assert!(matches!("letterbox:".parse::<Fit>(), Err(FitError::Colour(_))));
    }

    #[test]
    fn a_letterbox_is_the_picture_between_two_bars() {
        let mut resizer = Resizer::new();
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            for (format, channels) in [(PixelFormat::Gray, 1), (PixelFormat::Bgr, 3), (PixelFormat::Rgba, 4)]
            {
                let shape = Shape::new(30, 40, channels).unwrap();
                let len = shape.byte_len(element_type).unwrap();
                let pixels: Vec<u8> = (0..len).map(|at| (at * 7 % 64) as u8).collect();
                let frame = Frame::new(pixels, shape, element_type, format).unwrap();
                let bars = Colour::new(200, 100, 50);
                let pixel_len = usize::from(channels) * element_type.byte_len();
                let kind = PixelKind { element_type, pixel_format: format, channels };
                let bar = bars.pixel(kind).unwrap().as_slice().to_vec();
                for (width, height, inner) in
                    [(20, 20, Region::new(0, 2, 20, 15)), (33, 15, Region::new(6, 0, 20, 15))]
                {
                    let boxed =
                        resizer.fit(&frame, width, height, Fit::Letterbox(bars), Filter::Area).unwrap();
                    let alone = resizer.resize(&frame, 20, 15, Filter::Area).unwrap();
                    assert_eq!((boxed.width(), boxed.height()), (width, height));
                    for (at, pixel) in boxed.pixels().chunks(pixel_len).enumerate() {
                        let (x, y) = (at as u32 % width, at as u32 / width);
                        let is_inside = (inner.x..inner.x + inner.width).contains(&x)
                            && (inner.y..inner.y + inner.height).contains(&y);
                        let expected = if is_inside {
                            let at = ((y - inner.y) * 20 + x - inner.x) as usize * pixel_len;
                            &alone.pixels()[at..at + pixel_len]
                        } else {
                            &bar
                        };
                        assert_eq!(pixel, expected, "{element_type} {format} {x},{y} of {width}×{height}");
                    }
                }
            }
        }
    }

    #[test]
    fn filling_is_resizing_the_middle() {
        let pixels: Vec<u8> = (0..40 * 30).map(|at| (at % 251) as u8).collect();
        let frame = Frame::gray8(40, 30, pixels).unwrap();
        let mut resizer = Resizer::new();
        let filled = resizer.fit(&frame, 10, 10, Fit::Fill, Filter::Cubic).unwrap();
        let middle = resizer.resize_region(&frame, Region::new(5, 0, 30, 30), 10, 10, Filter::Cubic);
        assert_eq!(filled, middle.unwrap());
    }

    #[test]
    fn impossible_sizes_are_errors_and_letterboxes_use_the_same_memory_again() {
        let frame = Frame::bgr8(640, 360, vec![9; 640 * 360 * 3]).unwrap();
        let mut resizer = Resizer::new();
        for fit in [Fit::Stretch, Fit::Inside, Fit::Fill, LETTERBOX] {
            assert!(matches!(resizer.fit(&frame, 0, 9, fit, Filter::Area), Err(ResizeError::Size(_))));
        }
        let mut boxed = || resizer.fit(&frame, 320, 320, LETTERBOX, Filter::Linear).unwrap();
        let address = boxed().pixels().as_ptr();
        assert_eq!(boxed().pixels().as_ptr(), address);
    }
}
