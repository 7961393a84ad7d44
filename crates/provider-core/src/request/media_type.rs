//! What data is, told from its first bytes.

use crate::{Error, FieldProblem};

/// What sort of thing data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    Image,
    Audio,
    Video,
    File,
}

/// A media type, and what the wire calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) medium: Medium,
    /// `image/png`, ….
    pub(super) name: &'static str,
    /// The wire's short word for the format of a sound.
    pub(super) format: &'static str,
    /// Whether the service takes it as what it is, rather than as a file.
    accepted: bool,
}

const fn kind(medium: Medium, name: &'static str, format: &'static str) -> MediaType {
    MediaType { medium, name, format, accepted: true }
}

const fn refused_kind(medium: Medium, name: &'static str) -> MediaType {
    MediaType { medium, name, format: "", accepted: false }
}

/// Pieces of a signature: where they stand, and what stands there.
type Signature = &'static [(usize, &'static [u8])];

/// The first that fits counts.
const SIGNATURES: &[(Signature, MediaType)] = &[
    (&[(0, b"\x89PNG\r\n\x1a\n")], kind(Medium::Image, "image/png", "png")),
    (&[(0, b"\xff\xd8\xff")], kind(Medium::Image, "image/jpeg", "jpeg")),
    (&[(0, b"GIF87a")], kind(Medium::Image, "image/gif", "gif")),
    (&[(0, b"GIF89a")], kind(Medium::Image, "image/gif", "gif")),
    (&[(0, b"RIFF"), (8, b"WEBP")], kind(Medium::Image, "image/webp", "webp")),
    (&[(0, b"BM"), (6, b"\0\0\0\0")], refused_kind(Medium::Image, "image/bmp")),
    (&[(0, b"II*\0")], refused_kind(Medium::Image, "image/tiff")),
    (&[(0, b"MM\0*")], refused_kind(Medium::Image, "image/tiff")),
    (&[(4, b"ftypheic")], refused_kind(Medium::Image, "image/heic")),
    (&[(4, b"ftypmif1")], refused_kind(Medium::Image, "image/heif")),
    (&[(4, b"ftypavif")], refused_kind(Medium::Image, "image/avif")),
    (&[(0, b"RIFF"), (8, b"WAVE")], kind(Medium::Audio, "audio/wav", "wav")),
    (&[(0, b"fLaC")], kind(Medium::Audio, "audio/flac", "flac")),
    (&[(0, b"OggS")], kind(Medium::Audio, "audio/ogg", "ogg")),
    (&[(0, b"FORM"), (8, b"AIFF")], kind(Medium::Audio, "audio/aiff", "aiff")),
    (&[(0, b"FORM"), (8, b"AIFC")], kind(Medium::Audio, "audio/aiff", "aiff")),
    (&[(4, b"ftypM4A")], kind(Medium::Audio, "audio/mp4", "m4a")),
    (&[(4, b"ftypM4B")], kind(Medium::Audio, "audio/mp4", "m4a")),
    (&[(0, b"ID3")], kind(Medium::Audio, "audio/mpeg", "mp3")),
    (&[(4, b"ftypqt  ")], kind(Medium::Video, "video/quicktime", "mov")),
    (&[(4, b"ftyp")], kind(Medium::Video, "video/mp4", "mp4")),
    (&[(0, b"\x1a\x45\xdf\xa3")], kind(Medium::Video, "video/webm", "webm")),
    (&[(0, b"\0\0\x01\xba")], kind(Medium::Video, "video/mpeg", "mpeg")),
    (&[(0, b"\0\0\x01\xb3")], kind(Medium::Video, "video/mpeg", "mpeg")),
    (&[(0, b"RIFF"), (8, b"AVI ")], refused_kind(Medium::Video, "video/x-msvideo")),
    (&[(0, b"%PDF-")], kind(Medium::File, "application/pdf", "pdf")),
];

