//! The reader: a cursor over a JSON text that hands out the text of each value.

use std::borrow::Cow;

use memchr::memchr2;
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::text::unescape;

/// A cursor over a JSON text. It keeps no state but its position, and does not recurse.
///
/// `None` from any method says that the text is no JSON from here on. There is no error to look into, since
/// building one costs time on the path that succeeds: whoever wants the words for what is wrong parses the
/// text again with `serde_json`, as [`from_str`] does.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// A type that can be read from JSON, and may borrow from it.
pub trait FromJson<'a>: Sized {
    /// Reads the next value. `None`: the text is no JSON. A lenient type takes a value of any type.
    fn from_json(reader: &mut Reader<'a>) -> Option<Self>;
}

/// Reads a text that is one value.
///
/// # Errors
/// When it is no JSON, or something comes after the value.
pub fn from_str<'a, T: FromJson<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let mut reader = Reader::new(text);
    let value = T::from_json(&mut reader).filter(|_| reader.is_at_end());
    value.ok_or_else(|| match serde_json::from_str::<&RawValue>(text) {
        Err(cause) => cause,
        Ok(_) => serde_json::Error::custom("a value cannot be read"),
    })
}

/// Reads a text that is one object.
///
/// # Errors
/// When it is none.
pub fn object_from_str<'a, T: FromJson<'a>>(text: &'a str) -> Result<T, serde_json::Error> {
    let object = from_str(text)?;
    match Reader::new(text).peek() {
        Some(b'{') => Ok(object),
        _ => Err(serde_json::Error::custom("it is JSON, and no object")),
    }
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of a text.
    #[inline]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of the next value.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte()
    }

    /// Returns the text behind the values that were read.
    #[inline]
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether nothing comes any more.
    #[inline]
    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The text of the next value, whatever it is.
    #[inline]
    pub fn value(&mut self) -> Option<&'a str> {
        self.skip_space();
        let from = self.at;
        self.skip_value()?;
        self.text.get(from..self.at)
    }

    /// The next value, and its text.
    pub fn value_with_text<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<(T, &'a str)> {
        self.skip_space();
        let from = self.at;
        let value = read(self)?;
        Some((value, self.text.get(from..self.at)?))
    }

    /// The inside of the next value, which must be a string, escapes and all.
    #[inline]
    pub fn string(&mut self) -> Option<&'a str> {
        self.quoted().map(|(inside, _)| inside)
    }

    /// Reads the next value, which must be a string, and decodes its escapes.
    #[inline]
    pub fn text(&mut self) -> Option<Cow<'a, str>> {
        self.quoted().map(|(inside, is_escaped)| match is_escaped {
            true => Cow::Owned(unescape(inside)),
            false => Cow::Borrowed(inside),
        })
    }

    /// The inside of a string, and whether there are escapes in it.
    #[inline]
    fn quoted(&mut self) -> Option<(&'a str, bool)> {
        self.expect_byte(b'"')?;
        let bytes = self.text.as_bytes();
        let (from, mut is_escaped) = (self.at, false);
        loop {
            self.at += plain_length(bytes.get(self.at..)?);
            self.at += match bytes.get(self.at)? {
                b'"' => break,
                b'\\' => match bytes.get(self.at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' if bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                    _ => return None,
                },
                // A control character.
                _ => return None,
            };
            is_escaped = true;
        }
        let inside = self.text.get(from..self.at)?;
        self.at += 1;
        Some((inside, is_escaped))
    }

    /// Reads an object. `each` gets a name, and has to read the value. [`list`](Self::list) has the same loop
    /// with other brackets; one helper for both would take a closure in a closure.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.expect_byte(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let name = self.text()?;
            self.expect_byte(b':')?;
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
    pub fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect_byte(b'[')?;
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

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    #[inline]
    fn expect_byte(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Skips the name of a field, and the colon behind it.
    fn skip_name(&mut self) -> Option<()> {
        self.quoted()?;
        self.expect_byte(b':')
    }

    /// Skips a value with all that is in it, however deep.
    #[inline]
    fn skip_value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' | b'[' => self.skip_nested(),
            _ => self.skip_scalar(),
        }
    }

    #[inline]
    fn skip_scalar(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' => self.quoted().map(drop),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number(),
        }
    }

    /// Skips an object or a list.
    fn skip_nested(&mut self) -> Option<()> {
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
                _ => self.skip_scalar()?,
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

    fn literal(&mut self, word: &str) -> Option<()> {
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

/// Returns how many bytes stand before the first that is no plain part of a string: a quote, a backslash or a
/// control character. All of them, if there is none.
///
/// Most strings of a wire are a word, for which a search by vectors takes longer to set up than to run. So
/// the first bytes are looked at eight at a time.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    /// How many bytes are looked at by words.
    const NEAR: usize = 32;

    let mut at = 0;
    while at < NEAR {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return at + bytes[at..].iter().take_while(|byte| !is_special(**byte)).count();
        };
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += size_of::<u64>();
    }
    let far = &bytes[at..];
    let far = &far[..memchr2(b'"', b'\\', far).unwrap_or(far.len())];
    // Branch-free, so that it vectorises: quicker than a search that stops at the first.
    let has_control = far.iter().fold(false, |found, byte| found | (*byte < b' '));
    match has_control {
        true => at + far.iter().take_while(|byte| !is_special(**byte)).count(),
        false => at + far.len(),
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..b' ')
}

/// Sets the highest bit of each special byte of a word. Bits above the lowest that is set can be wrong, since
/// the subtractions borrow; the lowest is right.
fn specials(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    let is_zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let is_control = word.wrapping_sub(EACH * 0x20) & !word;
    (is_zero(word ^ (EACH * 0x22)) | is_zero(word ^ (EACH * 0x5c)) | is_control) & (EACH * 0x80)
}

/// The objects and lists that a value is in: a stack of one bit a level. The first 64 levels take no
/// allocation.
#[derive(Debug, Default)]
struct Nesting {
    /// The innermost levels, up to 64, the innermost in the lowest bit. A bit is set for an object.
    near: u64,
    depth: usize,
    /// The levels around them, by 64.
    far: Vec<u64>,
}

impl Nesting {
    /// Goes into an object, or into a list.
    fn enter(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(is_object);
        self.depth += 1;
    }

    /// Goes out of the innermost.
    fn leave(&mut self) {
        self.near >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth % 64 == 0 {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; nothing outside of all.
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.near & 1 == 1)
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
