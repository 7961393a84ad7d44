//! How the objects of the options are declared: every field is absent unless set, and is written under its
//! own name.

/// Declares objects: structs whose fields are all optional, with a setter for each. An object that is marked
/// `open` keeps the fields that it does not know in `extra`; others refuse them.
macro_rules! settings {
    ($(#[$meta:meta])* open $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
            /// The fields that are newer than this type. They are sent as they are.
            #[serde(flatten)]
            pub extra: std::collections::BTreeMap<String, provider_core::RawJson>,
        }

        $crate::options::settings::settings!(@setters $name { $($field: $type,)* });

        impl $name {
            /// The names of its fields.
            const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// The fields in `extra` that are probably one of the type, misspelt, each with that one.
            pub(crate) fn misspelt(&self) -> impl Iterator<Item = (&str, &'static str)> {
                self.extra.keys().filter_map(|name| {
                    let known = Self::NAMES.iter().find(|known| {
                        provider_core::author::is_misspelling(name, known)
                    })?;
                    Some((name.as_str(), *known))
                })
            }

            /// Sets a field that is newer than this type. The fields of the type count before it.
            #[must_use]
            pub fn extra(
                mut self,
                name: impl Into<String>,
                value: impl Into<provider_core::RawJson>,
            ) -> Self {
                self.extra.insert(name.into(), value.into());
                self
            }
        }

        // The derive buffers an object that is flattened, and JSON that is kept as it is cannot be read from
        // a buffer.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        while let Some(name) = map.next_key::<String>()? {
                            match name.as_str() {
                                $(stringify!($field) => read.$field = map.next_value()?,)*
                                _ => {
                                    read.extra.insert(name, map.next_value()?);
                                }
                            }
                        }
                        Ok(read)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
    (@setters $name:ident { $($field:ident: $type:ty,)* }) => {
        impl $name {
            /// Returns options of which none is set.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self#structfield.", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$type>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )*
        }
    };
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        $crate::options::settings::settings!(@setters $name { $($field: $type,)* });
    )*};
}

/// Declares words of the wire that are open to new ones.
macro_rules! words {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$word_meta:meta])* $variant:ident = $word:literal,)* }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_meta])* $variant,)*
            /// A word that is newer than this list.
            Other(String),
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $word,)*
                    $name::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => $name::$variant,)*
                    other => $name::Other(other.to_owned()),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(&*String::deserialize(deserializer)?))
            }
        }
    )*};
}

pub(super) use {settings, words};
