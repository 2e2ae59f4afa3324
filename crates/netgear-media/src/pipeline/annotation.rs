use super::{Canvas, Caption, FrameStamp, Pen, TextStyle};
use crate::Region;

/// What is drawn on every frame that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Annotation {
    /// Text.
    Text {
        /// What it says.
        caption: Caption,
        /// Where.
        place: Place,
        /// How.
        style: TextStyle,
    },
    /// The outline of a region, within it.
    Rectangle {
        /// The region.
        region: Region,
        /// What it is drawn with.
        pen: Pen,
    },
    /// A line from pixel to pixel, (column, row).
    Line {
        /// Its one end.
        from: (i32, i32),
        /// Its other end.
        to: (i32, i32),
        /// What it is drawn with.
        pen: Pen,
    },
    /// The outline of a region, and above it what it is.
    LabelledBox {
        /// The region.
        region: Region,
        /// What it says above it.
        label: Caption,
        /// What the outline is drawn with; the label is on this colour too.
        pen: Pen,
    },
}

/// Where text stands: in a corner of the frame, half a line away from both sides, or with its own top left corner at
/// a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Place {
    /// At the top left, the default.
    #[default]
    TopLeft,
    /// At the top right.
    TopRight,
    /// At the bottom left.
    BottomLeft,
    /// At the bottom right.
    BottomRight,
    /// At this column and row.
    At(i32, i32),
}

impl Annotation {
    /// Text at the top left, white on black, of a size that suits the frame.
    pub fn text(caption: impl Into<Caption>) -> Self {
        Self::text_at(caption, Place::default())
    }

    /// Text at a place of its own.
    pub fn text_at(caption: impl Into<Caption>, place: Place) -> Self {
        Self::Text { caption: caption.into(), place, style: TextStyle::default() }
    }

    /// Draws it. `text` is room for what it says.
    pub(crate) fn draw(&self, canvas: &mut Canvas<'_>, stamp: &FrameStamp, text: &mut String) {
        text.clear();
        match self {
            Self::Text { caption, place, style } => {
                caption.write(stamp, text);
                let at = place.top_left(canvas, text, *style);
                canvas.text(text, at, *style);
            }
            Self::Rectangle { region, pen } => canvas.rectangle(*region, *pen),
            Self::Line { from, to, pen } => canvas.line(*from, *to, *pen),
            Self::LabelledBox { region, label, pen } => {
                label.write(stamp, text);
                canvas.labelled_box(*region, text, *pen);
            }
        }
    }
}

impl Place {
    /// The top left corner of the text.
    fn top_left(self, canvas: &Canvas<'_>, text: &str, style: TextStyle) -> (i32, i32) {
        let (width, height) = canvas.text_size(text, style);
        let (_, line_height) = canvas.text_size("x", style);
        let margin = line_height / 2;
        let near = i32::try_from(margin).unwrap_or(i32::MAX);
        // Text that is too long begins outside, and its end is seen.
        let far = |side: u32, length: u32| {
            let at = i64::from(side) - i64::from(length) - i64::from(margin);
            at.clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        let (right, bottom) = (far(canvas.width(), width), far(canvas.height(), height));
        match self {
            Self::TopLeft => (near, near),
            Self::TopRight => (right, near),
            Self::BottomLeft => (near, bottom),
            Self::BottomRight => (right, bottom),
            Self::At(x, y) => (x, y),
        }
    }
}

#[cfg(test)]
mod tests {
    use netgear_proto::Frame;

    use super::*;
    use crate::{Colour, draw_on};

    /// The region in which anything is lit.
    fn lit(annotation: &Annotation) -> Region {
        let frame = Frame::gray8(100, 60, vec![0; 6000]).unwrap();
        let mut text = "left over".to_owned();
        let drawn =
            draw_on(frame, |canvas| annotation.draw(canvas, &FrameStamp::default(), &mut text)).unwrap();
        let lit = (0..6000).filter(|&at| drawn.pixels()[at as usize] > 0).map(|at| (at % 100, at / 100));
        let (columns, rows): (Vec<u32>, Vec<u32>) = lit.unzip();
        let (left, right) = (*columns.iter().min().unwrap(), *columns.iter().max().unwrap());
        let (top, bottom) = (*rows.iter().min().unwrap(), *rows.iter().max().unwrap());
        Region::new(left, top, right - left + 1, bottom - top + 1)
    }

    #[test]
    fn text_stands_in_the_corner_that_it_was_told() {
        // Two letters of 6 × 10, on white, with a margin of 5.
        let style = TextStyle { background: Some(Colour::WHITE), ..TextStyle::default() };
        for (place, x, y) in [
            (Place::TopLeft, 5, 5),
            (Place::TopRight, 83, 5),
            (Place::BottomLeft, 5, 45),
            (Place::BottomRight, 83, 45),
            (Place::At(40, 20), 40, 20),
        ] {
            let caption = Caption::new("ab");
            let annotation = Annotation::Text { caption, place, style };
            assert_eq!(lit(&annotation), Region::new(x, y, 12, 10), "{place:?}");
        }
    }

    #[test]
    fn outlines_and_lines_are_where_they_were_told() {
        let pen = Pen::new(Colour::WHITE, 2);
        let region = Region::new(20, 30, 40, 20);
        assert_eq!(lit(&Annotation::Rectangle { region, pen }), region);
        assert_eq!(
            lit(&Annotation::Line { from: (3, 4), to: (3, 20), pen: Pen::new(Colour::RED, 1) }),
            Region::new(3, 4, 1, 17)
        );
        let labelled = Annotation::LabelledBox { region, label: "{number}".into(), pen };
        assert_eq!(lit(&labelled), Region::new(20, 20, 40, 30));
    }
}
