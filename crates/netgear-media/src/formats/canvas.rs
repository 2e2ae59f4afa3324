//! Pictures that are put together from parts, by the rules that APNG and animated WebP share.

use netgear_proto::{BufferPool, Frame};

/// What is shown, as RGBA. At first all of it is transparent black.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    /// What is to be done before the next part is drawn.
    pending: Pending,
    pool: BufferPool,
}

#[derive(Debug)]
enum Pending {
    Nothing,
    Clear(Area),
    /// The pixels of the area, as they were.
    Restore(Area, Vec<u8>),
}

/// Where a part is drawn, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// How a part is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blend {
    /// It replaces what was there, its transparency included.
    Replace,
    /// It is laid over what was there.
    Over,
}

/// What becomes of a part before the next is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposal {
    /// It stays.
    Keep,
    /// Its area becomes transparent black.
    Clear,
    /// What was there before comes back.
    Restore,
}

impl Area {
    fn fits(self, width: u32, height: u32) -> bool {
        let is_within =
            |start: u32, len: u32, room: u32| start.checked_add(len).is_some_and(|end| end <= room);
        self.width > 0
            && self.height > 0
            && is_within(self.left, self.width, width)
            && is_within(self.top, self.height, height)
    }

    fn row_bytes(self) -> usize {
        self.width as usize * 4
    }
}

