//! Finds the known word that was probably meant by an unknown one.

use strsim::normalized_damerau_levenshtein;

/// The similarity from which a word is suggested, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.6;

/// The known word that is most similar to `word`, if one is similar at all.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let rated = known.map(|known| (normalized_damerau_levenshtein(&word, &known.to_lowercase()), known));
    let similar = rated.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY);
    similar.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}
