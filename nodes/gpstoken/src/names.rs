//! The nearest right name for a wrong one.

/// The known name that was probably meant, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    let limit = (name.chars().count() / 3).max(1);
    known.into_iter().min_by_key(|known| distance(known)).filter(|nearest| distance(nearest) <= limit)
}
