//! The parameters of a request, written by their type.

use provider_core::author::ParameterRef;
use serde::{Serialize, Serializer};

use super::part::WireContent;
use super::tool::{WireChoice, WireFormat, WireReasoning};
use super::unknown;

/// The value of a parameter.
pub(super) struct WireParameter<'a>(pub(super) ParameterRef<'a>);

impl Serialize for WireParameter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ParameterRef::Flag(flag) => serializer.serialize_bool(flag),
            ParameterRef::Number(number) => serializer.serialize_f64(number),
            ParameterRef::Integer(number) => serializer.serialize_i64(number),
            ParameterRef::Text(text) => serializer.serialize_str(text),
            ParameterRef::Texts(texts) => texts.serialize(serializer),
            ParameterRef::NumberMap(numbers) => numbers.serialize(serializer),
            ParameterRef::TextMap(texts) => texts.serialize(serializer),
            ParameterRef::ToolChoice(choice) => WireChoice(choice).serialize(serializer),
            ParameterRef::ResponseFormat(format) => WireFormat(format).serialize(serializer),
            ParameterRef::Reasoning(reasoning) => WireReasoning(reasoning).serialize(serializer),
            ParameterRef::Prediction(text) => {
                Prediction { r#type: "content", content: WireContent(text) }.serialize(serializer)
            }
            ParameterRef::Audio(audio) => {
                AudioOutput { format: &audio.format, voice: &audio.voice }.serialize(serializer)
            }
            ParameterRef::PromptCache(options) => {
                PromptCache { mode: &options.mode, ttl: options.ttl.as_deref() }.serialize(serializer)
            }
            other => Err(unknown("parameter", &other)),
        }
    }
}

#[derive(Serialize)]
struct Prediction<'a> {
    r#type: &'static str,
    content: WireContent<'a>,
}

#[derive(Serialize)]
struct AudioOutput<'a> {
    format: &'a str,
    voice: &'a str,
}

#[derive(Serialize)]
struct PromptCache<'a> {
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}
