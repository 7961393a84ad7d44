//! Parts that hold data: images, sounds, files, videos.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::media_type::{MediaType, Medium, audio_media_type, refused};
use super::{CacheMark, Part};
use crate::Error;

/// An image: png, jpeg, webp or gif.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImagePart {
    /// Where it is: an `https:` URL, or a `data:` URL with the image in it.
    pub url: String,
    /// How closely the model looks: `auto`, `low`, `high`, `original`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether the prompt up to here is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

/// A sound. There is no URL form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioPart {
    /// The data in base64, without any prefix.
    pub data: String,
    /// The format: `wav`, `mp3`, `flac`, `m4a`, `ogg`, `aiff`, `aac`, `pcm16`, `pcm24`.
    pub format: String,
    /// Whether the prompt up to here is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

/// A file: by its data or by the id it has at the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FilePart {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Where it is: an `https:` URL, or a `data:` URL with the file in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Its id at the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether the prompt up to here is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

/// A video: mp4, mpeg, mov or webm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VideoPart {
    /// Where it is: an `https:` URL, or a `data:` URL with the video in it. Which URLs work differs by model.
    pub url: String,
    /// How it is processed: `agentic`, where the model looks at what it needs, or `static`, frames at a fixed
    /// rate. `None`: as the service decides; most models have one way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing: Option<String>,
    /// Whether the prompt up to here is to be cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
}

/// Where the data of a part is, for a wire that has URLs and data in different places.
///
/// ```
/// use provider_core::MediaSource;
///
/// let link = MediaSource::parse("https://example.com/a.png");
/// assert_eq!(link, MediaSource::Url("https://example.com/a.png"));
/// let data = MediaSource::parse("data:image/png;base64,iVBORw0KGgo=");
/// assert_eq!(data, MediaSource::Base64 { media_type: "image/png", data: "iVBORw0KGgo=" });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaSource<'a> {
    /// At a URL. A `data:` URL that is not in base64 is one as well.
    Url(&'a str),
    /// In the part itself.
    Base64 {
        /// The media type without parameters (`image/png`); `text/plain` where the URL names none.
        media_type: &'a str,
        /// The data in base64, without any prefix.
        data: &'a str,
    },
    /// At the service, under this id.
    Id(&'a str),
}

impl<'a> MediaSource<'a> {
    /// Takes a `data:` URL in base64 apart, and leaves any other URL whole. The data itself is not checked.
    pub fn parse(url: &'a str) -> Self {
        Self::base64(url).unwrap_or(MediaSource::Url(url))
    }

    fn base64(url: &'a str) -> Option<Self> {
        let (head, data) = url.split_once(',')?;
        let is_data = head.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        let mut parameters = head.get(5..)?.split(';').map(str::trim);
        let media_type = parameters.next().filter(|name| !name.is_empty()).unwrap_or("text/plain");
        let is_base64 = parameters.next_back().is_some_and(|last| last.eq_ignore_ascii_case("base64"));
        (is_data && is_base64).then_some(MediaSource::Base64 { media_type, data })
    }
}

impl ImagePart {
    /// Where the image is.
    pub fn source(&self) -> MediaSource<'_> {
        MediaSource::parse(&self.url)
    }
}

impl AudioPart {
    /// The media type of the [format](Self::format): `audio/mpeg` for `mp3`. `None` for raw samples and for
    /// unknown formats.
    pub fn media_type(&self) -> Option<&'static str> {
        audio_media_type(&self.format)
    }
}

impl FilePart {
    /// Where the file is: its data counts before its id. `None` when it has neither.
    pub fn source(&self) -> Option<MediaSource<'_>> {
        let data = self.data.as_deref().map(MediaSource::parse);
        data.or_else(|| self.id.as_deref().map(MediaSource::Id))
    }
}

impl VideoPart {
    /// Where the video is.
    pub fn source(&self) -> MediaSource<'_> {
        MediaSource::parse(&self.url)
    }
}

impl Part {
    /// Makes an image part from a URL (`https:` or `data:`).
    pub fn image_url(url: impl Into<String>) -> Self {
        Part::Image(ImagePart { url: url.into(), ..ImagePart::default() })
    }

