//! Records of the API: structs that are filled from the fields of a JSON object, one row for a field.

use lenient_json::{Count, Flag, FromJson, Raw, Reader, Text, Texts, integer, number, owned};
use openai_wire::amount;
use provider_core::{Effort, ShortText, Usd};

/// A struct that is read from a JSON object. [`record!`] and [`fields!`] write it from rows.
pub(crate) trait Record: Default {
    /// The names of the objects inside, whose fields are fields of the record.
    const INNER: &'static [&'static str];

    /// Reads the value of a field. `outer`: the object inside that has the field; empty for the record
    /// itself.
    fn read_field(&mut self, outer: &str, name: &str, reader: &mut Reader<'_>) -> Option<()>;

    /// Reads what has no row of its own: an object inside, or a value that is skipped.
    fn read_other(&mut self, outer: &str, name: &str, reader: &mut Reader<'_>) -> Option<()> {
        if outer.is_empty() && Self::INNER.contains(&name) {
            fill(self, name, reader)
        } else {
            reader.value().map(drop)
        }
    }
}

/// Reads a record. A value that is no object reads as one without fields.
pub(crate) fn read<R: Record>(reader: &mut Reader<'_>) -> Option<R> {
    let mut record = R::default();
    fill(&mut record, "", reader)?;
    Some(record)
}

/// Reads a record of an unread value.
pub(crate) fn of<R: Record>(raw: Raw<'_>) -> R {
    // The text was found to be JSON when it was first read.
    raw.get().and_then(|text| read(&mut Reader::new(text))).unwrap_or_default()
}

/// Hands the objects of a list to `read`. What is no object is skipped.
pub(crate) fn list<T>(list: Raw<'_>, read: fn(Raw<'_>) -> T) -> Vec<T> {
    let mut items = Vec::new();
    list.for_each(|item: Raw<'_>| items.extend(Some(item).filter(|item| item.is_object()).map(read)));
    items
}

fn fill<R: Record>(record: &mut R, outer: &str, reader: &mut Reader<'_>) -> Option<()> {
    if reader.peek()? != b'{' {
        return reader.value().map(drop);
    }
    reader.object(|reader, name| record.read_field(outer, &name, reader))
}

/// A type that a field of a record has: how a value of any JSON type is read as one. `None`: the text is no
/// JSON from here on.
pub(crate) trait Field: Sized {
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// Writes [`Field`] for types by way of a lenient type.
macro_rules! field_types {
    ($($type:ty: $wire:ty => $convert:expr;)*) => {$(
        impl Field for $type {
            fn read(reader: &mut Reader<'_>) -> Option<Self> {
                <$wire>::from_json(reader).map($convert)
            }
        }
    )*};
}

field_types! {
    String: Text<'_> => |text| text.into_cow().into_owned();
    Option<String>: Text<'_> => owned;
    Vec<String>: Texts => |texts| texts.0;
    Vec<ShortText>: Texts<ShortText> => |texts| texts.0;
    bool: Flag => |flag| flag.0 == Some(true);
    Option<bool>: Flag => |flag| flag.0;
    Option<u64>: Count => |count| count.0;
    Option<u16>: Count => |count| count.0.and_then(|number| number.try_into().ok());
    Option<i64>: Raw<'_> => integer;
    Option<f64>: Raw<'_> => number;
    Option<Usd>: Raw<'_> => amount;
    Option<Effort>: Text<'_> => |word| word.filled().map(Effort::from);
}

/// Says how a struct is read: `field = "its name on the wire"`, and for a field of an object inside
/// `in "the object's name"`. The field's type says how a value is read ([`Field`]), `as` says it where the
/// type has several meanings. A struct of `provider-core` has its fields there; [`record!`] declares one
/// here.
macro_rules! fields {
    ($name:ty { $($field:ident = $key:literal $(in $outer:literal)? $(as $wire:ty)?,)* }) => {
        impl $crate::record::Record for $name {
            const INNER: &'static [&'static str] = &[$($($outer,)?)*];

            fn read_field(
                &mut self,
                outer: &str,
                name: &str,
                reader: &mut lenient_json::Reader<'_>,
            ) -> Option<()> {
                match (outer, name) {
                    $(($crate::record::outer!($($outer)?), $key) => {
                        self.$field = $crate::record::value!(reader $(, $wire)?);
                    })*
                    _ => return self.read_other(outer, name, reader),
                }
                Some(())
            }
        }
    };
}

/// Declares a record with one row for a field: its documentation, its name in Rust and its type, and how it
/// is read, as in [`fields!`]. A field without a name on the wire is filled in by the code that reads the
/// record.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])*
            $field:ident: $type:ty $(= $key:literal $(in $outer:literal)? $(as $wire:ty)?)?,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        $crate::record::fields! {
            $name { $($($field = $key $(in $outer)? $(as $wire)?,)?)* }
        }
    };
}

/// The pattern of an object inside.
macro_rules! outer {
    () => {
        ""
    };
    ($outer:literal) => {
        $outer
    };
}

/// The value of a field: read by its type, or by a lenient type with an option in it.
macro_rules! value {
    ($reader:ident) => {
        $crate::record::Field::read($reader)?
    };
    ($reader:ident, $wire:ty) => {
        <$wire as lenient_json::FromJson>::from_json($reader)?.0
    };
}

pub(crate) use {fields, outer, record, value};
