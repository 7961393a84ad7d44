//! Reading JSON that is not quite what was agreed.
//!
//! An odd value in one field must not cost the answer that was paid for, so nothing in here fails on a value of the wrong
//! type: a text where a number was due is read as the number it spells, and what makes no sense reads as absent.
//! Everything borrows from the input.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use memchr::{memchr, memchr2};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::escape::unescape;

/// Generates the visitor methods for kinds of values that read as absent.
macro_rules! absent {
    ($($kind:ident)*) => { $($crate::wire::lenient::absent!(@ $kind);)* };
    (@ bool) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
    (@ numbers) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok(Default::default()) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
    (@ str) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
    (@ null) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Default::default()) }
    };
    (@ seq) => {
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
    (@ map) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}
pub(super) use absent;

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

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Str(unquote(raw.get())))
    }
}

/// The text that a JSON value spells: a string's, or a number's digits.
///
/// Taken from the raw value because serde_json would build an escaped string twice, in a buffer that grows and then in
/// the result; like this a text without escapes is borrowed, and one with escapes is one allocation.
fn unquote(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => Some(plain(json.get(1..json.len().checked_sub(1)?)?)),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// The text that the inside of a JSON string spells.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let is_escaped = memchr(b'\\', text.as_bytes()).is_some();
    if is_escaped { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) }
}

/// The inside of the JSON string that a text begins with, and what follows it. `None` when that is not a string, or not one that
/// JSON allows.
pub(crate) fn string_at_start(json: &str) -> Option<(&str, &str)> {
    let inside = json.strip_prefix('"')?;
    let bytes = inside.as_bytes();
    let mut end = 0;
    loop {
        end += memchr2(b'"', b'\\', bytes.get(end..)?)?;
        if bytes[end] == b'"' {
            break;
        }
        end += match bytes.get(end + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if bytes.get(end + 2..end + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return None,
        };
    }
    let (text, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
    let has_control = text.bytes().fold(false, |found, byte| found | (byte < b' '));
    (!has_control).then_some((text, rest))
}

/// A count. Whole floats and texts of digits read as the number they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Ok(Count(raw.text().filled().map(str::trim).and_then(count)))
    }
}

fn count(text: &str) -> Option<u64> {
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..9e15).contains(number);
    text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(whole).map(|number| number as u64))
}

/// A truth value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) Option<bool>);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Flag(match Raw::deserialize(deserializer)?.get() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }))
    }
}

/// Any value, unread. `null` is absent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw<'a>(pub(crate) Option<&'a RawValue>);

impl<'a> Raw<'a> {
    /// The value's JSON text.
    pub(crate) fn get(self) -> Option<&'a str> {
        self.0.map(RawValue::get)
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

    /// The value as `T`, which must be one of the lenient types.
    pub(crate) fn read<T: Deserialize<'a> + Default>(self) -> Option<T> {
        // The text was found to be JSON when it was first read, and lenient types take any JSON.
        self.get().map(|text| serde_json::from_str(text).unwrap_or_default())
    }

    /// Hands the items of a list to `each`. An object stands for the list with it alone, anything else for none.
    pub(crate) fn for_each<T: Deserialize<'a>>(self, mut each: impl FnMut(T)) {
        if self.is_object() {
            // As in `read`: this cannot fail on lenient items.
            self.get().and_then(|text| serde_json::from_str(text).ok()).into_iter().for_each(&mut each);
            return;
        }
        struct Items<T, F>(F, PhantomData<T>);
        impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Items<T, F> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
                while let Some(item) = seq.next_element()? {
                    self.0(item);
                }
                Ok(())
            }
            absent!(bool numbers str null map);
        }
        if let Some(text) = self.get() {
            let mut json = serde_json::Deserializer::from_str(text);
            // As in `read`: this cannot fail on lenient items.
            let _ = json.deserialize_any(Items(each, PhantomData));
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Raw(Some(raw).filter(|raw| raw.get() != "null")))
    }
}

/// The name of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a>(pub(crate) Cow<'a, str>);

impl Deref for Key<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// Fields that have no place of their own, unread, without the `null`s.
pub(crate) type Unknown<'a> = Vec<(Key<'a>, &'a RawValue)>;

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

        impl<'de: 'a, 'a> serde::de::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;
                impl<'de> serde::de::Visitor<'de> for Object {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<$crate::wire::lenient::Key<'de>>()? {
                            match &*key {
                                $($key => object.$field = map.next_value()?,)*
                                $($skip => drop(map.next_value::<serde::de::IgnoredAny>()?),)?
                                _ => {
                                    if let Some(value) = map.next_value::<$crate::wire::lenient::Raw<'de>>()?.0 {
                                        object.unknown.push((key, value));
                                    }
                                }
                            }
                        }
                        Ok(object)
                    }

                    $crate::wire::lenient::absent!(bool numbers str null seq);
                }
                deserializer.deserialize_any(Object)
            }
        }
    };
}
pub(super) use object;

/// The first item of a list that `wanted` takes; the others are skipped.
pub(crate) fn first<'de, T, A>(mut seq: A, wanted: impl Fn(&T) -> bool) -> Result<Option<T>, A::Error>
where
    T: Deserialize<'de>,
    A: SeqAccess<'de>,
{
    let mut found = None;
    while found.is_none() {
        match seq.next_element::<T>()? {
            Some(item) if wanted(&item) => found = Some(item),
            Some(_) => {}
            None => return Ok(None),
        }
    }
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(found)
}

/// The fields of an object in order, for objects that are kept as they are.
pub(crate) fn fields<'de, A: MapAccess<'de>>(
    mut map: A,
    mut each: impl FnMut(Key<'de>, &'de RawValue),
) -> Result<(), A::Error> {
    while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
        each(key, value);
    }
    Ok(())
}