/// Files that are known by their names alone, because they are text or a container of something.
const NAMES: &[(&str, &str)] = &[
    ("txt", "text/plain"),
    ("text", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

impl MediaType {
    /// What the bytes begin like.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let stands =
            |(at, piece): &(usize, &[u8])| bytes.get(*at..).is_some_and(|rest| rest.starts_with(piece));
        let known = SIGNATURES.iter().find(|(signature, _)| signature.iter().all(stands));
        known.map(|(_, kind)| *kind).or_else(|| mpeg_audio(bytes))
    }

    /// What the name says, and for other names whether it is text at all.
    pub(super) fn of_name(name: &str, bytes: &[u8]) -> Option<Self> {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
        let known = NAMES.iter().find(|(known, _)| *known == extension).map(|(_, name)| *name);
        let is_text = || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
        known.or_else(|| is_text().then_some("text/plain")).map(|name| kind(Medium::File, name, ""))
    }

    /// What the bytes are, if they are of this sort and the service takes them.
    pub(super) fn expect(medium: Medium, bytes: &[u8]) -> Result<Self, Error> {
        let (field, wanted) = match medium {
            Medium::Image => ("image_url.url", "png, jpeg, webp or gif"),
            Medium::Audio => ("input_audio.data", "wav, mp3, flac, m4a, ogg, aiff or aac"),
            Medium::Video => ("video_url.url", "mp4, mpeg, mov or webm"),
            Medium::File => ("file.file_data", "a file"),
        };
        match Self::of_bytes(bytes) {
            Some(kind) if kind.medium == medium && kind.accepted => Ok(kind),
            _ if bytes.is_empty() => {
                Err(refused(field, format!("there is no data in it; it must be {wanted}")))
            }
            Some(kind) => Err(refused(field, format!("is {}, but must be {wanted}", kind.name))),
            None => Err(refused(field, format!("is of no known type; it must be {wanted}"))),
        }
    }
}

/// MPEG audio without a tag in front: eleven set bits, then the version and the layer.
fn mpeg_audio(bytes: &[u8]) -> Option<MediaType> {
    let &[0xff, second, ..] = bytes else { return None };
    match second & 0b1111_0110 {
        // No layer: AAC in its stream form.
        0b1111_0000 => Some(kind(Medium::Audio, "audio/aac", "aac")),
        _ if second & 0b1110_0000 == 0b1110_0000 && second & 0b110 != 0 => {
            Some(kind(Medium::Audio, "audio/mpeg", "mp3"))
        }
        _ => None,
    }
}

pub(super) fn refused(field: &str, what: String) -> Error {
    Error::invalid_request(vec![FieldProblem::new(field, what)])
}

#[cfg(test)]
mod tests {
    use super::{MediaType, Medium};

    #[test]
    fn data_is_known_by_its_beginning() {
        let table: &[(&[u8], Medium, &str)] = &[
            (b"\x89PNG\r\n\x1a\n....", Medium::Image, "image/png"),
            (b"\xff\xd8\xff\xe0", Medium::Image, "image/jpeg"),
            (b"GIF89a..", Medium::Image, "image/gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Medium::Image, "image/webp"),
            (b"RIFF\x10\0\0\0WAVEfmt ", Medium::Audio, "audio/wav"),
            (b"ID3\x04\0", Medium::Audio, "audio/mpeg"),
            (b"\xff\xfb\x90\0", Medium::Audio, "audio/mpeg"),
            (b"\xff\xf1\x50\x80", Medium::Audio, "audio/aac"),
            (b"fLaC\0", Medium::Audio, "audio/flac"),
            (b"OggS\0", Medium::Audio, "audio/ogg"),
            (b"FORM\0\0\0\0AIFF", Medium::Audio, "audio/aiff"),
            (b"\0\0\0\x20ftypM4A ", Medium::Audio, "audio/mp4"),
            (b"\0\0\0\x20ftypisom", Medium::Video, "video/mp4"),
            (b"\0\0\0\x14ftypqt  ", Medium::Video, "video/quicktime"),
            (b"\x1a\x45\xdf\xa3", Medium::Video, "video/webm"),
            (b"\0\0\x01\xba", Medium::Video, "video/mpeg"),
            (b"%PDF-1.7", Medium::File, "application/pdf"),
        ];
        for (bytes, medium, name) in table {
            let found = MediaType::of_bytes(bytes).map(|kind| (kind.medium, kind.name));
            assert_eq!(found, Some((*medium, *name)));
        }
        for unknown in [b"".as_slice(), b"hello", b"\xff", b"\xff\x00", b"RIFF", b"{}"] {
            assert_eq!(MediaType::of_bytes(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn names_help_where_bytes_say_nothing() {
        let name = |name, bytes: &[u8]| MediaType::of_name(name, bytes).map(|kind| kind.name);
        assert_eq!(name("a.CSV", b"a,b"), Some("text/csv"));
        assert_eq!(name("Makefile", b"all:\n"), Some("text/plain"));
        assert_eq!(name("a.rs", "fn é() {}".as_bytes()), Some("text/plain"));
        assert_eq!(name("core", b"\x7fELF\0\0"), None);
    }
}
