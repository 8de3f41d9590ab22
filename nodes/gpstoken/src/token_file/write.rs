//! Writes tokens as bytes.

use super::{
    Bits, GEOMETRY, Group, MAGIC, TokenFile, VERSION,
    coding::{Adaptive, Writer},
    count, flag, most_numbers, numbers,
};

/// The bytes of a token file.
///
/// # Errors
/// A number has no place among equal steps: it is not finite, or it is a size that is not above 0. The text names it.
pub fn encode(file: &TokenFile, bits: Bits) -> Result<Vec<u8>, String> {
    let all = numbers(file.batch, file.tokens, file.channels);
    let lengths = [file.gaussians.len(), file.textures.len()];
    let rows = file.batch.saturating_mul(file.tokens);
    if lengths != [rows.saturating_mul(GEOMETRY), rows.saturating_mul(file.channels)] {
        return Err(format!("expected {rows} gaussians and as many textures, got {lengths:?} numbers"));
    }
    let mut bytes = header(file, bits)?;
    let rows = file.rows();
    let mut ranges = Vec::new();
    for group in Group::ALL {
        let steps = group.bits(bits);
        if steps > Bits::MOST {
            return Err(format!("expected at most {} bits for {}, got {steps}", Bits::MOST, group.name()));
        }
        let range = if steps == 0 { None } else { Some(Range::of(file, &rows, group, steps)?) };
        if let Some(range) = &range {
            bytes.extend([range.low, range.high].map(f32::to_le_bytes).concat());
        }
        ranges.push((group, range));
    }
    let mut writer = Writer::default();
    for (group, range) in &ranges {
        for column in group.columns(file.channels) {
            let column = rows.iter().map(|&row| file.number(row, column));
            match range {
                None => column.for_each(|number| bytes.extend(number.to_le_bytes())),
                Some(range) => {
                    let mut model = Adaptive::new(group.bits(bits));
                    column.for_each(|number| writer.write(&mut model, range.step_of(group.scaled(number))));
                }
            }
        }
    }
    bytes.extend(writer.finish()?.into_iter().flat_map(u32::to_le_bytes));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    if all.is_none_or(|all| all > most_numbers(bytes.len())) {
        return Err(format!(
            "expected tokens that are not nearly all padding or equal, got {} of {} in {} bytes. Save fewer at a time",
            count(file.batch, "picture"),
            count(file.tokens, "token"),
            bytes.len()
        ));
    }
    Ok(bytes)
}

fn header(file: &TokenFile, bits: Bits) -> Result<Vec<u8>, String> {
    let mut bytes = MAGIC.to_vec();
    let flags = [
        (file.counts.is_some(), flag::COUNTS),
        (file.map.is_some(), flag::MAP),
        (file.support.is_some(), flag::SUPPORT),
        (file.model.is_some(), flag::MODEL),
    ];
    bytes.extend([VERSION, flags.iter().map(|(set, flag)| u8::from(*set) * flag).sum::<u8>()]);
    bytes.extend(Group::ALL.map(|group| group.bits(bits)));
    for size in [file.batch, file.tokens, file.channels] {
        whole(
            &mut bytes,
            u32::try_from(size).map_err(|_| format!("expected a size of at most {}, got {size}", u32::MAX))?,
        );
    }
    for size in file.canvas.into_iter().chain([file.tile]).chain(file.grid).chain(file.map.into_iter().flatten()) {
        whole(&mut bytes, size);
    }
    if let Some(support) = file.support {
        bytes.extend(support.to_le_bytes());
    }
    if let Some(model) = &file.model {
        let length = u32::try_from(model.len())
            .map_err(|_| format!("expected a name of the model of at most {} bytes, got {}", u32::MAX, model.len()))?;
        whole(&mut bytes, length);
        bytes.extend(model.as_bytes());
    }
    if let Some(counts) = &file.counts {
        if counts.len() != file.batch || counts.iter().any(|used| *used > file.tokens) {
            return Err(format!("expected a count of at most {} for each picture, got {counts:?}", file.tokens));
        }
        counts.iter().for_each(|used| whole(&mut bytes, *used as u32));
    }
    Ok(bytes)
}

/// Writes a whole number with seven bits in each byte, the lowest first; a set upper bit says that more follow (LEB128).
fn whole(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The range of a group's equal steps.
struct Range {
    low: f32,
    high: f32,
    /// The number of the last step.
    last: f64,
}

impl Range {
    fn of(file: &TokenFile, rows: &[usize], group: Group, bits: u8) -> Result<Self, String> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for &row in rows {
            for column in group.columns(file.channels) {
                let number = file.number(row, column);
                let scaled = group.scaled(number);
                if !scaled.is_finite() {
                    let (picture, token) = (row / file.tokens, row % file.tokens);
                    let expected = if group == Group::Size { "a size above 0" } else { "a finite number" };
                    return Err(format!(
                        "expected {expected} in the group {name}, as {} can store no other, got {number} for token {token} of picture {picture}. Set {name} to 0, which stores numbers exactly",
                        count(bits.into(), "bit"),
                        name = group.name()
                    ));
                }
                (low, high) = (low.min(scaled), high.max(scaled));
            }
        }
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        Ok(Self { low: low as f32, high: high as f32, last: f64::from((1u32 << bits) - 1) })
    }

    /// The nearest step.
    fn step_of(&self, scaled: f64) -> u32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        if high <= low {
            return 0;
        }
        // A range that was rounded to f32 may begin above the smallest number.
        ((scaled - low) / (high - low) * self.last).round().clamp(0.0, self.last) as u32
    }
}
