//! A report as LaTeX: tables with the rules of booktabs, to be read into a paper.

use super::{data::Report, prose, table, table::Table};
use crate::words::one_line;

/// The first line, which tells a report from a text that somebody wrote.
pub(super) const MARK: &str = "% splatgraph report: \\input this file; it needs \\usepackage{booktabs}";

/// The report as text: the means of all measures, then the figures of each.
pub(super) fn latex(report: &Report) -> String {
    let mut text = format!("{MARK}\n");
    for line in prose::notes(report).iter().chain(&prose::failed(report)) {
        text += &format!("% {}\n", one_line(line));
    }
    let facts =
        prose::same(report).iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    let facts = if facts.is_empty() { String::new() } else { format!(" The same for all: {facts}.") };
    let beside =
        prose::sets(report).iter().chain(&prose::beside(report)).map(|line| format!(" {line}.")).collect::<String>();
    let caption = format!("{}. {}{facts}{beside}", prose::title(report), prose::legend(report));
    text += &of_table(&table::overview(report), &caption, "report");
    for (at, measure) in report.measures.iter().enumerate() {
        let caption = format!("{}: {}.", prose::title(report), measure.name);
        text += &of_table(&table::details(report, at), &caption, &format!("report-{}", at + 1));
    }
    text
}

fn of_table(table: &Table, caption: &str, label: &str) -> String {
    let columns = format!("{}{}", "l".repeat(table.words), "r".repeat(table.head.len() - table.words));
    let mut text =
        format!("\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\\label{{tab:{label}}}\n", escaped(caption));
    text += &format!("\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n", line(&table.head));
    let mut is_beside = false;
    for row in &table.rows {
        if row.is_beside && !is_beside {
            text += "\\midrule\n";
        }
        is_beside = row.is_beside;
        text += &line(&row.cells);
    }
    text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n"
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
    format!("{} \\\\\n", cells.join(" & "))
}

/// A text without meaning for LaTeX.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in one_line(text).chars() {
        match c {
            '\\' => escaped += r"\textbackslash{}",
            '~' => escaped += r"\textasciitilde{}",
            '^' => escaped += r"\textasciicircum{}",
            '<' => escaped += r"\textless{}",
            '>' => escaped += r"\textgreater{}",
            '|' => escaped += r"\textbar{}",
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // At the start of a row they would be options of the line above, and pairs of others become one letter.
            '[' | ']' | '*' | '-' | '\'' | '`' | '?' | '!' | '"' => escaped += &format!("{{{c}}}"),
            '±' => escaped += r"$\pm$",
            '↑' => escaped += r"$\uparrow$",
            '↓' => escaped += r"$\downarrow$",
            '∞' => escaped += r"$\infty$",
            '−' => escaped += "$-$",
            '–' => escaped += "--",
            '…' => escaped += r"\dots{}",
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_no_meaning_for_latex() {
        assert_eq!(
            escaped(r"\input{a} $x_1^2$ 5% & #1 ~ [b] 1 ± 2"),
            r"\textbackslash{}input\{a\} \$x\_1\textasciicircum{}2\$ 5\% \& \#1 \textasciitilde{} {[}b{]} 1 $\pm$ 2"
        );
    }
}
