//! Types that take a value of any type, and what they make of it.

use std::borrow::Cow;

use crate::reader::{FromJson, Reader};
use crate::text::plain;

/// A text. A number reads as its digits, anything else as absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, or the empty one.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The text, unless it is absent or empty.
    pub fn filled(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text itself, or the empty one.
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0.unwrap_or_default()
    }
}

impl<'a> FromJson<'a> for Text<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        match reader.peek()? {
            b'"' => reader.text().map(|text| Text(Some(text))),
            _ => reader.value().map(|value| Text(unquote(value))),
        }
    }
}

/// The text that a JSON value spells: a string's, or a number's digits. A text without escapes is borrowed,
/// and one with escapes is one allocation.
fn unquote(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => Some(plain(json.get(1..json.len().checked_sub(1)?)?)),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// A count. A whole float or a text of digits reads as the number that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub Option<u64>);

impl<'a> FromJson<'a> for Count {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let text = Text::from_json(reader)?;
        Some(Count(text.filled().and_then(|text| text.parse().ok().or_else(|| count(text.trim())))))
    }
}

fn count(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .or_else(|| float(text).filter(|number| number.fract() == 0.0).map(|number| number as u64))
}

/// A moment in whole seconds since 1970. A fraction reads as the second that it lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnixSeconds(pub Option<u64>);

impl<'a> FromJson<'a> for UnixSeconds {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let second = |text: &str| text.parse().ok().or_else(|| float(text).map(|number| number as u64));
        let text = Text::from_json(reader)?;
        Some(UnixSeconds(text.filled().and_then(|text| text.parse().ok().or_else(|| second(text.trim())))))
    }
}

/// A number that is not negative, and not so large that a float cannot count in ones.
fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number| (0.0..9e15).contains(number))
}

/// A truth value. A text, and the numbers 0 and 1, read as the value that they stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

impl<'a> FromJson<'a> for Flag {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let value = reader.value()?;
        let word = unquote(value).unwrap_or(Cow::Borrowed(value));
        let is = |words: [&str; 2]| words.iter().any(|other| word.trim().eq_ignore_ascii_case(other));
        Some(Flag(match () {
            () if is(["true", "1"]) => Some(true),
            () if is(["false", "0"]) => Some(false),
            () => None,
        }))
    }
}

/// Any value, unread: its JSON text. `null` is absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw<'a>(pub Option<&'a str>);

impl<'a> Raw<'a> {
    /// A value from a text that is known to be JSON.
    pub fn of(json: &'a str) -> Self {
        Raw(Some(json).filter(|json| *json != "null"))
    }

    /// The value's JSON text.
    pub fn get(self) -> Option<&'a str> {
        self.0
    }

    /// The text that the value spells.
    pub fn text(self) -> Text<'a> {
        Text(self.get().and_then(unquote))
    }

    /// The inside of a string, escapes and all.
    pub fn string(self) -> Option<&'a str> {
        self.get()?.strip_prefix('"')?.strip_suffix('"')
    }

    /// The digits of a number.
    pub fn number(self) -> Option<&'a str> {
        self.get().filter(|json| json.starts_with(|first: char| first == '-' || first.is_ascii_digit()))
    }

    /// The value's text: the inside of a string, escapes and all, or the digits of a number.
    pub fn inside(self) -> Option<&'a str> {
        self.string().or_else(|| self.number())
    }

    /// Whether the value says nothing: it is absent, or an empty string.
    pub fn is_blank(self) -> bool {
        matches!(self.0, None | Some("\"\""))
    }

    /// Whether the value is a list.
    pub fn is_list(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('['))
    }

    /// Whether the value is an object.
    pub fn is_object(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('{'))
    }

    /// Whether the value is a string.
    pub fn is_string(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('"'))
    }

    /// The value as `T`; absent when it is.
    pub fn read<T: FromJson<'a> + Default>(self) -> Option<T> {
        // The text was found to be JSON when it was first read, and lenient types take any JSON.
        self.0.map(|text| T::from_json(&mut Reader::new(text)).unwrap_or_default())
    }

    /// Hands the items of a list to `each`. An object stands for the list with it alone, anything else for
    /// none.
    pub fn for_each<T: FromJson<'a>>(self, mut each: impl FnMut(T)) {
        let Some(text) = self.0 else { return };
        let mut reader = Reader::new(text);
        // As in `read`: this cannot fail on lenient items.
        let _ = match text.as_bytes().first() {
            Some(b'[') => reader.list(|reader| T::from_json(reader).map(&mut each)),
            Some(b'{') => T::from_json(&mut reader).map(&mut each),
            _ => None,
        };
    }
}

