//! Refuses filter words that no model of the catalogue has: a typo would look like an empty result.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use provider_core::{Catalogue, Error, ErrorKind, FieldProblem, ShortText};
use strsim::normalized_damerau_levenshtein;

use crate::cli::ModelsArgs;

/// The most known words that an error lists.
const MAX_KNOWN_WORDS: usize = 30;

/// A filter: its option, the given words, and the words of the catalogue.
struct Filter<'a> {
    option: &'static str,
    given: &'a [String],
    known: BTreeSet<&'a str>,
    any_case: bool,
}

/// The error of filters with unknown words, which names each with the known words, most similar first. `None`
/// if all are known.
pub(super) fn words(args: &ModelsArgs, catalogue: &Catalogue) -> Option<Error> {
    let models = || catalogue.models.iter();
    let filters = [
        Filter {
            option: "--supports",
            given: &args.supports,
            known: models().flat_map(|model| &model.supported_parameters).map(ShortText::as_str).collect(),
            any_case: false,
        },
        Filter {
            option: "--input-modality",
            given: &args.input_modality,
            known: models().flat_map(|model| &model.input_modalities).map(ShortText::as_str).collect(),
            any_case: false,
        },
        Filter {
            option: "--output-modality",
            given: &args.output_modality,
            known: models().flat_map(|model| &model.output_modalities).map(ShortText::as_str).collect(),
            any_case: false,
        },
        Filter {
            option: "--author",
            given: &args.author,
            known: models().filter_map(|model| model.author()).collect(),
            any_case: true,
        },
    ];
    let problems: Vec<FieldProblem> = filters.iter().flat_map(Filter::problems).collect();
    let error = Error::new(ErrorKind::InvalidRequest, "no model of the catalogue has this");
    (!problems.is_empty()).then(|| error.with_fields(problems))
}

impl Filter<'_> {
    fn problems(&self) -> impl Iterator<Item = FieldProblem> {
        // A catalogue without this property cannot tell whether a word is known.
        let unknown = self.given.iter().filter(|word| !self.known.is_empty() && !self.knows(word));
        unknown.map(|word| {
            let json = if word == "json" { " (for JSON, give --json)" } else { "" };
            FieldProblem::new(
                self.option,
                format!("{word:?} is unknown{json}; there are: {}", self.nearest(word)),
            )
        })
    }

    fn knows(&self, word: &str) -> bool {
        match self.any_case {
            true => self.known.iter().any(|known| known.eq_ignore_ascii_case(word)),
            false => self.known.contains(word),
        }
    }

    /// The known words, most similar first.
    fn nearest(&self, word: &str) -> String {
        let word = word.to_lowercase();
        let likeness = |known: &str| normalized_damerau_levenshtein(&word, &known.to_lowercase());
        let mut known: Vec<&str> = self.known.iter().copied().collect();
        known.sort_by_cached_key(|known| Reverse((likeness(known) * 1e6) as u32));
        let more = known.len().saturating_sub(MAX_KNOWN_WORDS);
        known.truncate(MAX_KNOWN_WORDS);
        match more {
            0 => known.join(", "),
            more => format!("{} and {more} more", known.join(", ")),
        }
    }
}
