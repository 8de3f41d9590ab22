//! A report as Markdown.

use super::{
    data::{Ranked, Report},
    link::link,
    plot::Plot,
    prose, table,
    table::Table,
};
use crate::words::one_line;
use std::path::Path;

/// The first line, which tells a report from a text that somebody wrote.
pub(super) const MARK: &str = "<!-- splatgraph report -->";

/// A plot and the name of its file in the folder of the report.
pub(super) type Named = (String, Plot);

/// The report as text. `plots` are those of each measure.
pub(super) fn markdown(report: &Report, plots: &[Vec<Named>], folder: &Path) -> String {
    let mut text = format!("{MARK}\n# {}\n\n{}\n\n", escaped(&prose::title(report)), escaped(&prose::summary(report)));
    text += &of_table(&table::overview(report));
    text += &format!("\n{}\n", escaped(&prose::legend(report)));
    let lists = [
        ("Measures of sets", prose::sets(report)),
        ("Figures of others", prose::beside(report)),
        ("Notes", prose::notes(report)),
        ("Failed items", prose::failed(report)),
    ];
    for (heading, lines) in lists.iter().filter(|(_, lines)| !lines.is_empty()) {
        text += &format!("\n## {heading}\n\n{}", list(lines.iter().map(|line| escaped(line))));
    }
    let same = prose::same(report);
    if !same.is_empty() {
        let lines = same.iter().map(|(name, value)| format!("{}: {}", escaped(name), escaped(value)));
        text += &format!("\n## The same for all\n\n{}", list(lines));
    }
    if let Some(texts) = table::texts(report) {
        text += &format!("\n## Different between configurations\n\n{}", of_table(&texts));
    }
    for (at, (measure, plots)) in report.measures.iter().zip(plots).enumerate() {
        text += &format!("\n## {}\n\n{}", escaped(&table::heading(measure)), of_table(&table::details(report, at)));
        for (file, plot) in plots {
            let caption = escaped(&one_line(&plot.caption));
            text += &format!("\n![{caption}]({file})\n\n{caption}.\n");
        }
    }
    text += &ranking(report, folder);
    text += &format!("\n## Tables\n\n{}", list(prose::sources(report).iter().map(|line| escaped(line))));
    text
}

fn ranking(report: &Report, folder: &Path) -> String {
    let Some(ranking) = &report.ranking else { return String::new() };
    let mut text = String::new();
    let [worst, best] = prose::ranking_headings(report, ranking);
    for (heading, pictures) in [(worst, &ranking.worst), (best, &ranking.best)] {
        if pictures.is_empty() {
            continue;
        }
        let labels = ranking.configurations.iter().map(|&at| report.label(&report.configurations[at]));
        let head = ["picture".to_owned(), "original".to_owned()].into_iter().chain(labels);
        text += &format!("\n## {}\n\n", escaped(&heading));
        text += &line(head.map(|cell| escaped(&one_line(&cell))));
        text += &rule(2, ranking.configurations.len());
        let digits = report.measures[ranking.measure].digits;
        for Ranked { name, original, results, .. } in pictures {
            let image = |file: &Path| format!("<img src=\"{}\" width=\"192\">", link(file, folder));
            let result = |(number, file): &(Option<f64>, Option<std::path::PathBuf>)| {
                let image = file.as_deref().map(|file| format!("{} ", image(file))).unwrap_or_default();
                format!("{image}{}", digits.or_dash(*number))
            };
            let original = original.as_deref().map_or_else(|| "not there".to_owned(), image);
            text += &line([escaped(&one_line(name)), original].into_iter().chain(results.iter().map(result)));
        }
    }
    format!("{text}\n{}\n", escaped(&prose::ranking_note(report, ranking)))
}

fn of_table(table: &Table) -> String {
    let mut text = line(table.head.iter().map(|cell| escaped(&one_line(cell))));
    text += &rule(table.words, table.head.len() - table.words);
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| escaped(&one_line(cell)));
        text += &line(cells.map(|cell| if row.is_beside { format!("*{cell}*") } else { cell }));
    }
    text
}

fn rule(words: usize, numbers: usize) -> String {
    format!("|{}{}\n", " --- |".repeat(words), " ---: |".repeat(numbers))
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("|{}\n", cells.map(|cell| format!(" {cell} |")).collect::<String>())
}

fn list(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("- {line}\n")).collect()
}

/// A text without meaning for Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            // An address, or a name that is called, would become a link.
            '@' => escaped += "&#64;",
            ':' if characters.peek().is_some_and(|next| !next.is_whitespace()) => escaped += "&#58;",
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '#' | '~' | '$' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_no_meaning_for_markdown() {
        assert_eq!(
            escaped("a|b <script> **x** [y](z) $1$ & `c`: http://a :b:"),
            r"a\|b &lt;script&gt; \*\*x\*\* \[y\](z) \$1\$ &amp; \`c\`: http&#58;//a &#58;b:"
        );
    }
}
