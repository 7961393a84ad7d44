//! Bytes to frames.

use provider_core::author::Frame;
use provider_http::{Framer as _, SseFramer};

use crate::cuts::{Cut, cut};
use crate::plain::{self, PlainFrame};
use crate::seed;

/// A decoder's reading of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    frames: Vec<PlainFrame>,
    /// The event that lacks its empty line.
    last: Option<PlainFrame>,
    /// How many comments there were; unknown if something was too large.
    comments: Option<usize>,
    too_large: bool,
}

/// The frames of any bytes are those of the standard, however they are cut, and a limit on their size lets
/// all through that come before the first that is larger.
pub fn sse(stream: &[u8]) {
    let seed = seed(stream);
    let whole = read(stream, Cut::Whole, usize::MAX);
    let (frames, comments, last) = plain::frames(stream);
    assert_eq!((&whole.frames, whole.comments, whole.too_large), (&frames, Some(comments), false));
    assert_eq!(whole.last, last);
    let limit = seed as usize % 64;
    let limited = read(stream, Cut::Whole, limit);
    assert_eq!(
        limited.frames,
        whole.frames[..limited.frames.len()],
        "those before the one that is too large"
    );
    let sizes = limited.frames.iter().map(|frame| frame.data.len());
    // Bytes that are no text grow when they are replaced.
    assert!(sizes.max().unwrap_or(0) <= limit * 3, "{limited:?} is over {limit}");
    assert!(limited.too_large || limited == whole);
    for cut in [
        Cut::Random { seed, longest: 1 },
        Cut::Random { seed, longest: 4 },
        Cut::Random { seed, longest: 64 },
        Cut::InsideCharacters,
    ] {
        assert_eq!(read(stream, cut, usize::MAX), whole, "{cut:?}");
        assert_eq!(read(stream, cut, limit), limited, "{cut:?}, limited to {limit} bytes");
    }
}

fn read(stream: &[u8], how: Cut, limit: usize) -> Read {
    let mut decoder = SseFramer::new(limit);
    let (mut frames, mut too_large) = (Vec::new(), false);
    'pieces: for piece in cut(stream, how) {
        decoder.feed(&piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(plain(frame)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(error.limit, limit);
                    too_large = true;
                    break 'pieces;
                }
            }
        }
    }
    let comments = (!too_large).then_some(decoder.comments());
    let last = if too_large { None } else { decoder.last_frame().expect("it was looked at before") };
    Read { frames, last: last.map(plain), comments, too_large }
}

fn plain(frame: Frame<'_>) -> PlainFrame {
    PlainFrame { event: frame.event.map(Into::into), data: frame.data.into_owned() }
}
