//! The pictures with the worst and the best results of the first measure.

use super::{
    data::{Better, Measure, Ranked, Ranking},
    group::{Group, Grouping, Member, is_picture},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The most configurations that are shown side by side.
const SHOWN: usize = 6;

/// A picture, with its number and its item in each configuration that has it.
struct Picture<'a> {
    key: &'a [&'a str],
    found: Vec<(usize, f64, &'a Member<'a>)>,
}

/// Ranks pictures by their mean over all configurations, so that a picture has one row. Only pictures with a number in as many
/// configurations as any other are compared. `None` without pictures, or if none is asked for.
pub(super) fn ranking(
    groups: &[Group],
    measures: &[Measure],
    over: &[&str],
    grouping: &Grouping,
    cwd: &Path,
) -> Option<Ranking> {
    if over.is_empty() || grouping.pictures == 0 {
        return None;
    }
    let mut pictures: Vec<Picture> = Vec::new();
    let mut positions: HashMap<&[&str], usize> = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        for member in &group.members {
            let Some(number) = member.numbers.first().copied().flatten().filter(|number| !number.is_nan()) else {
                continue;
            };
            let position = *positions.entry(&member.picture).or_insert(pictures.len());
            if position == pictures.len() {
                pictures.push(Picture { key: &member.picture, found: Vec::new() });
            }
            // Averages over more than pictures may have a picture twice in a configuration.
            if pictures[position].found.last().is_none_or(|(last, ..)| *last != at) {
                pictures[position].found.push((at, number, member));
            }
        }
    }
    let most = pictures.iter().map(|picture| picture.found.len()).max()?;
    let all = pictures.len();
    pictures.retain(|picture| picture.found.len() == most);
    let compared = pictures.len();
    let lower_is_better = measures.first()?.better == Some(Better::Lower);
    let mean = |picture: &Picture| picture.found.iter().map(|(_, number, _)| number).sum::<f64>() / most as f64;
    let mut sorted: Vec<(f64, Picture)> = pictures.into_iter().map(|picture| (mean(&picture), picture)).collect();
    sorted.sort_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| x.key.cmp(y.key)));
    if lower_is_better {
        sorted.reverse();
    }
    let mut configurations: Vec<usize> = Vec::new();
    for (at, ..) in sorted.iter().flat_map(|(_, picture)| &picture.found) {
        if !configurations.contains(at) && configurations.len() < SHOWN {
            configurations.push(*at);
        }
    }
    configurations.sort_unstable();
    let ranked = |(mean, picture): &(f64, Picture)| {
        let result = |shown: &usize| {
            let found = picture.found.iter().find(|(at, ..)| at == shown);
            let file = found.and_then(|(_, _, member)| result_of(&member.item.files, grouping.result.as_deref()));
            (found.map(|(_, number, _)| *number), file)
        };
        Ranked {
            name: name_of(picture.key),
            mean: *mean,
            original: original_of(picture, cwd),
            results: configurations.iter().map(result).collect(),
        }
    };
    // With few pictures, each is in one of the lists.
    let worst = grouping.pictures.min(compared.div_ceil(2));
    let best = grouping.pictures.min(compared - worst);
    Some(Ranking {
        measure: 0,
        worst: sorted[..worst].iter().map(ranked).collect(),
        best: sorted[compared - best..].iter().rev().map(ranked).collect(),
        configurations,
        compared,
        left_out: all - compared,
    })
}

/// The names of files, and other values as they are.
fn name_of(key: &[&str]) -> String {
    let name = |value: &&str| match Path::new(value).file_name() {
        Some(name) if is_picture(Path::new(value)) => name.to_string_lossy().into_owned(),
        _ => (*value).to_owned(),
    };
    key.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The first picture among the values, if it is there: from the current folder, as the batch had it, or from a folder above a
/// table.
fn original_of(picture: &Picture, cwd: &Path) -> Option<PathBuf> {
    let (_, _, member) = picture.found.first()?;
    let table = member.results.tables.first().map(|table| cwd.join(table));
    let above = || table.iter().flat_map(|table| table.ancestors().skip(1).take(3).map(Path::to_path_buf));
    let values = picture.key.iter().filter(|value| is_picture(Path::new(value)));
    let mut paths =
        values.flat_map(|value| [cwd.to_path_buf()].into_iter().chain(above()).map(move |folder| folder.join(value)));
    paths.find(|path| path.is_file())
}

/// The first picture that an item wrote and that is there, among those whose names have the text.
fn result_of(files: &[PathBuf], text: Option<&str>) -> Option<PathBuf> {
    let is_asked = |file: &&PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        is_picture(file) && text.is_none_or(|text| name.contains(text))
    };
    files.iter().filter(is_asked).find(|file| file.is_file()).cloned()
}
