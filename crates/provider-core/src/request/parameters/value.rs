//! The types of parameters.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use crate::{AudioOutput, Content, PromptCacheOptions, Reasoning, ResponseFormat, ToolChoice};

/// A parameter of a request that is set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Parameter<'a> {
    /// The field's name, which is OpenAI's and OpenRouter's name on the wire as well.
    pub name: &'static str,
    /// The value.
    pub value: ParameterRef<'a>,
    /// The range that the number, or each of the numbers, must be in, for every model. `None`: there is no
    /// such range.
    pub range: Option<RangeInclusive<f64>>,
}

/// The value of a parameter, by its type.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParameterRef<'a> {
    /// Yes or no.
    Flag(bool),
    /// A number. It need not be finite.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'a str),
    /// Texts in order; at least one.
    Texts(&'a [String]),
    /// Numbers by name; at least one. They need not be finite.
    NumberMap(&'a BTreeMap<String, f64>),
    /// Texts by name; at least one.
    TextMap(&'a BTreeMap<String, String>),
    /// The choice among the tools.
    ToolChoice(&'a ToolChoice),
    /// The form of the answer.
    ResponseFormat(&'a ResponseFormat),
    /// How much to think.
    Reasoning(&'a Reasoning),
    /// A text that is expected in the answer.
    Prediction(&'a Content),
    /// How a spoken answer sounds.
    Audio(&'a AudioOutput),
    /// How the prompt is cached.
    PromptCache(&'a PromptCacheOptions),
}

/// The place of a parameter in a request, by its type: absent is `None`, or empty.
///
/// Whole numbers have three types, so that a reader can tell a number that does not fit.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum ParameterMut<'a> {
    /// Yes or no.
    Flag(&'a mut Option<bool>),
    /// A number.
    Number(&'a mut Option<f64>),
    /// A whole number, 0 to 255.
    U8(&'a mut Option<u8>),
    /// A whole number, not below zero.
    U32(&'a mut Option<u32>),
    /// A whole number.
    I64(&'a mut Option<i64>),
    /// A text.
    Text(&'a mut Option<String>),
    /// Texts in order.
    Texts(&'a mut Vec<String>),
    /// Numbers by name.
    NumberMap(&'a mut BTreeMap<String, f64>),
    /// Texts by name.
    TextMap(&'a mut BTreeMap<String, String>),
    /// The choice among the tools.
    ToolChoice(&'a mut Option<ToolChoice>),
    /// The form of the answer.
    ResponseFormat(&'a mut Option<ResponseFormat>),
    /// How much to think.
    Reasoning(&'a mut Option<Reasoning>),
    /// A text that is expected in the answer.
    Prediction(&'a mut Option<Content>),
    /// How a spoken answer sounds.
    Audio(&'a mut Option<AudioOutput>),
    /// How the prompt is cached.
    PromptCache(&'a mut Option<PromptCacheOptions>),
}

/// The type of a field that is a parameter.
pub(super) trait Slot {
    /// Returns the value, if it is set.
    fn value(&self) -> Option<ParameterRef<'_>>;

    /// Returns the place, set or not.
    fn place(&mut self) -> ParameterMut<'_>;

    /// Writes the value in the stored form.
    fn store<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

macro_rules! slots {
    ($($type:ty: $place:ident, |$slot:ident| $value:expr;)*) => {
        $(impl Slot for $type {
            fn value(&self) -> Option<ParameterRef<'_>> {
                let $slot = self;
                $value
            }

            fn place(&mut self) -> ParameterMut<'_> {
                ParameterMut::$place(self)
            }

            fn store<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                slots!(@store $place, self, serializer)
            }
        })*
    };
    // `null`, which stands for a number that JSON lacks, is read as an absent `Option`, and not as an entry.
    (@store NumberMap, $slot:expr, $serializer:expr) => {
        $serializer.collect_map($slot.iter().filter(|(_, number)| number.is_finite()))
    };
    (@store $place:ident, $slot:expr, $serializer:expr) => {
        $slot.serialize($serializer)
    };
}

slots! {
    Option<bool>: Flag, |slot| slot.map(ParameterRef::Flag);
    Option<f64>: Number, |slot| slot.map(ParameterRef::Number);
    Option<u8>: U8, |slot| slot.map(|number| ParameterRef::Integer(number.into()));
    Option<u32>: U32, |slot| slot.map(|number| ParameterRef::Integer(number.into()));
    Option<i64>: I64, |slot| slot.map(ParameterRef::Integer);
    Option<String>: Text, |slot| slot.as_deref().map(ParameterRef::Text);
    Vec<String>: Texts, |slot| (!slot.is_empty()).then_some(ParameterRef::Texts(slot));
    BTreeMap<String, f64>: NumberMap, |slot| (!slot.is_empty()).then_some(ParameterRef::NumberMap(slot));
    BTreeMap<String, String>: TextMap, |slot| (!slot.is_empty()).then_some(ParameterRef::TextMap(slot));
    Option<ToolChoice>: ToolChoice, |slot| slot.as_ref().map(ParameterRef::ToolChoice);
    Option<ResponseFormat>: ResponseFormat, |slot| slot.as_ref().map(ParameterRef::ResponseFormat);
    Option<Reasoning>: Reasoning, |slot| slot.as_ref().map(ParameterRef::Reasoning);
    Option<Content>: Prediction, |slot| slot.as_ref().map(ParameterRef::Prediction);
    Option<AudioOutput>: Audio, |slot| slot.as_ref().map(ParameterRef::Audio);
    Option<PromptCacheOptions>: PromptCache, |slot| slot.as_ref().map(ParameterRef::PromptCache);
}
