//! Names that are similar to an unknown one, to suggest in errors.

/// The similarity from which a name is suggested for an unknown one, from 0 to 1.
pub(crate) const MIN_SIMILARITY: f64 = 0.6;

/// The three ids that are most similar to a text, beyond [`MIN_SIMILARITY`], each with its companion value.
pub(crate) fn similar<'a, T>(text: &str, ids: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, T)> {
    let rated = ids.map(|(id, with)| (similarity(text, id), id, with));
    let mut similar: Vec<_> = rated.filter(|(similarity, ..)| *similarity >= MIN_SIMILARITY).collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0));
    similar.into_iter().take(3).map(|(_, id, with)| (id, with)).collect()
}

/// The similarity of a text and an id, from 0 to 1. Case does not count, nor does an omitted author.
fn similarity(wanted: &str, id: &str) -> f64 {
    let (wanted, id) = (wanted.to_lowercase(), id.to_lowercase());
    let slug = id.split_once('/').map_or(id.as_str(), |(_, slug)| slug);
    let like = |name: &str| strsim::normalized_damerau_levenshtein(&wanted, name);
    like(&id).max(like(slug))
}
