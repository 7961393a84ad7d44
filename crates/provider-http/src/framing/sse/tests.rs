use super::*;

/// The data of all frames when the stream comes in these pieces.
fn frames(pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = SseFramer::new(1 << 20);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.feed(piece);
        while let Some(frame) = framer.next_frame().expect("small frames") {
            frames.push(match frame.event {
                Some(event) => format!("{event}={}", frame.data),
                None => frame.data.into_owned(),
            });
        }
    }
    frames
}

#[test]
fn events_are_read_by_the_standard() {
    let cases: &[(&str, &[&str])] = &[
        ("data: a\n\ndata: b\n\n", &["a", "b"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]),
        ("data: a\r\rdata: b\r\r", &["a", "b"]),
        ("data: a\r\n\ndata: b\n\r\n", &["a", "b"]),
        ("data:a\n\ndata:  b\n\n", &["a", " b"]),
        ("data: one\ndata: two\ndata:three\n\n", &["one\ntwo\nthree"]),
        ("data\n\n", &[""]),
        ("data:\ndata\n\n", &["\n"]),
        (": comment\n\n:\n\ndata: a\n: between\n\n", &["a"]),
        ("data: a\n: in the middle\ndata: b\n\n", &["a\nb"]),
        ("event: error\ndata: x\n\ndata: y\n\n", &["error=x", "y"]),
        ("event: lost\n\ndata: y\n\n", &["y"]),
        ("id: 7\nretry: 10\nunknown: z\nnothing\ndata: a\n\n", &["a"]),
        ("\u{feff}data: a\n\n", &["a"]),
        ("data: \u{feff}a\n\n", &["\u{feff}a"]),
        ("data: a\n\ndata: cut off", &["a"]),
        ("data: a\n\ndata: cut off\n", &["a"]),
        ("\n\n\ndata: a\n\n\n\n", &["a"]),
        ("data: {\"k\": \"v: w\"}\n\n", &["{\"k\": \"v: w\"}"]),
        ("data: 東京 🗼 é\r\n\r\n", &["東京 🗼 é"]),
    ];
    for (stream, expected) in cases {
        assert_eq!(frames(&[stream.as_bytes()]), *expected, "{stream:?}");
    }
}

#[test]
fn event_without_its_empty_line_can_be_had() {
    for (stream, last) in [
        ("", None),
        ("data: a\n\n", None),
        ("data: a\n\ndata: b", Some("b")),
        ("data: a\n\ndata: b\n", Some("b")),
        ("data: a\n\ndata: b\r", Some("b")),
        ("data: a\n\ndata: b\r\n", Some("b")),
        ("data: a\n\ndata: b\ndata: c", Some("b\nc")),
        ("data: a\n\ndata: b\n: comment", Some("b")),
        ("data: a\n\nevent: b\nid: 7", None),
        ("data: a\n\ndat", None),
        ("\u{feff}data: b", Some("b")),
        ("data", Some("")),
    ] {
        for size in [1, 3, 100] {
            let mut framer = SseFramer::new(100);
            for piece in stream.as_bytes().chunks(size) {
                framer.feed(piece);
                while framer.next_frame().expect("small frames").is_some() {}
            }
            let frame = framer.last_frame().expect("a small frame");
            assert_eq!(frame.map(|frame| frame.data.into_owned()).as_deref(), last, "{stream:?} by {size}");
            assert_eq!(framer.last_frame(), Ok(None), "once");
        }
    }
    let mut framer = SseFramer::new(10);
    framer.feed(b"data: 0123456789");
    assert_eq!(framer.last_frame(), Err(FrameTooLarge { limit: 10 }));
}

#[test]
fn cuts_change_nothing() {
    let stream = "\u{feff}: hi\r\n\r\ndata: 東京\r\ndata: 🗼\r\n\r\nevent: e\rdata: x\r\rdata: y\n\n: bye\n\ndata: [DONE]\n\n".as_bytes();
    let whole = frames(&[stream]);
    assert_eq!(whole, ["東京\n🗼", "e=x", "y", "[DONE]"]);
    for at in 0..=stream.len() {
        for then in at..=stream.len() {
            let pieces = [&stream[..at], &stream[at..then], &stream[then..]];
            assert_eq!(frames(&pieces), whole, "cut at {at} and {then}");
        }
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(frames(&bytes), whole, "byte by byte");
}

#[test]
fn comments_are_counted() {
    let mut framer = SseFramer::new(100);
    framer.feed(b": one\n\n: two\ndata: a\n:three\n\n");
    while framer.next_frame().expect("small frames").is_some() {}
    assert_eq!(framer.comments(), 3);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(frames(&[b"data: a\xffb\n\n"]), ["a\u{fffd}b"]);
}

#[test]
fn long_event_is_refused_however_it_is_cut() {
    let limit = 50;
    let long = "x".repeat(60);
    // Comments and names are dropped in the end, but have to be held until then.
    for event in [format!("data: {long}\n\n"), format!(": {long}\n\n"), format!("event: {long}\n\n")] {
        for size in [1, 7, event.len()] {
            let mut framer = SseFramer::new(limit);
            let mut refused = false;
            for piece in event.as_bytes().chunks(size) {
                framer.feed(piece);
                refused |= framer.next_frame() == Err(FrameTooLarge { limit });
                if refused {
                    break;
                }
            }
            assert!(refused, "{event:?} in pieces of {size}");
        }
    }
    // Many small events are no large one, and neither are comments.
    let mut framer = SseFramer::new(limit);
    for _ in 0..100 {
        framer.feed(b": a comment that says that it is still alive\ndata: small\n\n");
        while framer.next_frame().expect("small frames").is_some() {}
    }
}

/// A scan that began anew with every read would need 2^39 steps here, and never end.
#[test]
fn long_event_byte_by_byte_is_scanned_once() {
    let mut framer = SseFramer::new(2 << 20);
    framer.feed(b"data: before\n\ndata: ");
    assert!(framer.next_frame().expect("a frame").is_some());
    for _ in 0..1 << 20 {
        framer.feed(b"x");
        assert_eq!(framer.next_frame(), Ok(None));
    }
    framer.feed(b"\n\n");
    assert_eq!(framer.next_frame().expect("a frame").map(|frame| frame.data.len()), Some(1 << 20));
}

#[test]
fn frames_of_exactly_the_limit_pass() {
    let stream = b"data: abc\n\n";
    for (limit, fits) in [(stream.len(), true), (stream.len() - 1, false)] {
        for piece in [1, stream.len()] {
            let mut framer = SseFramer::new(limit);
            let frames: Result<usize, FrameTooLarge> = stream.chunks(piece).try_fold(0, |count, piece| {
                framer.feed(piece);
                Ok(count + usize::from(framer.next_frame()?.is_some()))
            });
            assert_eq!(frames, if fits { Ok(1) } else { Err(FrameTooLarge { limit }) }, "{limit} by {piece}");
        }
    }
}

#[test]
fn stray_lines_are_kept_up_to_the_limit() {
    let mut framer = SseFramer::new(20);
    for _ in 0..100 {
        framer.feed(b"stray\n");
        assert_eq!(framer.next_frame(), Ok(None));
    }
    assert_eq!(framer.take_stray_lines(), "stray\nstray\nstray\n");
    assert_eq!(framer.take_stray_lines(), "", "once");
}