    /// Makes an image part from bytes, which tell the media type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) unless it is a png, jpeg, webp or gif.
    pub fn image(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let kind = MediaType::expect(Medium::Image, bytes)?;
        Ok(Self::image_url(data_url(kind.name, bytes)))
    }

    /// Sets how closely the model looks at an image: `auto`, `low`, `high` or `original`. Other parts stay as
    /// they are.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        if let Part::Image(image) = &mut self {
            image.detail = Some(detail.into());
        }
        self
    }

    /// Makes an audio part from bytes, which tell the format.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) unless it is a wav, mp3, flac, m4a,
    /// ogg, aiff or aac. For raw samples, which do not tell it, see
    /// [`audio_as`](Self::audio_as).
    pub fn audio(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let kind = MediaType::expect(Medium::Audio, bytes)?;
        Self::audio_as(kind.format, bytes)
    }

    /// Makes an audio part in a format that the caller knows: `pcm16`, for example.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when there is no data.
    pub fn audio_as(format: impl Into<String>, bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = filled("input_audio.data", bytes.as_ref())?;
        let (data, format) = (BASE64.encode(bytes), format.into());
        Ok(Part::Audio(AudioPart { data, format, ..AudioPart::default() }))
    }

    /// Makes a file part from a URL (`https:` or `data:`).
    pub fn file_url(filename: impl Into<String>, url: impl Into<String>) -> Self {
        let (filename, data) = (Some(filename.into()), Some(url.into()));
        Part::File(FilePart { filename, data, ..FilePart::default() })
    }

    /// Makes a file part from the id that the file has at the service.
    pub fn file_id(id: impl Into<String>) -> Self {
        Part::File(FilePart { id: Some(id.into()), ..FilePart::default() })
    }

    /// Makes a file part from bytes, a PDF for example. The bytes tell the media type, or else the name does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when there is no data, or when neither
    /// bytes nor name tell what it is.
    pub fn file(filename: impl Into<String>, bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let (filename, bytes) = (filename.into(), bytes.as_ref());
        let bytes = filled("file.file_data", bytes)?;
        let Some(kind) = MediaType::of_bytes(bytes).or_else(|| MediaType::of_name(&filename, bytes)) else {
            let what = format!(
                "{filename} is of no type that can be told from its bytes or its name; use `file_url`"
            );
            return Err(refused("file.file_data", what));
        };
        Ok(Self::file_url(filename, data_url(kind.name, bytes)))
    }

    /// Makes a video part from a URL (`https:` or `data:`).
    pub fn video_url(url: impl Into<String>) -> Self {
        Part::Video(VideoPart { url: url.into(), ..VideoPart::default() })
    }

    /// Sets how a video is processed: `agentic` or `static`. Other parts stay as they are.
    #[must_use]
    pub fn processing(mut self, processing: impl Into<String>) -> Self {
        if let Part::Video(part) = &mut self {
            part.processing = Some(processing.into());
        }
        self
    }

    /// Makes a video part from bytes, which tell the media type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) unless it is an mp4, mpeg, mov or
    /// webm.
    pub fn video(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let kind = MediaType::expect(Medium::Video, bytes)?;
        Ok(Self::video_url(data_url(kind.name, bytes)))
    }

    /// Makes a part from a file on this machine: an image, a sound, a video, or else a file. Reads it whole,
    /// and waits for the disk while it does.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) when it cannot be read, and what the
    /// other constructors refuse.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|cause| {
            refused("content", format!("{} cannot be read: {cause}", path.display())).with_source(cause)
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match MediaType::of_bytes(&bytes).map(|kind| kind.medium) {
            Some(Medium::Image) => Self::image(bytes),
            Some(Medium::Audio) => Self::audio(bytes),
            Some(Medium::Video) => Self::video(bytes),
            Some(Medium::File) | None => Self::file(name, bytes),
        }
    }
}

/// Writes data into a URL.
pub(crate) fn data_url(media_type: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{media_type};base64,");
    BASE64.encode_string(bytes, &mut url);
    url
}

fn filled<'a>(field: &str, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
    if bytes.is_empty() { Err(refused(field, "there is no data in it".to_owned())) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;
