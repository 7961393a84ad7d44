//! Values that must never be seen: API keys.

use std::fmt;
use std::ops::Range;

use memchr::{memchr2_iter, memmem};
use secrecy::{ExposeSecret, SecretString};

/// A secret value such as an API key.
///
/// `Debug` and `Display` print `***`, it does not serialise, and the memory is wiped when the last copy is
/// dropped. Reading it takes an explicit [`expose`](Secret::expose), which is easy to search for in a review.
///
/// ```
/// use provider_core::Secret;
///
/// let key = Secret::new("sk-or-v1-abc");
/// assert_eq!(format!("{key} {key:?}"), "*** ***");
/// assert_eq!(key.expose(), "sk-or-v1-abc");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

/// The text that stands where a secret was.
const MASK: &str = "***";

impl Secret {
    /// Takes ownership of a secret value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself. Hand it to the transport and to nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `text` with every occurrence of this secret replaced by `***`, also where its characters are escaped
    /// as in JSON (`\u0073`, at any depth of JSON within JSON) or percent-encoded as in a URL (`%73`).
    ///
    /// For text that came from outside (a server may echo a key in its error message) before it is stored in
    /// an error or a log line. Secrets shorter than four bytes are left alone: replacing them would garble
    /// ordinary words, and no real key is that short.
    ///
    /// ```
    /// # use provider_core::Secret;
    /// let key = Secret::new("sk-or-v1-abc");
    /// assert_eq!(key.redact("no such key: sk-or-v1-abc"), "no such key: ***");
    /// assert_eq!(key.redact(r#"{"key":"\u0073k-or-v1-abc"}"#), r#"{"key":"***"}"#);
    /// ```
    pub fn redact(&self, text: &str) -> String {
        self.redacted(text).unwrap_or_else(|| text.to_owned())
    }

    /// The same for a text that is not needed any more: where the secret is not in it, nothing is copied.
    #[must_use]
    pub fn redact_owned(&self, text: String) -> String {
        self.redacted(&text).unwrap_or(text)
    }

    /// The same; `None` when the secret is not in the text.
    pub(crate) fn redacted(&self, text: &str) -> Option<String> {
        let mut clean = String::new();
        let mut copied = 0;
        for found in self.find_in(text) {
            clean.push_str(&text[copied..found.start]);
            clean.push_str(MASK);
            copied = found.end;
        }
        (copied > 0).then(|| clean + &text[copied..])
    }

    /// The place of this byte once the secret is taken out of a text. Within the secret it is the secret's
    /// beginning.
    pub(crate) fn redacted_offset(&self, text: &str, at: usize) -> usize {
        let mut moved = at;
        for found in self.find_in(text) {
            if found.end <= at {
                moved = (moved + MASK.len()).saturating_sub(found.len());
            } else {
                return moved.saturating_sub(at.saturating_sub(found.start));
            }
        }
        moved
    }

    /// Where in a text the secret is, plain or escaped. The ends are those of characters.
    pub(crate) fn find_in<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut search = Search::new(self.expose().as_bytes(), text.as_bytes());
        std::iter::from_fn(move || search.next())
    }
}

/// Finds a secret in a text. Nearly all texts are long and have none, so it looks at few of their bytes: a
/// place is a candidate only where the first [`MIN_LEN`] bytes stand as they are, or where one of them may be
/// an escape.
struct Search<'a> {
    secret: &'a [u8],
    text: &'a [u8],
    /// The end of the last find.
    at: usize,
    /// The first place from `at` on where the secret's first bytes stand as they are, if it is known.
    plain: Option<usize>,
}

impl<'a> Search<'a> {
    fn new(secret: &'a [u8], text: &'a [u8]) -> Self {
        Self { secret, text, at: 0, plain: None }
    }

    fn next(&mut self) -> Option<Range<usize>> {
        let first = self.secret.get(..MIN_LEN)?;
        loop {
            // An escape is longer than what it stands for, so a shorter text cannot have the secret in it.
            if self.text.len() - self.at < self.secret.len() {
                return None;
            }
            let plain = match self.plain.filter(|plain| *plain >= self.at) {
                Some(plain) => plain,
                None => memmem::find(&self.text[self.at..], first)
                    .map_or(self.text.len(), |skipped| self.at + skipped),
            };
            self.plain = Some(plain);
            let found = self.escaped_before(plain).or_else(|| self.match_at(plain));
            if let Some(found) = found {
                self.at = found.end;
                return Some(found);
            }
            // Also where there is none: then the rest is shorter than the secret.
            self.at = self.text.len().min(plain + 1);
        }
    }

