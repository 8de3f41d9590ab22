//! The text forms of values in pickles of the protocols 0 and 1.

use super::Pickle;

/// An int: `7`, `7L`, or a bool as `00` and `01`. `None` if it is no number.
pub(super) fn int(line: &str) -> Option<Pickle> {
    match line {
        "00" => return Some(Pickle::Bool(false)),
        "01" => return Some(Pickle::Bool(true)),
        _ => {}
    }
    let digits = line.strip_suffix('L').unwrap_or(line);
    if let Ok(number) = digits.parse() {
        return Some(Pickle::Int(number));
    }
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    (!unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit())).then_some(Pickle::LongInt)
}

/// The bytes of a str of Python 2 as `repr` writes it, in quotes.
pub(super) fn quoted(line: &str) -> Option<Vec<u8>> {
    let quote = line.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = line.get(1..line.len() - 1).filter(|_| line.len() >= 2 && line.ends_with(quote))?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => u8::try_from(hexadecimal(&mut rest, 2)?).ok()?,
            escaped @ (b'\\' | b'\'' | b'"') => escaped,
            _ => return None,
        });
    }
    Some(bytes)
}

/// A str in Python's `raw-unicode-escape`: Latin-1 with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let digits = match (byte, rest.peek()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        text.push(char::from_u32(hexadecimal(&mut rest, digits)?).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Some(text)
}

fn hexadecimal(rest: &mut impl Iterator<Item = u8>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0u32, |number, _| Some(number * 16 + char::from(rest.next()?).to_digit(16)?))
}
