//! A plain reading of well-formed streams and answers: slow, simple, and written from the standards alone.
//! It says so where it has no opinion.

use serde::de::IgnoredAny;
use serde_json::Value;

/// An event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlainFrame {
    pub(crate) event: Option<String>,
    pub(crate) data: String,
}

/// The events of a stream, by the words of the WHATWG standard; how many comments are in it; and the event at
/// its end that lacks its empty line, which the standard discards.
pub(crate) fn frames(stream: &[u8]) -> (Vec<PlainFrame>, usize, Option<PlainFrame>) {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let (mut frames, mut comments) = (Vec::new(), 0);
    let (mut data, mut event) = (None::<String>, None);
    // Behind the last line feed is no line yet, but for the event that lacks its end.
    let (lines, rest) = text.rsplit_once('\n').map_or((None, &*text), |(lines, rest)| (Some(lines), rest));
    let lines = lines.into_iter().flat_map(|lines| lines.split('\n'));
    for (line, is_whole) in
        lines.map(|line| (line, true)).chain(Some((rest, false)).filter(|_| !rest.is_empty()))
    {
        if line.is_empty() {
            let event = event.take();
            frames.extend(data.take().map(|data| PlainFrame { event, data }));
        } else if line.starts_with(':') {
            comments += usize::from(is_whole);
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => match &mut data {
                    Some(data) => *data = format!("{data}\n{value}"),
                    None => data = Some(value.to_owned()),
                },
                "event" => event = Some(value.to_owned()),
                _ => {}
            }
        }
    }
    let last = data.map(|data| PlainFrame { event, data });
    (frames, comments, last)
}

/// The answer in a well-formed stream of chunks.
#[derive(Debug, Default)]
pub(crate) struct PlainAnswer {
    /// Its text.
    pub(crate) text: String,
    /// Whether it says that it is over.
    pub(crate) ended: bool,
    /// Whether it can be nothing but a good answer, or nothing but an error.
    pub(crate) good: Option<bool>,
}

/// Reads a stream; nothing if it is not as agreed.
pub(crate) fn stream(stream: &[u8]) -> Option<PlainAnswer> {
    let mut answer = PlainAnswer::default();
    let mut good = true;
    let (frames, _, last) = frames(stream);
    // Lines that are JSON of their own, outside of every event, may count at the end.
    if other_lines(stream).trim_start().starts_with(['{', '[', '<']) {
        return None;
    }
    // Of an event without its empty line what is whole counts: all of it, or the lines before the last.
    let last = last.and_then(|PlainFrame { event, data }| {
        let before = data.trim().rsplit_once('\n').map(|(before, _)| before.to_owned());
        let whole = [Some(data), before].into_iter().flatten().find(|data| !events(data).is_empty());
        whole.map(|data| PlainFrame { event, data })
    });
    // Some services put no empty line between events.
    let several = |frame: PlainFrame| match events(&frame.data) {
        data if data.len() > 1 => {
            let event = frame.event;
            data.into_iter().map(|data| PlainFrame { event: event.clone(), data: data.to_owned() }).collect()
        }
        _ => vec![frame],
    };
    for frame in frames.into_iter().chain(last).flat_map(several) {
        if !matches!(frame.event.as_deref(), None | Some("message")) {
            return None;
        }
        let data = frame.data.trim();
        if data == "[DONE]" {
            answer.ended = true;
            break;
        }
        let json: Value = match serde_json::from_str(data) {
            Ok(json) => json,
            // Numbers that JSON does not have are lost alone.
            Err(_) if ["nan", "inf"].iter().any(|word| data.to_lowercase().contains(word)) => return None,
            Err(_) if serde_json::from_str::<IgnoredAny>(data).is_err() && !data.is_empty() => {
                // Behind the reason of the end it is an odd end mark.
                good &= answer.ended;
                continue;
            }
            Err(_) => return None,
        };
        let (text, finished) = chunk(&json, "delta")?;
        answer.text.push_str(text);
        answer.ended |= finished;
    }
    answer.good = match (good, answer.ended, answer.text.is_empty()) {
        (true, true, false) => Some(true),
        (_, false, _) | (false, ..) => Some(false),
        _ => None,
    };
    Some(answer)
}

/// The events in the data of a frame: one object or end mark, or several of them, a line each. None in what
/// is neither.
fn events(data: &str) -> Vec<&str> {
    // Half a surrogate pair is no character, but the text around it is JSON.
    let is_object = |text: &str| text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    let is_event = |text: &str| text == "[DONE]" || is_object(text);
    if is_event(data.trim()) {
        return vec![data];
    }
    let lines: Vec<&str> = data.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if data.contains('\n') && lines.iter().all(|line| is_event(line)) { lines } else { Vec::new() }
}

/// The lines that belong to no event.
pub(crate) fn other_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let is_other = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        !line.is_empty() && !line.starts_with(':') && !["data", "event", "id", "retry"].contains(&name)
    };
    text.trim_start_matches('\u{feff}').split(['\n', '\r']).filter(is_other).collect()
}

/// Reads a whole answer: its text. Nothing if it is not as agreed.
pub(crate) fn answer(body: &str) -> Option<String> {
    chunk(&serde_json::from_str(body).ok()?, "message").map(|(text, _)| text.to_owned())
}

/// The text of a chunk or an answer, and whether it says that it is over.
fn chunk<'a>(json: &'a Value, message: &str) -> Option<(&'a str, bool)> {
    let known = |object: &Value, names: &[&str]| {
        object.as_object().is_some_and(|fields| fields.keys().all(|name| names.contains(&name.as_str())))
    };
    if !known(json, &["id", "object", "created", "model", "provider", "choices", "usage"]) {
        return None;
    }
    let choice = match json.get("choices").map(|choices| choices.as_array().map(Vec::as_slice)) {
        None | Some(Some([])) => return Some(("", false)),
        Some(Some([choice])) => choice,
        Some(_) => return None,
    };
    if !known(choice, &["index", message, "finish_reason"]) || choice.get("index").is_some_and(|i| *i != 0) {
        return None;
    }
    let finished = match choice.get("finish_reason") {
        None | Some(Value::Null) => false,
        Some(Value::String(reason)) if matches!(&**reason, "stop" | "length") => true,
        Some(_) => return None,
    };
    match choice.get(message) {
        None => Some(("", finished)),
        Some(piece) if known(piece, &["role", "content"]) => match piece.get("content") {
            None | Some(Value::Null) => Some(("", finished)),
            Some(Value::String(text)) => Some((text, finished)),
            Some(_) => None,
        },
        Some(_) => None,
    }
}
