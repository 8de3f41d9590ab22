//! What a report says, before it has a form.

use super::summary::Summary;
use serde::Serialize;
use std::path::PathBuf;

/// A report about measured results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The batches that were measured.
    pub sources: Vec<Source>,
    /// The names of what differs between configurations.
    pub inputs: Vec<String>,
    /// Names and values of inputs and texts that are the same for all items.
    pub same: Vec<(String, String)>,
    /// The names of texts that are the same within each configuration, and differ between them.
    pub texts: Vec<String>,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// How numbers about sets were measured.
    pub sets: Vec<SetMeasures>,
    /// In the order of the tables.
    pub configurations: Vec<Configuration>,
    /// Figures of others for comparison.
    pub beside: Vec<Beside>,
    /// The pictures with the worst and the best results of the first measure.
    pub ranking: Option<Ranking>,
    /// Whether items are pictures.
    pub of_pictures: bool,
    /// What a reader should know about the results.
    pub notes: Vec<String>,
}

/// A batch that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// The name in the report.
    pub name: String,
    /// The tables: one, or one for each part.
    pub tables: Vec<PathBuf>,
    /// The name of the graph, if the journal is there.
    pub graph: Option<String>,
    /// The number of items that are done.
    pub done: usize,
    /// The number of items that failed.
    pub failed: usize,
}

/// A measured result.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// The name of the result.
    pub name: String,
    /// Which numbers are better, if known.
    pub better: Option<Better>,
    /// Whether its number is about all items of a configuration together, as for FID.
    pub of_sets: bool,
    /// How its numbers are written.
    #[serde(skip)]
    pub digits: super::digits::Digits,
}

/// Measures whose numbers are about sets, and how all of them were measured.
#[derive(Clone, Debug, Serialize)]
pub struct SetMeasures {
    /// The names of the measures.
    pub names: Vec<String>,
    /// The graph, inputs such as the reference, and texts such as the convention, each with its value.
    pub facts: Vec<(String, String)>,
}

/// Which numbers of a measure are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// As for PSNR.
    Higher,
    /// As for LPIPS.
    Lower,
}

/// Items with the same inputs, apart from their pictures.
#[derive(Clone, Debug, Serialize)]
pub struct Configuration {
    /// The values of the report's inputs.
    pub values: Vec<String>,
    /// The values of the report's texts.
    pub texts: Vec<String>,
    /// The number of items that are done.
    pub items: usize,
    /// The items that failed.
    pub failed: Vec<FailedItem>,
    /// A summary of each measure.
    pub summaries: Vec<Summary>,
    /// Items whose result is NaN or infinite: the measure, the item and the result.
    #[serde(skip)]
    pub odd: Vec<(usize, String, f64)>,
}

/// An item that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedItem {
    /// The name of the item.
    pub item: String,
    /// Why it failed.
    pub error: String,
}

/// Figures of others: a row of a file.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// The name of the row.
    pub name: String,
    /// The values of the report's inputs; empty where the file has none.
    pub values: Vec<String>,
    /// A number for each measure of the report.
    pub numbers: Vec<Option<f64>>,
    /// The numbers as the file has them, so that nobody takes them for more exact.
    #[serde(skip)]
    pub cells: Vec<String>,
    /// Where the numbers come from, and other words about them.
    pub about: Vec<(String, String)>,
}

/// The pictures with the worst and the best results.
#[derive(Clone, Debug, Serialize)]
pub struct Ranking {
    /// The measure, by its position.
    pub measure: usize,
    /// The configurations that are shown, by their positions.
    pub configurations: Vec<usize>,
    /// The worst first.
    pub worst: Vec<Ranked>,
    /// The best first. No picture is in both lists.
    pub best: Vec<Ranked>,
    /// How many pictures were compared.
    pub compared: usize,
    /// How many pictures have no result in a configuration in which others have one.
    pub left_out: usize,
}

/// A picture with its results.
#[derive(Clone, Debug, Serialize)]
pub struct Ranked {
    /// The name of the picture.
    pub name: String,
    /// The mean over all configurations, by which pictures are compared.
    pub mean: f64,
    /// The file of the original, if it is there.
    pub original: Option<PathBuf>,
    /// The result in each configuration that is shown: the number, and the file if it is there.
    pub results: Vec<(Option<f64>, Option<PathBuf>)>,
}

/// Names and values in words, without those that are empty.
pub(super) fn label(names: &[String], values: &[String]) -> String {
    let known = names.iter().zip(values).filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
}

impl Report {
    /// A configuration in words: `tokens = 64, model = small`, without what all configurations have.
    #[must_use]
    pub fn label(&self, configuration: &Configuration) -> String {
        let differs =
            |at: &usize| self.configurations.iter().any(|other| other.values[*at] != configuration.values[*at]);
        let mut shown: Vec<usize> = (0..self.inputs.len()).filter(differs).collect();
        if shown.is_empty() {
            shown = (0..self.inputs.len()).collect();
        }
        let [names, values] = [&self.inputs, &configuration.values]
            .map(|list| shown.iter().map(|at| list[*at].clone()).collect::<Vec<_>>());
        label(&names, &values)
    }

    /// The number of items that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.configurations.iter().map(|configuration| configuration.items).sum()
    }

    /// All items that failed, each with the position of its configuration.
    pub fn failed(&self) -> impl Iterator<Item = (usize, &FailedItem)> {
        let configurations = self.configurations.iter().enumerate();
        configurations.flat_map(|(at, configuration)| configuration.failed.iter().map(move |failed| (at, failed)))
    }
}
