//! Draws numbers with digits of three by five dots.

use super::canvas::Drawing;

/// The rows of each digit from the top; the left dot is the highest bit.
const DIGITS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b011, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b001, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];
const WIDTH: i64 = 3;
const HEIGHT: i64 = 5;

impl Drawing<'_> {
    /// Draws a number centred at a place, white on a dark ground.
    pub(super) fn number(&mut self, number: usize, x: f32, y: f32) {
        let dot = self.line.round().max(1.0) as i64;
        let text = number.to_string();
        let columns = text.len() as i64 * (WIDTH + 1) - 1; // a dot between digits
        let (left, top) = (x.round() as i64 - columns * dot / 2, y.round() as i64 - HEIGHT * dot / 2);
        self.square([left - dot, top - dot], [(columns + 2) * dot, (HEIGHT + 2) * dot], [0.0; 3], 0.6);
        for (i, digit) in text.bytes().enumerate() {
            let rows = DIGITS[usize::from(digit - b'0')];
            for (dy, dx) in (0..HEIGHT).flat_map(|dy| (0..WIDTH).map(move |dx| (dy, dx))) {
                if rows[dy as usize] >> (WIDTH - 1 - dx) & 1 == 1 {
                    let at = [left + (i as i64 * (WIDTH + 1) + dx) * dot, top + dy * dot];
                    self.square(at, [dot, dot], [1.0; 3], 1.0);
                }
            }
        }
    }
}
