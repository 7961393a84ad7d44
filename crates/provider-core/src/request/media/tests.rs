use super::*;

#[test]
fn data_url_in_base64_is_taken_apart() {
    for (url, media_type, data) in [
        ("data:image/png;base64,AAAA", "image/png", "AAAA"),
        ("DATA:image/png;BASE64,AAAA", "image/png", "AAAA"),
        ("data:text/plain;charset=utf-8;base64,SGk=", "text/plain", "SGk="),
        ("data:;base64,SGk=", "text/plain", "SGk="),
        ("data:image/png;base64,", "image/png", ""),
    ] {
        assert_eq!(MediaSource::parse(url), MediaSource::Base64 { media_type, data }, "{url}");
    }
}

#[test]
fn any_other_url_stays_whole() {
    for url in [
        "https://example.com/a,b;base64,c.png",
        "data:text/plain,Hi",
        "data:base64,AAAA",
        "data:image/png;base64",
        "é:;base64,AAAA",
        "",
    ] {
        assert_eq!(MediaSource::parse(url), MediaSource::Url(url));
    }
}

#[test]
fn parts_tell_where_their_data_is() {
    let png = b"\x89PNG\r\n\x1a\n";
    let Ok(Part::Image(image)) = Part::image(png) else { panic!("an image") };
    let data = "iVBORw0KGgo=";
    assert_eq!(image.source(), MediaSource::Base64 { media_type: "image/png", data });
    let Ok(Part::File(file)) = Part::file("a.pdf", b"%PDF-1.7") else { panic!("a file") };
    let data = "JVBERi0xLjc=";
    assert_eq!(file.source(), Some(MediaSource::Base64 { media_type: "application/pdf", data }));
    let Part::File(file) = Part::file_id("file-1") else { panic!("a file") };
    assert_eq!(file.source(), Some(MediaSource::Id("file-1")));
    assert_eq!(FilePart::default().source(), None);
    let Part::Video(video) = Part::video_url("https://example.com/a.mp4") else { panic!("a video") };
    assert_eq!(video.source(), MediaSource::Url("https://example.com/a.mp4"));
}

#[test]
fn every_format_of_a_sound_has_its_media_type() {
    for (format, media_type) in [
        ("wav", Some("audio/wav")),
        ("mp3", Some("audio/mpeg")),
        ("flac", Some("audio/flac")),
        ("m4a", Some("audio/mp4")),
        ("ogg", Some("audio/ogg")),
        ("aiff", Some("audio/aiff")),
        ("aac", Some("audio/aac")),
        ("pcm16", None),
        ("mp4", None),
        ("", None),
    ] {
        let sound = AudioPart { format: format.to_owned(), ..AudioPart::default() };
        assert_eq!(sound.media_type(), media_type, "{format}");
    }
}
