//! Words for messages: the known name nearest to a wrong one, and numbers with their nouns.

/// The known name nearest to `name`, or `None` if no known name is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    let limit = (name.chars().count() / 3).max(1);
    known.into_iter().min_by_key(|known| distance(known)).filter(|nearest| distance(nearest) <= limit)
}

/// A number with its noun in the singular or plural: `1 picture`, `2 pictures`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The numbers of pictures that fit a batch of `batch` pictures: `1 picture`, or `1 or 3 pictures`.
pub(crate) fn one_or(batch: usize) -> String {
    if batch == 1 { "1 picture".to_owned() } else { format!("1 or {batch} pictures") }
}
