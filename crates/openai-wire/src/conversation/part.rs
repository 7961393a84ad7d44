//! Reads the content of messages back.

use provider_core::{
    AudioPart, CacheBreakpoint, CacheMark, Content, FilePart, ImagePart, Part, ProviderJson, RawJson,
    TextPart, VideoPart,
};
use serde::Deserialize;

use super::exact::{Object, object};
use super::{fitting, text};

/// Reads a text, or a list of parts. An unknown part stays JSON, of this provider.
pub(super) fn content(raw: &RawJson, provider: &str) -> Option<Content> {
    match text(raw) {
        Some(text) => Some(Content::Text(text)),
        None => parts(raw, provider).map(Content::Parts),
    }
}

fn parts(raw: &RawJson, provider: &str) -> Option<Vec<Part>> {
    let list: Vec<RawJson> = fitting(raw)?;
    let part = |raw| part(&raw).unwrap_or_else(|| Part::Other(ProviderJson::new(provider, raw)));
    Some(list.into_iter().map(part).collect())
}

/// The mark of the prompt cache.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    r#type: String,
    ttl: Option<String>,
}

/// Converts the mark, if it is of the one known kind; the outer `None` says that it is not.
pub(super) fn cache(mark: Option<Object<Mark>>) -> Option<Option<CacheMark>> {
    match mark {
        None => Some(None),
        Some(Object(Mark { r#type, ttl })) if r#type == "ephemeral" => {
            Some(Some(ttl.map_or_else(CacheMark::default, CacheMark::ttl)))
        }
        Some(_) => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Breakpoint {
    mode: String,
    ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    url: String,
    detail: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Video {
    url: String,
    processing: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Audio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    filename: Option<String>,
    file_data: Option<String>,
    file_id: Option<String>,
}

/// The fields of all known parts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    text: Option<String>,
    image_url: Option<Object<Image>>,
    input_audio: Option<Object<Audio>>,
    file: Option<Object<File>>,
    video_url: Option<Object<Video>>,
    cache_control: Option<Object<Mark>>,
    prompt_cache_breakpoint: Option<Object<Breakpoint>>,
}

/// Reads a part of a known kind without unknown fields.
fn part(raw: &RawJson) -> Option<Part> {
    let wire: Wire = object(raw)?;
    let cache = cache(wire.cache_control)?;
    let breakpoint = match wire.prompt_cache_breakpoint {
        None => None,
        Some(Object(Breakpoint { mode, ttl })) if mode == "explicit" => {
            Some(ttl.map_or_else(CacheBreakpoint::default, CacheBreakpoint::ttl))
        }
        Some(_) => return None,
    };
    let data = (wire.text, wire.image_url, wire.input_audio, wire.file, wire.video_url);
    match (wire.r#type.as_str(), data) {
        ("text", (Some(text), None, None, None, None)) => {
            let mut part = TextPart::default();
            (part.text, part.cache, part.cache_breakpoint) = (text, cache, breakpoint);
            Some(Part::Text(part))
        }
        _ if breakpoint.is_some() => None,
        ("image_url", (None, Some(Object(image)), None, None, None)) => {
            let mut part = ImagePart::default();
            (part.url, part.detail, part.cache) = (image.url, image.detail, cache);
            Some(Part::Image(part))
        }
        ("input_audio", (None, None, Some(Object(audio)), None, None)) => {
            let mut part = AudioPart::default();
            (part.data, part.format, part.cache) = (audio.data, audio.format, cache);
            Some(Part::Audio(part))
        }
        ("file", (None, None, None, Some(Object(file)), None)) => {
            let mut part = FilePart::default();
            (part.filename, part.data, part.id, part.cache) =
                (file.filename, file.file_data, file.file_id, cache);
            Some(Part::File(part))
        }
        ("video_url", (None, None, None, None, Some(Object(Video { url, processing })))) => {
            let mut part = VideoPart::default();
            (part.url, part.processing, part.cache) = (url, processing, cache);
            Some(Part::Video(part))
        }
        _ => None,
    }
}
