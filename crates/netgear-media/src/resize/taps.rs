//! Which pixels of a line a pixel of the resized line is made of: the rules of `cv2.resize`, for one axis, and
//! kernels that widen with the reduction.

use std::f64::consts::PI;

/// How pixels are weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// OpenCV's.
    Linear,
    Cubic,
    Area,
    Lanczos4,
    /// As wide as so many pixels of the result, where these are the larger ones.
    WideLinear,
    WideCubic,
    WideLanczos3,
}

/// The weights of every pixel of a resized line.
///
/// Pixel `i` is the sum of `count` neighbouring pixels from `starts[i]` on, times `weights[i * count..][..count]`.
/// All of them are within the original line: OpenCV repeats the pixel at the rim for those beyond it, so that pixel
/// has their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    pub(super) count: usize,
    pub(super) starts: Vec<usize>,
    pub(super) weights: Vec<f32>,
}

impl Taps {
    /// The taps that make lines of `to.0` columns and of `to.1` rows from those of `from`, both sides at least 1.
    pub(super) fn of_both_axes(kernel: Kernel, from: (u32, u32), to: (u32, u32)) -> (Self, Self) {
        // Area is a mean only where neither side grows.
        let is_mean = to.0 <= from.0 && to.1 <= from.1;
        let of = |from: u32, to: u32| {
            let (from, to) = (from as usize, to as usize);
            match kernel {
                Kernel::Linear => Self::linear(from, to),
                Kernel::Cubic => Self::windowed(from, to, centre, cubic),
                Kernel::Lanczos4 => Self::windowed(from, to, rounded_centre, lanczos4),
                Kernel::Area if is_mean => Self::mean(from, to),
                Kernel::Area => Self::linear_by_area(from, to),
                Kernel::WideLinear => Self::widened(from, to, 1.0, |x| 1.0 - x),
                Kernel::WideCubic => Self::widened(from, to, 2.0, catmull_rom),
                Kernel::WideLanczos3 => Self::widened(from, to, 3.0, |x| sinc(x) * sinc(x / 3.0)),
            }
        };
        (of(from.0, to.0), of(from.1, to.1))
    }

    /// Between the two pixels around the centre of the new one.
    fn linear(from: usize, to: usize) -> Self {
        let scale = scale(from, to);
        let mut taps = Collector::new(from, to, 2);
        for i in 0..to {
            let (first, fraction) = centre(i, scale);
            taps.push(first, &[1.0 - fraction, fraction]);
        }
        taps.finish()
    }

    /// What OpenCV enlarges with when asked for areas: each pixel keeps its area, and the new pixels across the
    /// borders between two of them are mixed of both.
    fn linear_by_area(from: usize, to: usize) -> Self {
        let scale = scale(from, to);
        let inverse_scale = to as f64 / from as f64;
        let mut taps = Collector::new(from, to, 2);
        for i in 0..to {
            let first = (i as f64 * scale).floor();
            let beyond = ((i as f64 + 1.0) - (first + 1.0) * inverse_scale) as f32;
            let fraction = if beyond <= 0.0 { 0.0 } else { beyond - beyond.floor() };
            taps.push(first as isize, &[1.0 - fraction, fraction]);
        }
        taps.finish()
    }

    /// `N` pixels around the centre of the new one, by a kernel that takes the way from the last of the left ones.
    fn windowed<const N: usize>(
        from: usize,
        to: usize,
        centre: fn(usize, f64) -> (isize, f32),
        weights: fn(f32) -> [f32; N],
    ) -> Self {
        let scale = scale(from, to);
        let mut taps = Collector::new(from, to, N);
        for i in 0..to {
            let (first, fraction) = centre(i, scale);
            taps.push(first - (N as isize / 2 - 1), &weights(fraction));
        }
        taps.finish()
    }

    /// The pixels around the centre of the new one, up to `radius` of the larger ones of the two, by a kernel of the
    /// way from it. At the rim those within the line make up for the others.
    fn widened(from: usize, to: usize, radius: f64, kernel: fn(f64) -> f64) -> Self {
        let scale = scale(from, to);
        let stretch = scale.max(1.0);
        let reach = radius * stretch;
        let mut taps = Collector::new(from, to, 2 * reach.ceil() as usize + 2);
        let mut weights = Vec::new();
        for i in 0..to {
            let centre = (i as f64 + 0.5) * scale;
            let first = (centre - reach).floor().max(0.0) as usize;
            let end = ((centre + reach).ceil() as usize).min(from);
            let weigh = |pixel: usize| {
                let way = (pixel as f64 + 0.5 - centre).abs() / stretch;
                if way < radius { kernel(way) } else { 0.0 }
            };
            let sum: f64 = (first..end).map(weigh).sum();
            weights.clear();
            weights.extend((first..end).map(|pixel| (weigh(pixel) / sum) as f32));
            taps.push(first as isize, &weights);
        }
        taps.finish()
    }

