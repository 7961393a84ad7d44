//! Streams as the service sends them: every chunk with its ids and names, and little that is new.

/// How many pieces an answer comes in.
pub(crate) const PIECES: usize = 1_000;

/// Pieces as models write them: words, and now and then what JSON escapes.
const TOKENS: [&str; 16] = [
    "The",
    " answer",
    " is",
    " a",
    " little",
    " longer",
    ",",
    " since",
    " it",
    " has",
    " \\\"quotes\\\"",
    ".",
    "\\n\\n",
    "Caf\u{e9}",
    "s",
    " too",
];

/// Pieces of a call's arguments, of which sixteen are an entry of a list.
const ARGUMENTS: [&str; 16] = [
    "{\\\"", "path", "\\\":", " \\\"", "src", "/", "main", ".rs", "\\\",", " \\\"", "line", "\\\":", " ",
    "42", "}", ",\\n",
];

/// An answer in pieces of text.
pub(crate) fn text() -> Vec<String> {
    let deltas = (0..PIECES).map(|n| format!(r#"{{"role":"assistant","content":"{}"}}"#, TOKENS[n % 16]));
    stream(deltas, "stop")
}

/// An answer that calls a tool, whose arguments come in pieces.
pub(crate) fn tool_arguments() -> Vec<String> {
    let delta = |call: &str| format!(r#"{{"role":"assistant","content":null,"tool_calls":[{call}]}}"#);
    let first = r#"{"index":0,"id":"call_Zk3vQ8sNf1LxWb7TtYp0aGhc","type":"function","function":{"name":"edit_files","arguments":"["}}"#;
    let piece = |text| format!(r#"{{"index":0,"type":"function","function":{{"arguments":"{text}"}}}}"#);
    let pieces = (1..PIECES - 1).map(|n| delta(&piece(ARGUMENTS[n % 16])));
    let deltas = std::iter::once(delta(first)).chain(pieces).chain([delta(&piece("]"))]);
    stream(deltas, "tool_calls")
}

/// Reasoning as plain text.
pub(crate) fn reasoning() -> Vec<String> {
    let delta = |n: usize| format!(r#"{{"role":"assistant","content":"","reasoning":"{}"}}"#, TOKENS[n % 16]);
    stream((0..PIECES).map(delta), "stop")
}

/// Reasoning as plain text and as details, which say the same: what the service sends for models that
/// reason.
pub(crate) fn reasoning_details() -> Vec<String> {
    let delta = |n: usize| {
        let text = TOKENS[n % 16];
        format!(
            r#"{{"role":"assistant","content":"","reasoning":"{text}","reasoning_details":[{{"type":"reasoning.text","text":"{text}","format":"anthropic-claude-v1","index":0}}]}}"#
        )
    };
    stream((0..PIECES).map(delta), "stop")
}

/// An answer with one image of this many bytes in base64.
pub(crate) fn image(bytes: usize) -> Vec<String> {
    let delta = format!(
        r#"{{"role":"assistant","content":"","images":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}},"index":0}}]}}"#,
        base64(bytes)
    );
    stream([delta].into_iter(), "stop")
}

/// Something that looks like base64.
pub(crate) fn base64(bytes: usize) -> String {
    "iVBORw0KGgoAAAANSUhEUgAA9b+/Qx7k".chars().cycle().take(bytes).collect()
}

/// The data of the frames of these deltas, the usage and the end mark last.
fn stream(deltas: impl Iterator<Item = String>, end: &str) -> Vec<String> {
    let pieces = deltas.map(|delta| chunk(&delta, "null", "null", ""));
    let (nothing, end) = (r#"{"role":"assistant","content":""}"#, format!("\"{end}\""));
    let usage = r#","usage":{"prompt_tokens":412,"completion_tokens":1000,"total_tokens":1412,"cost":0.01103,"is_byok":false,"prompt_tokens_details":{"cached_tokens":256,"audio_tokens":0},"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":0,"image_tokens":0}}"#;
    let last = [chunk(nothing, &end, &end, ""), chunk(nothing, "null", "null", usage), "[DONE]".to_owned()];
    pieces.chain(last).collect()
}

/// A frame with one choice.
fn chunk(delta: &str, reason: &str, native: &str, more: &str) -> String {
    format!(
        r#"{{"id":"gen-1757000000-Qx7bTn3vKd9sLmZ2RwYc","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1757000000,"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason},"native_finish_reason":{native},"logprobs":null}}],"system_fingerprint":"fp_a7d06e42a7"{more}}}"#
    )
}
