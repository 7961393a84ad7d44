//! A borrowed, lenient reader of JSON, for wires that do not keep their schema.
//!
//! A service's answer was paid for, so an odd value in one field must not cost the rest. The types in here
//! take a value of any type: a [`Count`] reads `12`, `12.0` and `"12"` as 12 and anything else as absent. A
//! text that is no JSON at all is refused, exactly where `serde_json` refuses it.
//!
//! ```
//! use lenient_json::{Count, Raw, Text, from_str, object};
//!
//! object! {
//!     struct Chunk<'a> {
//!         id: Text<'a> = "id",
//!         created: Count = "created",
//!         choices: Raw<'a> = "choices",
//!     }
//! }
//!
//! let json = r#"{"id":"gen-1","created":"1764547200","choices":[{"index":0}],"provider":"OpenAI"}"#;
//! let chunk: Chunk<'_> = from_str(json)?;
//! assert_eq!(chunk.id.as_str(), "gen-1");
//! assert_eq!(chunk.created.0, Some(1_764_547_200));
//! assert_eq!(chunk.choices.get(), Some(r#"[{"index":0}]"#)); // unread, and checked to be JSON
//! assert_eq!(chunk.unknown, [("provider".into(), r#""OpenAI""#)]);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Why not serde
//!
//! A streamed answer is thousands of small documents, each read once. Three things make the difference:
//!
//! * A value can be left unread as the slice that it is ([`Raw`]), checked on the way. `serde_json` can do so
//!   too (`RawValue`), but not beside fields that are flattened or untagged without reading them twice.
//! * A struct keeps unknown fields as slices, in order, without a map.
//! * A template matcher needs to know where in the text a value stands ([`Locator`]).
//!
//! Everything borrows from the input; an escaped text is the only thing that is allocated.
//!
//! # Pieces
//!
//! [`Reader`] is the cursor, [`FromJson`] the trait of what it reads, [`object!`] declares a struct,
//! [`SurrogateJoiner`] joins texts that were cut inside a character, and [`without_non_finite`] repairs
//! documents with `NaN` in them.

mod lenient;
mod non_finite;
mod reader;
mod span;
mod text;

pub use lenient::{
    Count, Flag, Raw, Text, Texts, UnixSeconds, UnknownFields, first, integer, number, owned, texts,
};
pub use non_finite::{or_without_non_finite, without_non_finite};
pub use reader::{FromJson, Reader, from_str, object_from_str};
pub use span::{Locator, Span};
pub use text::{SurrogateJoiner, UNPAIRED, plain, split_high_surrogate};
