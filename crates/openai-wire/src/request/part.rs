//! The parts of a message as they are sent.

use provider_core::{
    AudioPart, CacheBreakpoint, CacheMark, Content, FilePart, ImagePart, Part, TextPart, VideoPart,
};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{List, unknown};

/// The content of a message: a plain string, or a list of parts.
pub(super) struct WireContent<'a>(pub(super) &'a Content);

impl Serialize for WireContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Content::Text(text) => serializer.serialize_str(text),
            Content::Parts(parts) => List(parts, WirePart).serialize(serializer),
        }
    }
}

/// A part of a message, borrowed.
pub(super) struct WirePart<'a>(pub(super) &'a Part);

impl Serialize for WirePart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Part::Text(TextPart { text, cache, cache_breakpoint, .. }) => {
                let mut part = serializer.serialize_map(None)?;
                part.serialize_entry("type", "text")?;
                part.serialize_entry("text", text)?;
                cached(&mut part, cache.as_ref())?;
                if let Some(CacheBreakpoint { ttl, .. }) = cache_breakpoint {
                    let breakpoint = Breakpoint { mode: "explicit", ttl: ttl.as_deref() };
                    part.serialize_entry("prompt_cache_breakpoint", &breakpoint)?;
                }
                part.end()
            }
            Part::Image(ImagePart { url, detail, cache, .. }) => {
                part(serializer, "image_url", &Image { url, detail: detail.as_deref() }, cache.as_ref())
            }
            Part::Audio(AudioPart { data, format, cache, .. }) => {
                part(serializer, "input_audio", &Audio { data, format }, cache.as_ref())
            }
            Part::File(FilePart { filename, data, id, cache, .. }) => {
                let file = File {
                    filename: filename.as_deref(),
                    file_data: data.as_deref(),
                    file_id: id.as_deref(),
                };
                part(serializer, "file", &file, cache.as_ref())
            }
            Part::Video(VideoPart { url, processing, cache, .. }) => {
                let video = Video { url, processing: processing.as_deref() };
                part(serializer, "video_url", &video, cache.as_ref())
            }
            Part::Other(other) => other.json().serialize(serializer),
            other => Err(unknown("content part", other)),
        }
    }
}

#[derive(Serialize)]
struct Image<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct Audio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Video<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    processing: Option<&'a str>,
}

#[derive(Serialize)]
struct Breakpoint<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

/// A part whose data stands under the name of its type.
fn part<S: Serializer>(
    serializer: S,
    kind: &'static str,
    data: &impl Serialize,
    cache: Option<&CacheMark>,
) -> Result<S::Ok, S::Error> {
    let mut part = serializer.serialize_map(None)?;
    part.serialize_entry("type", kind)?;
    part.serialize_entry(kind, data)?;
    cached(&mut part, cache)?;
    part.end()
}

/// Writes the mark for the prompt cache, if there is one.
pub(super) fn cached<M: SerializeMap>(object: &mut M, mark: Option<&CacheMark>) -> Result<(), M::Error> {
    #[derive(Serialize)]
    struct Mark<'a> {
        r#type: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<&'a str>,
    }
    match mark {
        Some(mark) => {
            object.serialize_entry("cache_control", &Mark { r#type: "ephemeral", ttl: mark.ttl.as_deref() })
        }
        None => Ok(()),
    }
}
