/// Dots in a row of a digit.
pub(crate) const DIGIT_WIDTH: u32 = 5;
/// Rows of a digit.
pub(crate) const DIGIT_HEIGHT: u32 = 7;

/// The rows of each digit from the top; the highest of the five bits is the dot on the left.
#[rustfmt::skip]
const DIGITS: [[u8; DIGIT_HEIGHT as usize]; 10] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
];

/// Whether `digit` (0 to 9) has a dot there; nothing has one outside.
pub(crate) fn digit_has_dot(digit: u8, column: u32, row: u32) -> bool {
    let bits = DIGITS.get(usize::from(digit)).and_then(|rows| rows.get(row as usize));
    bits.is_some_and(|bits| column < DIGIT_WIDTH && bits >> (DIGIT_WIDTH - 1 - column) & 1 == 1)
}
