//! The values of one input in all rows of an axis. A value is computed when it is asked for: a range has no values in memory, and
//! texts lie one behind the other.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

/// The values of an input, by the rows of its axis.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// Lists and ranges of numbers, one behind the other; each with the row behind its last one.
    Numbers(Vec<(usize, Numbers)>),
    /// Texts as they are.
    Texts(Texts),
    /// The cells of a CSV file. An empty one leaves the input as the graph has it.
    Cells {
        texts: Texts,
        /// The folder of the CSV file, if the cells are paths beside it.
        beside: Option<PathBuf>,
    },
}

/// Numbers, or names among them.
#[derive(Clone, Debug)]
pub(super) enum Numbers {
    One(String),
    /// `count` numbers from `first` on.
    Range {
        first: i128,
        step: i128,
        count: usize,
    },
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Range { count, .. } => *count,
        }
    }
}

impl Column {
    pub(super) fn numbers(runs: impl IntoIterator<Item = Numbers>) -> Self {
        let mut end = 0;
        let runs = runs.into_iter().map(|run| {
            end += run.len();
            (end, run)
        });
        Self::Numbers(runs.collect())
    }

    /// One value.
    pub(super) fn one(text: &str) -> Self {
        Self::texts([text])
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Texts::default();
        texts.into_iter().for_each(|text| all.push(text));
        Self::Texts(all)
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(runs) => runs.last().map_or(0, |(end, _)| *end),
            Self::Texts(texts) | Self::Cells { texts, .. } => texts.len(),
        }
    }

    /// The value in a row; `None` leaves the input as the graph has it.
    pub(super) fn value(&self, row: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Numbers(runs) => {
                let at = runs.partition_point(|(end, _)| *end <= row);
                let start = at.checked_sub(1).map_or(0, |before| runs[before].0);
                Some(match &runs.get(at)?.1 {
                    Numbers::One(text) => Cow::Borrowed(text.as_str()),
                    Numbers::Range { first, step, .. } => {
                        Cow::Owned((first + step * (row - start) as i128).to_string())
                    }
                })
            }
            Self::Texts(texts) => Some(Cow::Borrowed(texts.get(row))),
            Self::Cells { texts, beside } => match (texts.get(row), beside) {
                ("", _) => None,
                (cell, None) => Some(Cow::Borrowed(cell)),
                (cell, Some(folder)) => Some(beside_path(folder, cell)),
            },
        }
    }

    /// The only range of the column, with its step.
    pub(super) fn range(&self) -> Option<i128> {
        match self {
            Self::Numbers(runs) => match &runs[..] {
                [(_, Numbers::Range { step, .. })] => Some(*step),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the rows have different values.
    pub(super) fn varies(&self) -> bool {
        match self {
            Self::Numbers(_) => self.len() > 1,
            Self::Texts(texts) | Self::Cells { texts, .. } => {
                (1..texts.len()).any(|row| texts.get(row) != texts.get(0))
            }
        }
    }
}

/// The path of a cell in the folder of its CSV file.
fn beside_path<'a>(folder: &Path, cell: &'a str) -> Cow<'a, str> {
    folder.join(cell).into_os_string().into_string().map_or(Cow::Borrowed(cell), Cow::Owned)
}

/// Texts, one behind the other, in blocks that do not move when there are more.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(Vec<Block>);

#[derive(Clone, Debug, Default)]
struct Block {
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

/// The number of texts in a block, and its bytes at most: 2^16 and 2^30.
const BLOCK: usize = 1 << 16;

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * BLOCK + last.ends.len())
    }

    /// Adds a text. A block has room for texts of 64 KiB on average; what does not fit any more is cut off.
    pub(super) fn push(&mut self, text: &str) {
        if self.0.last().is_none_or(|last| last.ends.len() == BLOCK) {
            if let Some(full) = self.0.last_mut() {
                full.text.shrink_to_fit();
            }
            self.0.push(Block::default());
        }
        let Some(block) = self.0.last_mut() else { return };
        block.text.push_str(text);
        // 65,536 texts of the largest CSV file, 256 MiB, or paths of 4 KiB each fit.
        block.ends.push(u32::try_from(block.text.len()).unwrap_or(u32::MAX));
    }

    pub(super) fn get(&self, at: usize) -> &str {
        let Some(block) = self.0.get(at / BLOCK) else { return "" };
        let at = at % BLOCK;
        let start = if at == 0 { 0 } else { block.ends[at - 1] as usize };
        &block.text[start..block.ends[at] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_its_row() {
        let range = |first, step, count| Numbers::Range { first, step, count };
        let column = Column::numbers([range(-2, 2, 3), Numbers::One("x".into()), range(9, 1, 1)]);
        let values: Vec<_> = (0..column.len()).map(|row| column.value(row).unwrap().into_owned()).collect();
        assert_eq!(values, ["-2", "0", "2", "x", "9"]);
        assert_eq!(column.value(5), None);
    }

    #[test]
    fn texts_lie_in_blocks() {
        let mut texts = Texts::default();
        (0..BLOCK * 2 + 3).for_each(|number| texts.push(&number.to_string()));
        assert_eq!(texts.len(), BLOCK * 2 + 3);
        for at in [0, 1, BLOCK - 1, BLOCK, BLOCK * 2 - 1, BLOCK * 2 + 2] {
            assert_eq!(texts.get(at), at.to_string());
        }
        assert!(Column::Texts(texts).varies());
    }

    #[test]
    fn an_empty_cell_is_no_value() {
        let mut texts = Texts::default();
        ["a.png", "", "/b.png"].iter().for_each(|text| texts.push(text));
        let column = Column::Cells { texts, beside: Some("in".into()) };
        let beside = Path::new("in").join("a.png");
        assert_eq!(column.value(0).as_deref(), beside.to_str());
        assert_eq!(column.value(1), None);
        assert_eq!(column.value(2).as_deref(), Some("/b.png"));
    }
}
