//! A report as an HTML page that needs no other file: styles, plots and small pictures are in it. It has no script, and a browser
//! loads nothing from elsewhere.

use super::{
    data::{Ranked, Report},
    link::link,
    markdown::{MARK, Named},
    prose, table,
    table::Table,
    thumbnail,
};
use crate::words::one_line;
use std::path::Path;

const STYLE: &str = include_str!("page.css");
/// Pictures in the page, and files beside it. A browser refuses all else.
const POLICY: &str = "default-src 'none'; img-src data: file: 'self'; style-src 'unsafe-inline'";

/// The page. `plots` are those of each measure, `folder` is the folder of the page.
pub(super) fn html(report: &Report, plots: &[Vec<Named>], folder: &Path) -> String {
    let title = escaped(&prose::title(report));
    let mut body = format!("<h1>{title}</h1>\n<p>{}</p>\n", escaped(&prose::summary(report)));
    body += &of_table(&table::overview(report));
    body += &format!("<p class=\"legend\">{}</p>\n", escaped(&prose::legend(report)));
    let lists = [
        ("Measures of sets", prose::sets(report)),
        ("Figures of others", prose::beside(report)),
        ("Notes", prose::notes(report)),
        ("Failed items", prose::failed(report)),
    ];
    for (heading, lines) in lists.iter().filter(|(_, lines)| !lines.is_empty()) {
        body += &format!("<h2>{heading}</h2>\n{}", list(lines));
    }
    let same = prose::same(report);
    if !same.is_empty() {
        let line =
            |(name, value): &(String, String)| format!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
        body += &format!("<h2>The same for all</h2>\n<dl>\n{}</dl>\n", same.iter().map(line).collect::<String>());
    }
    if let Some(texts) = table::texts(report) {
        body += &format!("<h2>Different between configurations</h2>\n{}", of_table(&texts));
    }
    for (at, (measure, plots)) in report.measures.iter().zip(plots).enumerate() {
        let heading = escaped(&table::heading(measure));
        body += &format!("<h2>{heading}</h2>\n{}<div class=\"plots\">\n", of_table(&table::details(report, at)));
        for (_, plot) in plots {
            let caption = escaped(&plot.caption);
            let svg = plot.svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{caption}\" "), 1);
            body += &format!("<figure>\n{svg}<figcaption>{caption}.</figcaption>\n</figure>\n");
        }
        body += "</div>\n";
    }
    body += &ranking(report, folder);
    body += &format!("<h2>Tables</h2>\n{}", list(&prose::sources(report)));
    body += &format!("<footer>Made by splatgraph {}.</footer>\n", env!("CARGO_PKG_VERSION"));
    let head = format!(
        "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n<title>{title}</title>\n<style>\n{STYLE}</style>\n"
    );
    format!("<!DOCTYPE html>\n{MARK}\n<html lang=\"en\">\n<head>\n{head}</head>\n<body>\n{body}</body>\n</html>\n")
}

fn ranking(report: &Report, folder: &Path) -> String {
    let Some(ranking) = &report.ranking else { return String::new() };
    let digits = report.measures[ranking.measure].digits;
    let mut text = String::new();
    for (heading, pictures) in prose::ranking_headings(report, ranking)
        .iter()
        .zip([&ranking.worst, &ranking.best])
        .filter(|(_, list)| !list.is_empty())
    {
        let labels = ranking.configurations.iter().map(|&at| report.label(&report.configurations[at]));
        let labels: String = labels.map(|label| format!("<th>{}</th>", escaped(&label))).collect();
        text += &format!("<h2>{}</h2>\n<div class=\"wide\"><table class=\"pictures\">\n", escaped(heading));
        text += &format!("<thead><tr><th class=\"word\">picture</th><th>original</th>{labels}</tr></thead>\n<tbody>\n");
        for Ranked { name, original, results, .. } in pictures {
            let original = original.as_deref();
            let original =
                original.map_or_else(|| "<span class=\"soft\">not there</span>".to_owned(), |file| image(file, folder));
            text += &format!("<tr><td class=\"word\">{}</td><td>{original}</td>", escaped(name));
            for (number, file) in results {
                let image = file.as_deref().map(|file| image(file, folder)).unwrap_or_default();
                text += &format!("<td>{image}{}</td>", digits.or_dash(*number));
            }
            text += "</tr>\n";
        }
        text += "</tbody></table></div>\n";
    }
    format!("{text}<p class=\"legend\">{}</p>\n", escaped(&prose::ranking_note(report, ranking)))
}

/// A small picture that leads to its file, or the name of the file.
fn image(file: &Path, folder: &Path) -> String {
    let name = escaped(&file.file_name().unwrap_or_default().to_string_lossy());
    let shown =
        thumbnail::data(file).map_or_else(|| name.clone(), |data| format!("<img src=\"{data}\" alt=\"{name}\"/>"));
    format!("<a href=\"{}\">{shown}</a>", link(file, folder))
}

fn of_table(table: &Table) -> String {
    let class = |at: usize| if at < table.words { " class=\"word\"" } else { "" };
    let cells = |cells: &[String], tag: &str| -> String {
        let cell = |(at, cell): (usize, &String)| format!("<{tag}{}>{}</{tag}>", class(at), escaped(cell));
        cells.iter().enumerate().map(cell).collect()
    };
    let mut text =
        format!("<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n", cells(&table.head, "th"));
    for row in &table.rows {
        let beside = if row.is_beside { " class=\"beside\"" } else { "" };
        text += &format!("<tr{beside}>{}</tr>\n", cells(&row.cells, "td"));
    }
    text + "</tbody></table></div>\n"
}

fn list(lines: &[String]) -> String {
    format!("<ul>\n{}</ul>\n", lines.iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect::<String>())
}

/// A text without meaning for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(c),
        }
    }
    escaped
}
