//! Words and numbers of the user's text, for generated answers and arguments.

/// Stop words: they carry no meaning.
const STOP_WORDS: [&str; 34] = [
    "about", "after", "also", "and", "are", "can", "could", "does", "for", "from", "give", "have", "how",
    "into", "just", "please", "tell", "that", "the", "there", "this", "use", "using", "want", "what", "when",
    "where", "which", "will", "with", "would", "you", "your", "get",
];

/// The words that carry meaning, in lower case. `camelCase` and `snake_case` are split.
pub(crate) fn keywords(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len());
    let mut previous_is_small = false;
    for character in text.chars() {
        if character.is_uppercase() && previous_is_small {
            spaced.push(' ');
        }
        spaced.push(character);
        previous_is_small = character.is_lowercase();
    }
    let words = spaced.split(|character: char| !character.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| is_keyword(word)).collect()
}

fn is_keyword(word: &str) -> bool {
    let long_enough = if word.is_ascii() { word.len() >= 3 } else { word.chars().count() >= 2 };
    long_enough && !STOP_WORDS.contains(&word)
}

/// Iterates over the words and the numbers of a text.
#[derive(Debug)]
pub(crate) struct Words {
    words: Vec<String>,
    numbers: Vec<f64>,
    next_word: usize,
    next_number: usize,
}

impl Words {
    pub(crate) fn of(text: &str) -> Self {
        let plain = |character: char| !character.is_alphanumeric() && character != '-';
        let all: Vec<&str> = text.split(plain).filter(|word| !word.is_empty()).collect();
        let is_name = |word: &&&str| word.chars().next().is_some_and(char::is_uppercase);
        // Capitalised words are mostly names (Paris, 東京), which arguments are mostly about: they come first.
        // The first word of a sentence is capitalised anyway.
        let names = all.iter().skip(1).filter(is_name);
        let others = all.iter().filter(|word| is_keyword(&word.to_lowercase()));
        let mut words: Vec<String> = Vec::new();
        for word in names.chain(others).filter(|word| word.parse::<f64>().is_err()) {
            if !words.iter().any(|known| known == word) {
                words.push((*word).to_owned());
            }
        }
        let digits = |character: char| !character.is_ascii_digit() && character != '.' && character != '-';
        let numbers = text.split(digits).filter_map(|part| part.trim_end_matches('.').parse().ok()).collect();
        Self { words, numbers, next_word: 0, next_number: 0 }
    }

    /// The next word, from the start again after the last one; `fallback` if there is none.
    pub(crate) fn word(&mut self, fallback: &str) -> String {
        let word = self.words.get(self.next_word % self.words.len().max(1));
        self.next_word += 1;
        word.map_or_else(|| fallback.to_owned(), Clone::clone)
    }

    /// The next number, if one is left.
    pub(crate) fn number(&mut self) -> Option<f64> {
        self.next_number += 1;
        self.numbers.get(self.next_number - 1).copied()
    }
}

/// Joins a text into one line of about `limit` characters, cut at the end of a word if there is one.
pub(crate) fn quote(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((cut, _)) = line.char_indices().nth(limit) else { return line };
    let head = &line[..cut];
    let end = head.rfind(' ').filter(|at| *at > 0).unwrap_or(cut);
    format!("{}…", &head[..end])
}

#[cfg(test)]
mod tests {
    use super::{Words, keywords, quote};

    #[test]
    fn keywords_split_names_and_drop_stop_words() {
        assert_eq!(keywords("getWeather get_current_time"), ["weather", "current", "time"]);
        assert_eq!(keywords("What is the Weather?"), ["weather"]);
    }

    #[test]
    fn names_come_before_other_words() {
        let mut words = Words::of("How warm is it in Paris, with 2 coats or 3.5?");
        assert_eq!([words.word(""), words.word(""), words.word("")], ["Paris", "warm", "coats"]);
        assert_eq!([words.number(), words.number(), words.number()], [Some(2.0), Some(3.5), None]);
        assert_eq!(Words::of("").word("spare"), "spare");
    }

    #[test]
    fn quote_cuts_between_words_or_characters() {
        assert_eq!(quote("a  b\nc", 9), "a b c");
        assert_eq!(quote("one two three", 9), "one two…");
        assert_eq!(quote("東京の天気はどうですか", 4), "東京の天…");
    }
}
