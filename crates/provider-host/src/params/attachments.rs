//! Attachments as flags: images, audio, files, videos.

use std::path::Path;

use clap::Args;
use provider_core::{Content, Error, Part};

use super::fill;
use crate::exit::Failure;
use crate::wording;

/// The attachments of a prompt.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Attachments")]
pub(crate) struct Attachments {
    /// An image to look at: a file (png, jpeg, webp, gif) or a URL; repeatable
    #[arg(long, value_name = "FILE|URL")]
    image: Vec<String>,

    /// A file to read, such as a PDF: a file or a URL; repeatable
    #[arg(long, value_name = "FILE|URL")]
    file: Vec<String>,

    /// A sound to hear: a file (wav, mp3, flac, m4a, ogg, aiff, aac); repeatable
    #[arg(long, value_name = "FILE")]
    audio: Vec<String>,

    /// A video to watch: a file (mp4, mpeg, mov, webm) or a URL; repeatable
    #[arg(long, value_name = "FILE|URL")]
    video: Vec<String>,
}

/// The endings of the names of images, sounds and videos. All else is a file.
const IMAGES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
const SOUNDS: [&str; 8] = ["wav", "mp3", "flac", "m4a", "ogg", "aiff", "aac", "opus"];
const VIDEOS: [&str; 4] = ["mp4", "mpeg", "mov", "webm"];

impl Attachments {
    /// Attaches a file or a URL, as what its name says it is.
    ///
    /// # Errors
    /// When it cannot be read, or is of a type that cannot be sent.
    pub(super) fn attach(&mut self, file: &str) -> Result<(), Failure> {
        let ending = Path::new(name(file)).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let ending = ending.to_lowercase();
        let mut one = Self::default();
        let list = match ending.as_str() {
            ending if IMAGES.contains(&ending) => &mut one.image,
            ending if SOUNDS.contains(&ending) => &mut one.audio,
            ending if VIDEOS.contains(&ending) => &mut one.video,
            _ => &mut one.file,
        };
        list.push(file.to_owned());
        // Reads it, so that a mistake is told now.
        one.content("")?;
        let Self { image, file, audio, video } = one;
        self.image.extend(image);
        self.file.extend(file);
        self.audio.extend(audio);
        self.video.extend(video);
        Ok(())
    }

    /// Fills what is not given with what `others` have.
    pub(super) fn fill(&mut self, others: Self) {
        let Self { image, file, audio, video } = others;
        fill!(self: image file audio video);
    }

    /// The prompt with its attachments; plain text if there are none.
    ///
    /// # Errors
    /// When a file cannot be read, or is of a type that cannot be sent.
    pub(super) fn content(&self, prompt: &str) -> Result<Content, Failure> {
        let mut parts = Vec::new();
        for image in &self.image {
            parts.push(part("--image", image, |url| Part::image_url(url), |_, bytes| Part::image(bytes))?);
        }
        for file in &self.file {
            let by_url = |url: &str| Part::file_url(name(url), url);
            parts.push(part("--file", file, by_url, |name, bytes| Part::file(name, bytes))?);
        }
        for audio in &self.audio {
            let bytes = read("--audio", audio)?;
            parts.push(Part::audio(bytes).map_err(|error| refused("--audio", audio, &error))?);
        }
        for video in &self.video {
            parts.push(part("--video", video, |url| Part::video_url(url), |_, bytes| Part::video(bytes))?);
        }
        if parts.is_empty() {
            return Ok(prompt.into());
        }
        // Models do best with the text before the media.
        parts.insert(0, Part::text(prompt));
        Ok(parts.into())
    }
}

/// The part for a URL, or for a file's bytes and name.
fn part(
    flag: &str,
    given: &str,
    by_url: impl Fn(&str) -> Part,
    by_bytes: impl Fn(&str, Vec<u8>) -> Result<Part, Error>,
) -> Result<Part, Failure> {
    if ["http://", "https://", "data:"].iter().any(|scheme| given.starts_with(scheme)) {
        return Ok(by_url(given));
    }
    by_bytes(name(given), read(flag, given)?).map_err(|error| refused(flag, given, &error))
}

fn read(flag: &str, file: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::Usage(format!("{flag} {file}: {error}")))
}

fn refused(flag: &str, file: &str, error: &Error) -> Failure {
    let problem = error.fields().first().map_or(error.message(), |field| &field.problem);
    Failure::Usage(format!("{flag} {file}: {}", wording::plain(problem)))
}

/// The last part of a path or a URL.
fn name(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("file")
}
