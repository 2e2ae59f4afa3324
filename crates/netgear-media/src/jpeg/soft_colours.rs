//! What the tests of the encoders, in the crate and beside it, make their pictures of.

/// Soft colours with a little grain, as a camera has them.
pub(crate) fn level(x: u32, y: u32, colour: u32) -> u8 {
    // Up and down again, without an edge: half of an edge's colour is lost to subsampling.
    let slope = [x * 2 + y, 3 * y + x, 128 + x / 2 + y / 3][colour as usize] % 320;
    let grain = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) >> 29;
    (40 + slope.min(319 - slope) + grain) as u8
}