impl Canvas {
    /// Takes four bytes for each pixel, so the size is to be checked before.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let rgba = vec![0; width as usize * height as usize * 4];
        Self { width, height, rgba, pending: Pending::Nothing, pool: BufferPool::default() }
    }

    /// As it was at first.
    pub(crate) fn clear(&mut self) {
        self.rgba.fill(0);
        self.pending = Pending::Nothing;
    }

    /// Draws a part, whose rows of RGBA are so many bytes apart. `None`, and nothing drawn, if the area is not within
    /// the canvas or the part has fewer pixels.
    pub(crate) fn draw(
        &mut self,
        area: Area,
        part: &[u8],
        stride: usize,
        blend: Blend,
        disposal: Disposal,
    ) -> Option<()> {
        let row_bytes = area.row_bytes();
        let least = stride.checked_mul(area.height.checked_sub(1)? as usize)?.checked_add(row_bytes)?;
        if !area.fits(self.width, self.height) || stride < row_bytes || part.len() < least {
            return None;
        }
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => {}
            Pending::Clear(area) => self.rows(area).for_each(|row| row.fill(0)),
            Pending::Restore(area, before) => {
                for (row, before) in self.rows(area).zip(before.chunks_exact(area.row_bytes())) {
                    row.copy_from_slice(before);
                }
            }
        }
        self.pending = match disposal {
            Disposal::Keep => Pending::Nothing,
            Disposal::Clear => Pending::Clear(area),
            Disposal::Restore => {
                let before = self.rows(area).flat_map(|row| row.iter().copied()).collect();
                Pending::Restore(area, before)
            }
        };
        for (row, part) in self.rows(area).zip(part.chunks(stride)) {
            let Some(part) = part.get(..row_bytes) else { continue };
            match blend {
                Blend::Replace => row.copy_from_slice(part),
                Blend::Over => {
                    for (pixel, part) in row.chunks_exact_mut(4).zip(part.chunks_exact(4)) {
                        if let (Ok(pixel), Ok(part)) = (pixel.try_into(), part.try_into()) {
                            lay_over(pixel, part);
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// What is shown, without its transparency, as still pictures are read.
    pub(crate) fn bgr_frame(&mut self) -> Option<Frame> {
        let len = self.rgba.len() / 4 * 3;
        let mut bgr = self.pool.take(len);
        bgr.resize(len, 0);
        for (bgr, rgba) in bgr.chunks_exact_mut(3).zip(self.rgba.chunks_exact(4)) {
            if let ([b, g, r], &[red, green, blue, _]) = (bgr, rgba) {
                (*b, *g, *r) = (blue, green, red);
            }
        }
        Frame::bgr8(self.width, self.height, self.pool.freeze(bgr)).ok()
    }

    /// The pixels of an area that fits, row by row.
    fn rows(&mut self, area: Area) -> impl Iterator<Item = &mut [u8]> {
        let start = area.left as usize * 4;
        self.rgba
            .chunks_exact_mut(self.width as usize * 4)
            .skip(area.top as usize)
            .take(area.height as usize)
            .filter_map(move |row| row.get_mut(start..start + area.row_bytes()))
    }
}

/// The pixel that shows where one lies over another, neither multiplied by its opacity (PNG, third edition, 13.16).
fn lay_over(below: &mut [u8; 4], above: &[u8; 4]) {
    match (above[3], below[3]) {
        (0, _) => {}
        (255, _) | (_, 0) => *below = *above,
        (opacity, opacity_below) => {
            let share = u32::from(opacity) * 255;
            let share_below = (255 - u32::from(opacity)) * u32::from(opacity_below);
            let whole = share + share_below;
            for (below, above) in below.iter_mut().zip(above).take(3) {
                let sum = u32::from(*above) * share + u32::from(*below) * share_below;
                *below = ((sum + whole / 2) / whole) as u8;
            }
            below[3] = ((whole + 127) / 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const GREEN: [u8; 4] = [0, 255, 0, 255];
    const NONE: [u8; 4] = [0; 4];

    fn at(left: u32, width: u32) -> Area {
        Area { left, top: 0, width, height: 1 }
    }

    fn pixels(canvas: &Canvas) -> Vec<[u8; 4]> {
        canvas.rgba.chunks_exact(4).map(|pixel| pixel.try_into().unwrap()).collect()
    }

    #[test]
    fn a_part_is_disposed_of_before_the_next_is_drawn() {
        for (disposal, expected) in [
            (Disposal::Keep, [RED, GREEN, GREEN, GREEN]),
            (Disposal::Clear, [RED, NONE, GREEN, NONE]),
            (Disposal::Restore, [RED, RED, GREEN, NONE]),
        ] {
            let mut canvas = Canvas::new(4, 1);
            canvas.draw(at(0, 2), &RED.repeat(2), 8, Blend::Replace, Disposal::Keep).unwrap();
            canvas.draw(at(1, 3), &GREEN.repeat(3), 12, Blend::Replace, disposal).unwrap();
            assert_eq!(pixels(&canvas), [RED, GREEN, GREEN, GREEN], "{disposal:?}");
            canvas.draw(at(2, 1), &GREEN, 4, Blend::Replace, Disposal::Keep).unwrap();
            assert_eq!(pixels(&canvas), expected, "{disposal:?}");
            canvas.clear();
            assert_eq!(pixels(&canvas), [NONE; 4]);
        }
    }

    #[test]
    fn a_part_replaces_or_lies_over() {
        let half = [0, 255, 0, 128];
        let mut canvas = Canvas::new(3, 1);
        canvas.draw(at(0, 2), &RED.repeat(2), 8, Blend::Replace, Disposal::Keep).unwrap();
        canvas.draw(at(0, 3), &[half, NONE, half].concat(), 12, Blend::Over, Disposal::Keep).unwrap();
        // 128/255 of green over red; nothing over red; and half of green over nothing stays half.
        assert_eq!(pixels(&canvas), [[127, 128, 0, 255], RED, half]);
        canvas.draw(at(0, 3), &[half, NONE, half].concat(), 12, Blend::Replace, Disposal::Keep).unwrap();
        assert_eq!(pixels(&canvas), [half, NONE, half]);
        // Half over half: three quarters, of which two thirds are the upper.
        canvas.draw(at(2, 1), &[255, 0, 0, 128], 4, Blend::Over, Disposal::Keep).unwrap();
        assert_eq!(pixels(&canvas)[2], [170, 85, 0, 192]);
    }

    #[test]
    fn rows_may_lie_further_apart_than_they_are_long() {
        let mut canvas = Canvas::new(2, 2);
        let part = [RED, NONE, GREEN].concat();
        let area = Area { left: 1, top: 0, width: 1, height: 2 };
        canvas.draw(area, &part, 8, Blend::Replace, Disposal::Keep).unwrap();
        assert_eq!(pixels(&canvas), [NONE, RED, NONE, GREEN]);
        let frame = canvas.bgr_frame().unwrap();
        assert_eq!(frame.pixels()[..], [0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0]);
    }

    #[test]
    fn what_is_not_within_the_canvas_is_not_drawn() {
        let mut canvas = Canvas::new(2, 2);
        let part = RED.repeat(9);
        for (left, top, width, height) in [
            (2, 0, 1, 1),
            (0, 1, 1, 2),
            (u32::MAX, 0, 2, 1),
            (0, 0, 0, 1),
            (0, 0, 1, 0),
            (0, 0, u32::MAX, u32::MAX),
        ] {
            let area = Area { left, top, width, height };
            assert!(canvas.draw(area, &part, 12, Blend::Over, Disposal::Keep).is_none(), "{area:?}");
        }
        let all = Area { left: 0, top: 0, width: 2, height: 2 };
        assert!(canvas.draw(all, &part[..15], 8, Blend::Over, Disposal::Keep).is_none());
        assert!(canvas.draw(all, &part, 4, Blend::Over, Disposal::Keep).is_none());
        assert_eq!(pixels(&canvas), [NONE; 4]);
    }
}