    /// All pixels that the new one covers, by how much it covers of each.
    fn mean(from: usize, to: usize) -> Self {
        /// Less than this of a pixel is left out.
        const SLIVER: f64 = 1e-3;
        let scale = scale(from, to);
        let mut taps = Collector::new(from, to, scale.ceil() as usize + 2);
        for i in 0..to {
            let begin = i as f64 * scale;
            let end = begin + scale;
            let width = scale.min(from as f64 - begin);
            let last = end.floor().min(from as f64 - 1.0);
            let first = begin.ceil().min(last);
            let mut weights = Vec::new();
            let mut start = first as isize;
            if first - begin > SLIVER {
                start -= 1;
                weights.push(((first - begin) / width) as f32);
            }
            weights.extend((first as usize..last as usize).map(|_| (1.0 / width) as f32));
            if end - last > SLIVER {
                weights.push(((end - last).min(1.0).min(width) / width) as f32);
            }
            taps.push(start, &weights);
        }
        taps.finish()
    }
}

/// Original pixels for each new one. OpenCV divides twice, and so must whoever wants its rounding.
pub(super) fn scale(from: usize, to: usize) -> f64 {
    1.0 / (to as f64 / from as f64)
}

/// The pixel on whose right the centre of the new one is, and how far.
fn centre(i: usize, scale: f64) -> (isize, f32) {
    let position = (i as f64 + 0.5) * scale - 0.5;
    let first = position.floor();
    (first as isize, (position - first) as f32)
}

/// The same with the position rounded to single precision. That is how OpenCV's own code has it; where it leaves the
/// work to Intel's library, as it does for the other kernels on x86, the position is exact.
fn rounded_centre(i: usize, scale: f64) -> (isize, f32) {
    let position = ((i as f64 + 0.5) * scale - 0.5) as f32;
    let first = position.floor();
    (first as isize, position - first)
}

/// Keys' cubic convolution with OpenCV's a.
fn cubic(x: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let (left, right) = (near(x), near(1.0 - x));
    [far, left, right, 1.0 - far - left - right]
}