    /// The first find that begins before `plain`, and so with an escape among its first bytes.
    fn escaped_before(&self, plain: usize) -> Option<Range<usize>> {
        let end = self.text.len().min(plain + MIN_LEN);
        let escapes =
            memchr2_iter(b'\\', b'%', self.text.get(self.at..end)?).map(|skipped| self.at + skipped);
        let mut starts = escapes
            .filter(|escape| escaped(&self.text[*escape..]).is_some())
            .flat_map(|escape| escape.saturating_sub(MIN_LEN - 1).max(self.at)..=escape)
            .filter(|start| *start < plain);
        starts.find_map(|start| self.match_at(start))
    }

    fn match_at(&self, start: usize) -> Option<Range<usize>> {
        end_of(self.secret, self.text, start).map(|end| start..end)
    }
}

/// Secrets of fewer bytes are not looked for.
const MIN_LEN: usize = 4;

/// How many backslashes an escape may begin with: JSON within JSON doubles them, and this is four times.
const MAX_BACKSLASHES: usize = 16;

/// The end of a secret that begins in `text` at `at`.
fn end_of(secret: &[u8], text: &[u8], mut at: usize) -> Option<usize> {
    for wanted in secret {
        let rest = text.get(at..)?;
        at += match rest.first() == Some(wanted) {
            true => 1,
            false => escaped(rest).filter(|(byte, _)| byte == wanted)?.1,
        };
    }
    Some(at)
}

/// The character that an escape stands for, and the length of the escape.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    if text.first() == Some(&b'%') {
        return Some((u8::try_from(hex(text.get(1..3)?)?).ok()?, 3));
    }
    let backslashes = text.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
    match text.get(backslashes).filter(|_| backslashes > 0)? {
        b'u' => {
            let character = hex(text.get(backslashes + 1..backslashes + 5)?)?;
            Some((u8::try_from(character).ok().filter(u8::is_ascii)?, backslashes + 5))
        }
        plain @ (b'/' | b'"') => Some((*plain, backslashes + 1)),
        _ => None,
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_escaped() {
        let key = Secret::new("sk/\"é-v1");
        for text in [
            r#"sk/"é-v1"#,
            r#"\u0073k/\"é-v1"#,
            r#"\u0073\u006B\/\"é-\u00761"#,
            r#"\\u0073k\\/\\\"é-v1"#,
            "%73k%2F%22%C3%A9-v1",
            "%73%6b%2f%22é%2Dv1",
        ] {
            assert_eq!(key.redact(&format!("é {text} é{text}")), "é *** é***", "{text}");
        }
        for text in ["", "sk/", "sk/\"é-v", "%73k%2", "\\u0073", "\\\\\\\\\\\\\\\\\\\\", "%", "%zz", "\\u00"]
        {
            assert_eq!(key.redacted(text), None, "{text}");
        }
        assert_eq!(Secret::new("abc").redacted("abc"), None, "too short to be a key");
        assert_eq!(key.redact_owned("é sk/\"é-v1".to_owned()), "é ***");
        assert_eq!(Secret::new("").redacted("abc"), None);
    }

    /// Every place of a text that the secret could begin at, one after the other.
    fn found_one_by_one(secret: &[u8], text: &[u8]) -> Vec<Range<usize>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            match end_of(secret, text, at) {
                Some(end) => {
                    found.push(at..end);
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    #[test]
    fn no_find_is_passed_over() {
        let secrets =
            ["sk-v1", "aaaa", "aaaab", "a%61a", r"a\\a", r"\u0061b", "%%%%", "ssk-s"].map(Secret::new);
        let pieces = [
            "sk-v1", "s", "k", "-", "aaaa", "a", "b", "%61", "%", r"\u0061", r"\\u0073", r"\", "é", r"\n",
            "%73k-",
        ];
        // Every text of four pieces.
        for number in 0..pieces.len().pow(4) {
            let text: String =
                (0..4).map(|digit| pieces[number / pieces.len().pow(digit) % pieces.len()]).collect();
            for secret in &secrets {
                let one_by_one = found_one_by_one(secret.expose().as_bytes(), text.as_bytes());
                let found: Vec<_> = secret.find_in(&text).collect();
                assert_eq!(found, one_by_one, "{} in {text}", secret.expose());
            }
        }
    }
}
