//! Gray out of colours: BT.601, in the arithmetic of `cv2.cvtColor`.

/// 0.299, 0.587 and 0.114 as parts of 2¹⁵. They add up to it, so white stays white.
const RED: u32 = 9_798;
const GREEN: u32 = 19_235;
const BLUE: u32 = 3_735;
const SHIFT: u32 = 15;

/// Rounded half up.
pub(crate) fn of_u8(red: u8, green: u8, blue: u8) -> u8 {
    // At most 255, as the weights are.
    of(u32::from(red), u32::from(green), u32::from(blue)) as u8
}

/// Rounded half up.
pub(crate) fn of_u16(red: u16, green: u16, blue: u16) -> u16 {
    of(u32::from(red), u32::from(green), u32::from(blue)) as u16
}

pub(crate) fn of_f32(red: f32, green: f32, blue: f32) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// 65535 × 2¹⁵ and the half are less than 2³².
const fn of(red: u32, green: u32, blue: u32) -> u32 {
    (red * RED + green * GREEN + blue * BLUE + (1 << (SHIFT - 1))) >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gray_stays_gray_to_the_last_level() {
        assert_eq!(RED + GREEN + BLUE, 1 << SHIFT);
        for level in 0..=255 {
            assert_eq!(of_u8(level, level, level), level);
        }
        for level in [0, 1, 32_767, 65_534, 65_535] {
            assert_eq!(of_u16(level, level, level), level);
        }
    }

    #[test]
    fn each_colour_has_its_weight() {
        assert_eq!([of_u8(255, 0, 0), of_u8(0, 255, 0), of_u8(0, 0, 255)], [76, 150, 29]);
        assert_eq!(of_f32(1.0, 0.0, 0.0), 0.299);
    }
}
