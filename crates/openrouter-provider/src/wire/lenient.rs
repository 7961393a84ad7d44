//! Reading JSON that is not quite what was agreed.
//!
//! An odd value in one field must not cost the answer that was paid for, so nothing in here fails on a value
//! of the wrong type: a text where a number was due is read as the number it spells, and what makes no sense
//! reads as absent. Everything borrows from the input.

use std::borrow::Cow;

use provider_core::RawJson;

use super::json::{Json, Read, plain};

/// A text. Numbers read as their digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Str<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'a> Str<'a> {
    /// The text, or the empty one.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The text, unless it is absent or empty.
    pub(crate) fn filled(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text itself, or the empty one.
    pub(crate) fn into_cow(self) -> Cow<'a, str> {
        self.0.unwrap_or_default()
    }
}

impl<'a> Read<'a> for Str<'a> {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        match json.peek()? {
            b'"' => json.plain_text().map(|text| Str(Some(text))),
            _ => json.value().map(|value| Str(unquote(value))),
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

/// A count. Whole floats and texts of digits read as the number they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'a> Read<'a> for Count {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        Str::read(json).map(|text| Count(text.filled().map(str::trim).and_then(count)))
    }
}

fn count(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .or_else(|| float(text).filter(|number| number.fract() == 0.0).map(|number| number as u64))
}

/// A moment in seconds since 1970. A fraction reads as the second that it lies in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Option<u64>);

impl<'a> Read<'a> for Moment {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        let second = |text: &str| text.parse().ok().or_else(|| float(text).map(|number| number as u64));
        Str::read(json).map(|text| Moment(text.filled().map(str::trim).and_then(second)))
    }
}

/// A number that is not negative, and not so large that a float cannot count in ones.
fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number| (0.0..9e15).contains(number))
}

/// A truth value. Texts and the numbers 0 and 1 read as the value they stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) Option<bool>);

impl<'a> Read<'a> for Flag {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        let value = json.value()?;
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
pub(crate) struct Raw<'a>(pub(crate) Option<&'a str>);

impl<'a> Raw<'a> {
    /// A value from a text that is known to be JSON.
    pub(crate) fn of(json: &'a str) -> Self {
        Raw(Some(json).filter(|json| *json != "null"))
    }

    /// The value's JSON text.
    pub(crate) fn get(self) -> Option<&'a str> {
        self.0
    }

    /// The value, to be kept.
    pub(crate) fn keep(self) -> Option<RawJson> {
        self.0.map(RawJson::from_checked)
    }

    /// The text that the value spells.
    pub(crate) fn text(self) -> Str<'a> {
        Str(self.get().and_then(unquote))
    }

    /// The inside of a string, escapes and all.
    pub(crate) fn string(self) -> Option<&'a str> {
        self.get()?.strip_prefix('"')?.strip_suffix('"')
    }

    /// The digits of a number.
    pub(crate) fn number(self) -> Option<&'a str> {
        self.get().filter(|json| json.starts_with(|first: char| first == '-' || first.is_ascii_digit()))
    }

    /// The value's text: the inside of a string, escapes and all, or the digits of a number.
    pub(crate) fn inside(self) -> Option<&'a str> {
        self.string().or_else(|| self.number())
    }

    /// Whether the value says nothing: it is absent, or an empty string.
    pub(crate) fn is_blank(self) -> bool {
        matches!(self.0, None | Some("\"\""))
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('['))
    }

    /// Whether the value is an object.
    pub(crate) fn is_object(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('{'))
    }

    /// Whether the value is a string.
    pub(crate) fn is_string(self) -> bool {
        self.get().is_some_and(|json| json.starts_with('"'))
    }

    /// The value as `T`; absent when it is.
    pub(crate) fn read<T: Read<'a> + Default>(self) -> Option<T> {
        // The text was found to be JSON when it was first read, and lenient types take any JSON.
        self.0.map(|text| T::read(&mut Json::new(text)).unwrap_or_default())
    }

    /// Hands the items of a list to `each`. An object stands for the list with it alone, anything else for
    /// none.
    pub(crate) fn for_each<T: Read<'a>>(self, mut each: impl FnMut(T)) {
        let Some(text) = self.0 else { return };
        let mut json = Json::new(text);
        // As in `read`: this cannot fail on lenient items.
        let _ = match text.as_bytes().first() {
            Some(b'[') => json.list(|json| T::read(json).map(&mut each)),
            Some(b'{') => T::read(&mut json).map(&mut each),
            _ => None,
        };
    }
}

impl<'a> Read<'a> for Raw<'a> {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        json.value().map(Raw::of)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    /// `null` is absent.
    fn read(json: &mut Json<'a>) -> Option<Self> {
        match json.peek()? {
            b'n' => json.value().map(|_| None),
            _ => T::read(json).map(Some),
        }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Box<T> {
    fn read(json: &mut Json<'a>) -> Option<Self> {
        T::read(json).map(Box::new)
    }
}

/// Fields that have no place of their own, unread, without the `null`s.
pub(crate) type Unknown<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Declares an object of the wire: a struct whose fields are all lenient, and the rest in `unknown`.
///
/// Names in `skip` are known and of no use. A value that is no object reads as one without fields.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident<'a> { $($(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal),* $(,)? }
        $(skip $skip:pat)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $($(#[$field_meta])* pub(crate) $field: $type,)*
            /// What has no place of its own.
            pub(crate) unknown: $crate::wire::lenient::Unknown<'a>,
        }

        impl<'a> $crate::wire::json::Read<'a> for $name<'a> {
            fn read(json: &mut $crate::wire::json::Json<'a>) -> Option<Self> {
                let mut object = Self::default();
                if json.peek()? != b'{' {
                    return json.value().map(|_| object);
                }
                json.object(|json, name| {
                    match &*name {
                        $($key => object.$field = $crate::wire::json::Read::read(json)?,)*
                        $($skip => drop(json.value()?),)?
                        _ => {
                            if let Some(value) = $crate::wire::lenient::Raw::of(json.value()?).get() {
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
pub(super) use object;

/// The first item of a list that `wanted` takes; the others are skipped. An object stands for the list with
/// it alone, anything else has no items.
pub(crate) fn first<'a, T: Read<'a>>(json: &mut Json<'a>, wanted: impl Fn(&T) -> bool) -> Option<Option<T>> {
    match json.peek()? {
        b'[' => {}
        b'{' => return T::read(json).map(|item| Some(item).filter(wanted)),
        _ => return json.value().map(|_| None),
    }
    let mut found = None;
    json.list(|json| {
        match &found {
            None => found = Some(T::read(json)?).filter(&wanted),
            Some(_) => drop(json.value()?),
        }
        Some(())
    })?;
    Some(found)
}
