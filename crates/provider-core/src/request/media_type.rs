//! Finds the media type of data, from its first bytes or its name.

use crate::{Error, FieldProblem};

/// The sort of data.
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
    (&[(0, b"II+\0")], refused_kind(Medium::Image, "image/tiff")),
    (&[(0, b"MM\0+")], refused_kind(Medium::Image, "image/tiff")),
    (&[(0, b"\0\0\x01\0"), (5, b"\0")], refused_kind(Medium::Image, "image/x-icon")),
    (&[(0, b"8BPS")], refused_kind(Medium::Image, "image/vnd.adobe.photoshop")),
    (&[(0, b"\xff\x0a")], refused_kind(Medium::Image, "image/jxl")),
    (&[(0, b"\0\0\0\x0cJXL \r\n\x87\n")], refused_kind(Medium::Image, "image/jxl")),
    (&[(0, b"\0\0\0\x0cjP  \r\n\x87\n")], refused_kind(Medium::Image, "image/jp2")),
    (&[(0, b"RIFF"), (8, b"WAVE")], kind(Medium::Audio, "audio/wav", "wav")),
    (&[(0, b"RF64"), (8, b"WAVE")], kind(Medium::Audio, "audio/wav", "wav")),
    (&[(0, b"fLaC")], kind(Medium::Audio, "audio/flac", "flac")),
    (&[(0, b"OggS"), (28, b"\x80theora")], refused_kind(Medium::Video, "video/ogg")),
    (&[(0, b"OggS")], kind(Medium::Audio, "audio/ogg", "ogg")),
    (&[(0, b"FORM"), (8, b"AIFF")], kind(Medium::Audio, "audio/aiff", "aiff")),
    (&[(0, b"FORM"), (8, b"AIFC")], kind(Medium::Audio, "audio/aiff", "aiff")),
    (&[(0, b"ID3")], kind(Medium::Audio, "audio/mpeg", "mp3")),
    (&[(0, b"ADIF")], kind(Medium::Audio, "audio/aac", "aac")),
    (&[(0, b"#!AMR")], refused_kind(Medium::Audio, "audio/amr")),
    (&[(0, b"caff")], refused_kind(Medium::Audio, "audio/x-caf")),
    (&[(0, b".snd")], refused_kind(Medium::Audio, "audio/basic")),
    (&[(0, b"MThd")], refused_kind(Medium::Audio, "audio/midi")),
    (&[(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")], refused_kind(Medium::Video, "video/x-ms-asf")),
    (&[(4, b"moov")], kind(Medium::Video, "video/quicktime", "mov")),
    (&[(4, b"mdat")], kind(Medium::Video, "video/quicktime", "mov")),
    (&[(0, b"\0\0\x01\xba")], kind(Medium::Video, "video/mpeg", "mpeg")),
    (&[(0, b"\0\0\x01\xb3")], kind(Medium::Video, "video/mpeg", "mpeg")),
    (&[(0, b"\x47"), (188, b"\x47"), (376, b"\x47")], refused_kind(Medium::Video, "video/mp2t")),
    (&[(0, b"RIFF"), (8, b"AVI ")], refused_kind(Medium::Video, "video/x-msvideo")),
    (&[(0, b"FLV\x01")], refused_kind(Medium::Video, "video/x-flv")),
    (&[(0, b"%PDF-")], kind(Medium::File, "application/pdf", "pdf")),
];

/// Types of files of the ISO base media format (`ftyp`), by the beginnings of their brands.
const BRANDS: &[(&[&[u8]], MediaType)] = &[
    (&[b"avif", b"avis"], refused_kind(Medium::Image, "image/avif")),
    (
        &[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"],
        refused_kind(Medium::Image, "image/heic"),
    ),
    (&[b"mif1", b"mif2", b"msf1", b"miaf"], refused_kind(Medium::Image, "image/heif")),
    (&[b"crx "], refused_kind(Medium::Image, "image/x-canon-cr3")),
    (&[b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "], kind(Medium::Audio, "audio/mp4", "m4a")),
    (&[b"aax ", b"aaxc"], refused_kind(Medium::Audio, "audio/vnd.audible.aax")),
    (&[b"qt  "], kind(Medium::Video, "video/quicktime", "mov")),
    (&[b"3g2"], refused_kind(Medium::Video, "video/3gpp2")),
    (&[b"3g"], refused_kind(Medium::Video, "video/3gpp")),
];

/// The media type of a sound, by the wire's word for its format.
pub(super) fn audio_media_type(format: &str) -> Option<&'static str> {
    let kinds = SIGNATURES.iter().map(|(_, kind)| kind).chain(BRANDS.iter().map(|(_, kind)| kind));
    let mut sounds = kinds.filter(|kind| kind.medium == Medium::Audio && kind.accepted);
    sounds.find(|kind| kind.format == format).map(|kind| kind.name)
}

/// Any other brand.
const MP4: MediaType = kind(Medium::Video, "video/mp4", "mp4");

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
    /// Finds the type by the first bytes.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let stands =
            |(at, piece): &(usize, &[u8])| bytes.get(*at..).is_some_and(|rest| rest.starts_with(piece));
        let known = SIGNATURES.iter().find(|(signature, _)| signature.iter().all(stands));
        known
            .map(|(_, kind)| *kind)
            .or_else(|| iso_base_media(bytes))
            .or_else(|| matroska(bytes))
            .or_else(|| mpeg_audio(bytes))
    }

    /// Finds the type by the extension of the name. Any other file whose bytes are text is `text/plain`.
    pub(super) fn of_name(name: &str, bytes: &[u8]) -> Option<Self> {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
        let known = NAMES.iter().find(|(known, _)| *known == extension).map(|(_, name)| *name);
        let is_text = || std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
        known.or_else(|| is_text().then_some("text/plain")).map(|name| kind(Medium::File, name, ""))
    }

    /// Returns the type of the bytes, if they are of this sort and the service takes them.
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

/// A file of the ISO base media format: its first box has its brand, and those of the formats that it is
/// compatible with.
fn iso_base_media(bytes: &[u8]) -> Option<MediaType> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let brands = rest.strip_prefix(b"ftyp")?;
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    let brands = &brands[..brands.len().min(size.saturating_sub(8))];
    let of_brand = |brand: &[u8]| {
        let known = BRANDS.iter().find(|(known, _)| known.iter().any(|known| brand.starts_with(known)));
        known.map(|(_, kind)| *kind)
    };
    // The major brand, a version, the compatible brands. An image may have a major brand that says little,
    // such as `mif1`: then the compatible ones decide. Those of videos name much that the file is not.
    let (major, rest) = brands.split_at_checked(4).unwrap_or((brands, &[]));
    let found = of_brand(major);
    let is_shared = found.is_none_or(|kind| kind.name == "image/heif");
    let compatible = rest.get(4..).unwrap_or_default().chunks_exact(4).filter_map(of_brand);
    let image =
        compatible.filter(|kind| kind.medium == Medium::Image).min_by_key(|kind| kind.name == "image/heif");
    Some(image.filter(|_| is_shared).or(found).unwrap_or(MP4))
}

/// Matroska and its relative WebM, which differ by the document type in their header.
fn matroska(bytes: &[u8]) -> Option<MediaType> {
    /// Headers are 40 bytes long, mostly.
    const LONGEST_HEADER: usize = 4096;
    const DOCUMENT_TYPE: &[u8] = b"\x42\x82";
    let header = bytes.strip_prefix(b"\x1a\x45\xdf\xa3")?;
    let header = &header[..header.len().min(LONGEST_HEADER)];
    let at = header.windows(DOCUMENT_TYPE.len()).position(|window| window == DOCUMENT_TYPE);
    // The length is one byte, whose highest bit is set.
    let is_webm = at.and_then(|at| header.get(at + 2..)).is_some_and(|rest| rest.starts_with(b"\x84webm"));
    Some(match is_webm {
        true => kind(Medium::Video, "video/webm", "webm"),
        false => refused_kind(Medium::Video, "video/x-matroska"),
    })
}

/// MPEG audio without a tag in front: eleven set bits, then version, layer, bit rate and sampling rate.
fn mpeg_audio(bytes: &[u8]) -> Option<MediaType> {
    let &[0xff, second, third, ..] = bytes else { return None };
    let layer = second & 0b110;
    match second & 0b1111_0110 {
        // No layer: AAC in its stream form.
        0b1111_0000 => Some(kind(Medium::Audio, "audio/aac", "aac")),
        // The first layer is in no file of today, and looks like the mark of a text in UTF-16.
        _ if second & 0b1110_0000 != 0b1110_0000 || matches!(layer, 0 | 0b110) => None,
        _ if third & 0b1111_0000 == 0b1111_0000 || third & 0b1100 == 0b1100 => None,
        _ => Some(kind(Medium::Audio, "audio/mpeg", "mp3")),
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
            (
                b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead",
                Medium::Audio,
                "audio/ogg",
            ),
            (b"RF64\xff\xff\xff\xffWAVEds64", Medium::Audio, "audio/wav"),
            (b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom", Medium::Audio, "audio/mp4"),
            (b"\0\0\0\x1cftypM4B ", Medium::Audio, "audio/mp4"),
            (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41", Medium::Video, "video/mp4"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", Medium::Video, "video/mp4"),
            (b"\0\0\0\x20ftypM4V \0\0\0\x01M4V M4A mp42isom", Medium::Video, "video/mp4"),
            (b"\0\0\0\x14ftypqt  ", Medium::Video, "video/quicktime"),
            (b"\0\0\x07\xd5moov\0\0\0\x6cmvhd", Medium::Video, "video/quicktime"),
            (
                b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm",
                Medium::Video,
                "video/webm",
            ),
            (b"\0\0\x01\xba", Medium::Video, "video/mpeg"),
            (b"%PDF-1.7", Medium::File, "application/pdf"),
        ];
        for (bytes, medium, name) in table {
            let found = MediaType::of_bytes(bytes).map(|kind| (kind.medium, kind.name));
            assert_eq!(found, Some((*medium, *name)));
            assert!(MediaType::expect(*medium, bytes).is_ok(), "{name}");
            let other = if *medium == Medium::Image { Medium::Audio } else { Medium::Image };
            assert!(MediaType::expect(other, bytes).is_err(), "{name} in another place");
        }
        // A text in UTF-16 begins like a sound.
        for unknown in [b"\xff\xfeH\0e\0l\0".as_slice(), b"\xff\xff\xff\xff", b"\xff\xfb\xf0\0"] {
            assert_eq!(MediaType::of_bytes(unknown), None, "{unknown:?}");
        }
        for unknown in [b"".as_slice(), b"hello", b"\xff", b"\xff\x00", b"RIFF", b"{}"] {
            assert_eq!(MediaType::of_bytes(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn what_the_service_does_not_take_is_named() {
        let mut table: Vec<(Vec<u8>, Medium, &str)> = Vec::new();
        let mut brand = |brands: &str, medium, name| {
            let (major, compatible) = brands.split_at(4);
            let size = (16 + compatible.len()) as u32;
            table.push((
                [
                    &size.to_be_bytes(),
                    b"ftyp".as_slice(),
                    major.as_bytes(),
                    &[0; 4],
                    compatible.as_bytes(),
                    b"\0\0\0\x08mdatavif",
                ]
                .concat(),
                medium,
                name,
            ));
        };
        for heic in [
            "heic",
            "heix",
            "heim",
            "heis",
            "hevc",
            "hevx",
            "hevm",
            "hevs",
            "mif1heic",
            "msf1msf1hevc",
            "mif1mif1miafheix",
        ] {
            brand(heic, Medium::Image, "image/heic");
        }
        for avif in ["avif", "avis", "mif1avif", "avifmif1miafMA1B", "msf1avismiaf", "avismsf1iso8mif1"] {
            brand(avif, Medium::Image, "image/avif");
        }
        brand("mif1", Medium::Image, "image/heif");
        brand("mif1mif1miaf", Medium::Image, "image/heif");
        brand("crx isom", Medium::Image, "image/x-canon-cr3");
        brand("3gp5isom3gp4", Medium::Video, "video/3gpp");
        brand("3g2a", Medium::Video, "video/3gpp2");
        let matroska = b"\x1a\x45\xdf\xa3\xa3B\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x88matroskaB\x87\x81\x04";
        let theora = [b"OggS".as_slice(), &[0; 24], b"\x80theora"].concat();
        let mut transport = vec![0; 400];
        (transport[0], transport[188], transport[376]) = (0x47, 0x47, 0x47);
        let more: [(&[u8], Medium, &str); 10] = [
            (matroska, Medium::Video, "video/x-matroska"),
            (b"\x1a\x45\xdf\xa3", Medium::Video, "video/x-matroska"),
            (&theora, Medium::Video, "video/ogg"),
            (&transport, Medium::Video, "video/mp2t"),
            (b"RIFF\x10\0\0\0AVI LIST", Medium::Video, "video/x-msvideo"),
            (b"FLV\x01\x05", Medium::Video, "video/x-flv"),
            (b"#!AMR\n", Medium::Audio, "audio/amr"),
            (b"\xff\x0a\xfa\x1f", Medium::Image, "image/jxl"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Medium::Image, "image/jxl"),
            (b"II+\0\x08\0", Medium::Image, "image/tiff"),
        ];
        table.extend(more.map(|(bytes, medium, name)| (bytes.to_vec(), medium, name)));
        for (bytes, medium, name) in table {
            let found = MediaType::of_bytes(&bytes).map(|kind| (kind.medium, kind.name));
            assert_eq!(found, Some((medium, name)), "{}", String::from_utf8_lossy(&bytes));
            let error = MediaType::expect(medium, &bytes).expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
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
