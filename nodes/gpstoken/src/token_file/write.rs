//! Writes tokens as bytes.

use super::{
    Bits, GEOMETRY, Group, MAGIC, Steps, TokenFile, VERSION,
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
    let steps = Steps::of(file, bits)?;
    for range in Group::ALL.into_iter().filter_map(|group| steps.range(group)) {
        bytes.extend([range.low, range.high].map(f32::to_le_bytes).concat());
    }
    let mut writer = Writer::default();
    for group in Group::ALL {
        for column in group.columns(file.channels) {
            let column = rows.iter().map(|&row| file.number(row, column));
            match steps.range(group) {
                None => column.for_each(|number| bytes.extend(number.to_le_bytes())),
                Some(range) => {
                    let mut model = Adaptive::new(group.bits(bits));
                    column.for_each(|number| writer.write(&mut model, range.step_of(number)));
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
