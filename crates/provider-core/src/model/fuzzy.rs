//! Finding models by what people type: words in any order, incomplete, with dashes or without, with a typo.

/// How well a word fits, from the best to the least.
const WHOLE: u32 = 10_000;
const BEGINNING: u32 = 6_000;
const INSIDE: u32 = 4_000;
/// From the beginning of a word on, once punctuation is left out: `gpt4o` in `gpt-4o`.
const SQUEEZED: u32 = 3_000;
/// The deduction for a fit in the name only. A fit of the next best kind in the id still counts less.
const IN_NAME: u32 = 500;
const TYPO: u32 = 2;
const SCATTERED: u32 = 1;
/// The score of a strong fit where another word fits weakly.
const STRONG_AMONG_WEAK: u32 = 3;

/// Stands between id and name; no fit reaches across.
const BOUNDARY: char = '\n';

/// Words to look for.
#[derive(Debug)]
pub(super) struct Pattern {
    words: Vec<Word>,
    /// The text that is searched, kept for its room.
    text: String,
}

#[derive(Debug)]
struct Word {
    text: String,
    squeezed: String,
    letters: Vec<char>,
    /// How many typos are forgiven.
    typos: usize,
}

impl Word {
    fn new(text: String) -> Self {
        let letters: Vec<char> = text.chars().collect();
        // One digit more or less is another model.
        let typos = match letters.len() {
            _ if !letters.iter().all(|letter| letter.is_alphabetic()) => 0,
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        };
        Self { squeezed: squeeze(&text), letters, typos, text }
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let words = text.split_whitespace().map(|word| Word::new(word.to_lowercase())).collect();
        Self { words, text: String::new() }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_blank(&self) -> bool {
        self.words.is_empty()
    }

    /// How well a model fits; `None` if one of the words does not fit at all.
    ///
    /// A model that some word fits only weakly is scored below all that every word fits strongly.
    pub(super) fn score(&mut self, id: &str, name: &str) -> Option<u32> {
        if self.words.is_empty() {
            return Some(0);
        }
        self.text.clear();
        self.text.extend(id.chars().flat_map(char::to_lowercase));
        self.text.push(BOUNDARY);
        self.text.extend(name.chars().flat_map(char::to_lowercase));
        let (mut strong, mut weak, mut all_strong) = (0_u32, 0_u32, true);
        for word in &self.words {
            let score = score(word, &self.text)?;
            all_strong &= score >= SQUEEZED - IN_NAME;
            strong = strong.saturating_add(score);
            weak = weak.saturating_add(score.min(STRONG_AMONG_WEAK));
        }
        Some(if all_strong { strong } else { weak.min(SQUEEZED - IN_NAME - 1) })
    }
}

fn score(word: &Word, text: &str) -> Option<u32> {
    let id_ends = text.find(BOUNDARY).unwrap_or(text.len());
    let placed = |score: u32, at: usize| if at < id_ends { score } else { score - IN_NAME };
    let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut best = None;
    for (at, found) in text.match_indices(&word.text) {
        let begins = !is_inside(text[..at].chars().next_back());
        let ends = !is_inside(text[at + found.len()..].chars().next());
        let score = match (begins, ends) {
            (true, true) => WHOLE,
            (true, false) => BEGINNING,
            _ => INSIDE,
        };
        best = best.max(Some(placed(score, at)));
    }
    if best.is_some() {
        return best;
    }
    let mut starts = beginnings(text).filter(|at| begins_squeezed(&text[*at..], &word.squeezed));
    if let Some(at) = starts.next() {
        return Some(placed(SQUEEZED, at));
    }
    let mut tokens = text.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty());
    if word.typos > 0 && tokens.any(|token| is_typo_of(word, token)) {
        return Some(TYPO);
    }
    let is_scattered = beginnings(text).any(|at| is_scattered(&word.letters, &text[at..]));
    is_scattered.then_some(SCATTERED)
}

/// Where words begin.
fn beginnings(text: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    text.char_indices().filter_map(move |(at, c)| {
        let begins = c.is_alphanumeric() && !before.is_alphanumeric();
        before = c;
        begins.then_some(at)
    })
}

/// Whether a text begins with this, once punctuation is left out.
fn begins_squeezed(text: &str, squeezed: &str) -> bool {
    let mut letters = text.chars().take_while(|c| *c != BOUNDARY).filter(|c| c.is_alphanumeric());
    !squeezed.is_empty() && squeezed.chars().all(|wanted| letters.next() == Some(wanted))
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a word is a token, or its beginning, but for the typos that are forgiven.
fn is_typo_of(word: &Word, token: &str) -> bool {
    let (length, typos) = (word.letters.len(), word.typos);
    // A character is a byte at least.
    if token.len() + typos < length {
        return false;
    }
    let token: Vec<char> = token.chars().take(length + typos).collect();
    // Every beginning of the token that is about as long as the word.
    token.len() + typos >= length
        && distances(&word.letters, &token)[length - typos..].iter().any(|d| *d <= typos)
}

/// The edit distances (a swap of neighbours is one edit) from a word to each beginning of a token, the empty
/// one first.
fn distances(word: &[char], token: &[char]) -> Vec<usize> {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=token.len()).collect();
    for (i, letter) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in token.iter().enumerate() {
            let mut distance = (last[j] + usize::from(letter != other)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == token[j - 1] && word[i - 1] == *other {
                distance = distance.min(before_last[j - 1] + 1);
            }
            row.push(distance);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last
}

/// Whether a name is probably a known one that was misspelt: for providers that keep names newer than they
/// are, and refuse typos.
///
/// Letter case and punctuation do not count; beyond that one edit may be between the two (a letter more, less
/// or another, two neighbours swapped), or two where the known name has eight letters or more. The known name
/// itself is no misspelling.
///
/// ```
/// use provider_core::author::is_misspelling;
///
/// assert!(is_misspelling("allowFallback", "allow_fallbacks"));
/// assert!(!is_misspelling("order_by", "order"));
/// ```
pub fn is_misspelling(name: &str, known: &str) -> bool {
    /// The letters of a known name from which on two edits are one typo.
    const LONG: usize = 8;
    let letters = |text: &str| -> Vec<char> {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let (word, token) = (letters(name), letters(known));
    let edits = if token.len() >= LONG { 2 } else { 1 };
    // The table is as large as the two are long.
    name != known
        && word.len().abs_diff(token.len()) <= edits
        && distances(&word, &token).last().is_some_and(|distance| *distance <= edits)
}

/// Whether the letters come in order and close together from the beginning on: `cldsnt` in `claude-sonnet`.
fn is_scattered(letters: &[char], text: &str) -> bool {
    let mut wanted = letters.iter().peekable();
    let near = text.chars().take_while(|c| *c != BOUNDARY).take(letters.len() * 2 + 1);
    for (place, c) in near.enumerate() {
        if wanted.next_if(|letter| **letter == c).is_none() && place == 0 {
            return false;
        }
    }
    letters.len() >= 3 && wanted.peek().is_none()
}