/// Keys' cubic convolution with the a that Keys gives, −0.5.
fn catmull_rom(x: f64) -> f64 {
    if x < 1.0 { (1.5 * x - 2.5) * x * x + 1.0 } else { ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// A sinc within the middle of another one four times as wide, and the sum made 1.
fn lanczos4(x: f32) -> [f32; 8] {
    let mut weights = [0.0; 8];
    // On a pixel, as near as makes no difference, the others have no weight; the quotient below would have no value.
    if !(f32::EPSILON..1.0 - 1e-6).contains(&x) {
        weights[if x < 0.5 { 3 } else { 4 }] = 1.0;
        return weights;
    }
    for (i, weight) in weights.iter_mut().enumerate() {
        // |sin πy| is the same for all of them and goes with the sum; its sign is left.
        let y = f64::from(x) + 3.0 - i as f64;
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        *weight = (sign * (y * PI / 4.0).sin() / (y * y)) as f32;
    }
    let sum: f32 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// Gathers the taps of pixel after pixel.
struct Collector {
    from: usize,
    taps: Taps,
}

impl Collector {
    /// For `to` pixels made of `from`, of at most `most` each.
    fn new(from: usize, to: usize, most: usize) -> Self {
        let count = most.min(from);
        let taps = Taps { count, starts: Vec::with_capacity(to), weights: vec![0.0; count * to] };
        Self { from, taps }
    }

    /// The next pixel has these weights, of the pixels from `start` on. What is beyond the rim counts for the pixel
    /// there.
    fn push(&mut self, start: isize, weights: &[f32]) {
        let Self { from, taps } = self;
        let window = start.clamp(0, (*from - taps.count) as isize);
        let at = taps.starts.len() * taps.count;
        for (position, &weight) in (start..).zip(weights) {
            let within = position.clamp(0, *from as isize - 1) - window;
            if let Some(sum) = taps.weights.get_mut(at + within as usize) {
                *sum += weight;
            }
        }
        taps.starts.push(window as usize);
    }

    /// The taps, without those that no pixel needs: a mean of two whole pixels is one of two.
    fn finish(self) -> Taps {
        let Taps { count: room, starts, weights } = self.taps;
        // The first and the last tap of each pixel that is not 0.
        let used = |weights: &[f32]| {
            let first = weights.iter().position(|&weight| weight != 0.0).unwrap_or(0);
            let last = weights.iter().rposition(|&weight| weight != 0.0).unwrap_or(0);
            (first, last)
        };
        let spans = || weights.chunks_exact(room).map(used);
        let count = spans().map(|(first, last)| last - first + 1).max().unwrap_or(1);
        let mut taps = Taps { count, starts: Vec::with_capacity(starts.len()), weights: Vec::new() };
        taps.weights.reserve(count * starts.len());
        for ((start, old), (first, _)) in starts.iter().zip(weights.chunks_exact(room)).zip(spans()) {
            let begin = first.min(room - count);
            taps.starts.push(start + begin);
            taps.weights.extend(old.iter().skip(begin).take(count));
        }
        taps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kernel; 7] = [
        Kernel::Linear,
        Kernel::Cubic,
        Kernel::Area,
        Kernel::Lanczos4,
        Kernel::WideLinear,
        Kernel::WideCubic,
        Kernel::WideLanczos3,
    ];

    #[test]
    fn every_pixel_is_within_the_line_and_the_weights_add_to_one() {
        for kernel in ALL {
            for from in [1, 2, 3, 5, 7, 8, 9, 31, 100, 1001] {
                for to in [1, 2, 3, 4, 7, 13, 31, 70, 100, 150, 1000, 2003] {
                    let (taps, _) = Taps::of_both_axes(kernel, (from, from), (to, to));
                    assert_eq!(taps.starts.len(), to as usize);
                    assert_eq!(taps.weights.len(), to as usize * taps.count);
                    for (start, weights) in taps.starts.iter().zip(taps.weights.chunks(taps.count)) {
                        assert!(start + taps.count <= from as usize, "{kernel:?} {from} to {to}");
                        let sum: f32 = weights.iter().sum();
                        // OpenCV's mean leaves out slivers of a thousandth of a pixel.
                        let tolerance = if kernel == Kernel::Area { 2e-3 } else { 2e-6 };
                        assert!((sum - 1.0).abs() < tolerance, "{kernel:?} {from} to {to}: {sum}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_kernels_take_a_pixel_that_they_meet_as_it_is() {
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(lanczos4(0.0)[3], 1.0);
        assert_eq!(lanczos4(1.0)[4], 1.0);
        // The weight of a = −0.75 at half a pixel, both sides.
        assert_eq!(cubic(0.5), [-0.09375, 0.59375, 0.59375, -0.09375]);
        let half = lanczos4(0.5);
        assert!((half[3] - half[4]).abs() < 1e-6 && (half[0] - half[7]).abs() < 1e-6, "{half:?}");
    }

    #[test]
    fn wide_kernels_are_as_wide_as_the_pixels_of_the_result() {
        // A triangle of four pixels to each side, sampled at every half.
        let taps = Taps::widened(40, 10, 1.0, |x| 1.0 - x);
        let middle = &taps.weights[5 * taps.count..6 * taps.count];
        assert_eq!(taps.starts[5], 18);
        assert_eq!(
            middle.iter().map(|weight| weight * 32.0).collect::<Vec<_>>(),
            [1., 3., 5., 7., 7., 5., 3., 1.]
        );
        // What grows is interpolated.
        assert_eq!(Taps::widened(2, 4, 1.0, |x| 1.0 - x).weights, Taps::linear(2, 4).weights);
        assert_eq!((catmull_rom(0.5), catmull_rom(1.0), catmull_rom(1.5)), (0.5625, 0.0, -0.0625));
    }

    #[test]
    fn what_is_beyond_the_rim_counts_for_the_pixel_there() {
        // Two pixels to four: centres at −0.25, 0.25, 0.75 and 1.25.
        let taps = Taps::linear(2, 4);
        assert_eq!(taps.weights, [1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0]);
        assert_eq!(taps.starts, [0; 4]);
    }

    #[test]
    fn a_mean_counts_parts_of_pixels() {
        let taps = Taps::mean(5, 2);
        assert_eq!((taps.count, taps.starts.as_slice()), (3, [0, 2].as_slice()));
        assert_eq!(taps.weights, [0.4, 0.4, 0.2, 0.2, 0.4, 0.4]);
        // Whole pixels need no part of a third.
        assert_eq!(Taps::mean(8, 4).weights, [0.5; 8]);
    }
}
