//! A reader of JSON that hands out the texts of values.
//!
//! An answer is read once, and what is in it is borrowed from it: a value is the slice of the text that it
//! stands in, checked to be JSON on the way. What a slice means is for [`lenient`](super::lenient) to say.
//! Written for this, and not taken from serde, since serde does not tell where a value begins and ends unless
//! it reads it twice.
//!
//! It takes what `serde_json` takes, which the tests hold against each other; the words for what is wrong
//! come from there.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::escape::unescape;
use super::nesting::Nesting;

/// A place in a JSON text. `None` from any of its methods: the text is no JSON from here on.
#[derive(Clone, Debug)]
pub(crate) struct Json<'a> {
    text: &'a str,
    at: usize,
}

/// What can be read from JSON.
pub(crate) trait Read<'a>: Sized {
    /// Reads the next value.
    fn read(json: &mut Json<'a>) -> Option<Self>;
}

/// Reads a text that is one value.
///
/// # Errors
/// When it is no JSON, or something comes after the value.
pub(crate) fn read<'a, T: Read<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let mut json = Json::new(text);
    let value = T::read(&mut json).filter(|_| json.is_at_end());
    value.ok_or_else(|| match serde_json::from_str::<&RawValue>(text) {
        Err(cause) => cause,
        Ok(_) => serde_json::Error::custom("a value cannot be read"),
    })
}

/// Reads a text that is one object.
///
/// # Errors
/// When it is none.
pub(crate) fn read_object<'a, T: Read<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let object = read(text)?;
    match Json::new(text).peek() {
        Some(b'{') => Ok(object),
        _ => Err(serde_json::Error::custom("it is JSON, and no object")),
    }
}

impl<'a> Json<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of the next value.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte()
    }

    /// What comes behind the values that were read.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing comes any more.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The text of the next value, whatever it is.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        self.skip_space();
        let from = self.at;
        self.skip_value()?;
        self.text.get(from..self.at)
    }

    /// The next value, and its text.
    pub(crate) fn with_text<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<(T, &'a str)> {
        self.skip_space();
        let from = self.at;
        let value = read(self)?;
        Some((value, self.text.get(from..self.at)?))
    }

    /// The inside of the next value, which must be a string, escapes and all.
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        self.quoted().map(|(inside, _)| inside)
    }

    /// What the next value spells, which must be a string.
    pub(crate) fn plain_text(&mut self) -> Option<Cow<'a, str>> {
        self.quoted().map(|(inside, is_escaped)| match is_escaped {
            true => Cow::Owned(unescape(inside)),
            false => Cow::Borrowed(inside),
        })
    }

    /// The inside of a string, and whether there are escapes in it.
    fn quoted(&mut self) -> Option<(&'a str, bool)> {
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        let (from, mut is_escaped) = (self.at, false);
        loop {
            self.at += memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
            if bytes[self.at] == b'"' {
                break;
            }
            is_escaped = true;
            self.at += match bytes.get(self.at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                b'u' if bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                _ => return None,
            };
        }
        let inside = self.text.get(from..self.at)?;
        self.at += 1;
        // All of them at once, which is quicker than to stop at the first.
        let has_control = inside.bytes().fold(false, |found, byte| found | (byte < b' '));
        (!has_control).then_some((inside, is_escaped))
    }

    /// Reads an object. `each` gets a name, and has to read the value.
    pub(crate) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let name = self.plain_text()?;
            self.take(b':')?;
            each(self, name)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Reads a list. `each` has to read an item.
    pub(crate) fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Skips the name of a field, and the colon behind it.
    fn skip_name(&mut self) -> Option<()> {
        self.quoted()?;
        self.take(b':')
    }

    /// Skips a value with all that is in it, however deep.
    fn skip_value(&mut self) -> Option<()> {
        let mut nesting = Nesting::default();
        loop {
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    if self.peek()? != b'}' {
                        nesting.enter(true);
                        self.skip_name()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek()? != b']' {
                        nesting.enter(false);
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => drop(self.quoted()?),
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            // The value is over, and perhaps what it is in.
            loop {
                let Some(in_object) = nesting.innermost() else { return Some(()) };
                match (self.peek()?, in_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.skip_name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        nesting.leave();
                    }
                    _ => return None,
                }
            }
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.byte()? == b'-' {
            self.at += 1;
        }
        match self.byte()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > from).then_some(())
    }
}

/// The text that the inside of a JSON string spells.
pub(crate) fn plain(inside: &str) -> Cow<'_, str> {
    let is_escaped = memchr(b'\\', inside.as_bytes()).is_some();
    if is_escaped { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) }
}

#[cfg(test)]
mod tests;
