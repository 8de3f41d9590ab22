//! Words in messages: the nearest right name for a wrong one, and counts with their plurals.

/// A number of things: `1 picture`, `2 pictures`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The numbers of pictures that fit a batch of `batch` pictures: `1 picture`, or `1 or 3 pictures`.
pub(crate) fn one_or(batch: usize) -> String {
    if batch == 1 { "1 picture".to_owned() } else { format!("1 or {batch} pictures") }
}

/// The known name that is close to `name`, if there is one.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    let limit = (name.chars().count() / 3).max(1);
    known.into_iter().min_by_key(|known| distance(known)).filter(|nearest| distance(nearest) <= limit)
}