impl<'a> FromJson<'a> for Raw<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        reader.value().map(Raw::of)
    }
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Option<T> {
    /// `null` is absent.
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        match reader.peek()? {
            b'n' => reader.value().map(|_| None),
            _ => T::from_json(reader).map(Some),
        }
    }
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Box<T> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        T::from_json(reader).map(Box::new)
    }
}

/// Returns a text of its own; `None` for an absent or empty one.
pub fn owned(text: Text<'_>) -> Option<String> {
    text.filled().map(str::to_owned)
}

/// The texts of a list, without the empty ones. A text stands for the list with it alone; anything else is an
/// empty list.
#[derive(Debug, Default)]
pub struct Texts<T = String>(pub Vec<T>);

impl<'a, T: for<'t> From<&'t str>> FromJson<'a> for Texts<T> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        let mut texts = Vec::new();
        match reader.peek()? {
            b'[' => reader.list(|reader| {
                texts.extend(Text::from_json(reader)?.filled().map(T::from));
                Some(())
            })?,
            b'"' => texts.extend(Text::from_json(reader)?.filled().map(T::from)),
            _ => drop(reader.value()?),
        }
        Some(Texts(texts))
    }
}

/// Reads [`Texts`] of an unread value.
pub fn texts(raw: Raw<'_>) -> Vec<String> {
    raw.read::<Texts>().unwrap_or_default().0
}

/// Reads a finite number, or a text that spells one.
pub fn number(raw: Raw<'_>) -> Option<f64> {
    raw.text().filled()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads a whole number, which can be below zero. A whole float reads as the number that it is.
pub fn integer(raw: Raw<'_>) -> Option<i64> {
    let text = raw.text();
    let text = text.filled()?.trim();
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9e15;
    text.parse().ok().or_else(|| text.parse().ok().filter(whole).map(|number| number as i64))
}

/// Fields that have no place of their own, unread, without the `null`s.
pub type UnknownFields<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Declares an object of a wire: a struct whose fields are all lenient, and the rest in `unknown`.
///
/// Each field has a type that is [`FromJson`] and [`Default`], and the name that it has on the wire. Names
/// behind `skip` are known and of no use. A value that is no object reads as one without fields.
///
/// ```
/// use lenient_json::{Count, Text, from_str, object};
///
/// object! {
///     /// How much an answer used.
///     struct Usage<'a> {
///         model: Text<'a> = "model",
///         tokens: Count = "total_tokens",
///     }
///     skip "object" | "index"
/// }
///
/// // The number is a text here, which is as good.
/// let usage: Usage<'_> = from_str(r#"{"model":"m","total_tokens":"12","object":"usage","x":[1]}"#)?;
/// assert_eq!((usage.model.as_str(), usage.tokens.0), ("m", Some(12)));
/// assert_eq!(usage.unknown, [("x".into(), "[1]")]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! object {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident<'a> {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal),* $(,)?
        }
        $(skip $skip:pat)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name<'a> {
            $($(#[$field_meta])* $vis $field: $type,)*
            /// The fields that have no place of their own.
            $vis unknown: $crate::UnknownFields<'a>,
        }

        impl<'a> $crate::FromJson<'a> for $name<'a> {
            fn from_json(reader: &mut $crate::Reader<'a>) -> Option<Self> {
                let mut object = Self::default();
                if reader.peek()? != b'{' {
                    return reader.value().map(|_| object);
                }
                reader.object(|reader, name| {
                    match &*name {
                        $($key => object.$field = $crate::FromJson::from_json(reader)?,)*
                        $($skip => drop(reader.value()?),)?
                        _ => {
                            if let Some(value) = $crate::Raw::of(reader.value()?).get() {
                                object.unknown.push((name, value));
                            }
                        }
                    }
                    Some(())
                })?;
                Some(object)
            }
        }
    };
}

/// The first item of a list that `wanted` takes; the others are skipped. An object stands for the list with
/// it alone, anything else has no items.
pub fn first<'a, T: FromJson<'a>>(reader: &mut Reader<'a>, wanted: impl Fn(&T) -> bool) -> Option<Option<T>> {
    match reader.peek()? {
        b'[' => {}
        b'{' => return T::from_json(reader).map(|item| Some(item).filter(wanted)),
        _ => return reader.value().map(|_| None),
    }
    let mut found = None;
    reader.list(|reader| {
        match &found {
            None => found = Some(T::from_json(reader)?).filter(&wanted),
            Some(_) => drop(reader.value()?),
        }
        Some(())
    })?;
    Some(found)
}
