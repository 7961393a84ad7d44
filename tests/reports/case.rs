//! A case as its file has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_tests::Reply;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One case: how to ask, what the server answers, and what must be read of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) id: String,
    #[serde(rename = "theme")]
    _theme: String,
    /// The right reading in words, for whoever sees the case fail.
    pub(crate) right: String,
    #[serde(rename = "do")]
    pub(crate) ways: Vec<Way>,
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// The environment of a process of its own.
    pub(crate) env: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) request: Map<String, Value>,
    pub(crate) follow_model: Option<String>,
    #[serde(default)]
    pub(crate) tools: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) server: Transport,
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// Where the case was read from.
    #[serde(skip)]
    pub(crate) file: PathBuf,
    #[serde(default)]
    pub(crate) expect: Map<String, Value>,
    /// Expectations of one way alone.
    #[serde(default)]
    pub(crate) expect_of: BTreeMap<Way, Map<String, Value>>,
}

/// A way to play a case.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Chat,
    Stream,
    /// `chat` behind the retry layer.
    Retry,
    ToolLoop,
    /// Into `{item, count}`.
    Extract,
    /// The body alone; nothing is sent.
    Encode,
    Models,
    Check,
    Endpoints,
    /// The client alone.
    Connect,
}

/// The protocol that the server speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    #[default]
    Tcp,
    Tls,
    Ipv6,
    /// No server listens.
    Refused,
}

/// An answer of the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    json: Option<Value>,
    text: Option<String>,
    hex: Option<String>,
    /// The chunks of a stream, to be followed by `[DONE]`.
    events: Option<Vec<Value>>,
    /// The bytes of a stream, piece by piece.
    pieces: Option<Vec<String>>,
    #[serde(default)]
    gzip: bool,
    /// Moves `{now_ms}`.
    #[serde(default)]
    now_plus_ms: i64,
}

impl Answer {
    /// The answer as the server plays it now.
    pub(crate) fn reply(&self) -> Reply {
        let status = self.status.unwrap_or(200);
        let (content_type, pieces) = self.body();
        let mut reply = Reply::new(status, content_type, Vec::new());
        if self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            reply.headers.clear();
        }
        let placeholders = self.placeholders();
        for (name, value) in &self.headers {
            reply.headers.push((name.clone(), fill(value, &placeholders)));
        }
        reply.pieces = pieces;
        if self.gzip {
            reply.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
            reply.pieces = vec![fault_server::coding::gzip(&reply.pieces.concat())];
        }
        reply
    }

    fn body(&self) -> (&'static str, Vec<Vec<u8>>) {
        let stream = "text/event-stream";
        if let Some(json) = &self.json {
            return ("application/json", vec![json.to_string().into_bytes()]);
        }
        if let Some(events) = &self.events {
            let events = events.iter().map(|event| format!("data: {event}\n\n"));
            return (stream, events.chain(["data: [DONE]\n\n".to_owned()]).map(String::into_bytes).collect());
        }
        if let Some(pieces) = &self.pieces {
            return (stream, pieces.iter().map(|piece| piece.clone().into_bytes()).collect());
        }
        if let Some(hex) = &self.hex {
            return ("application/json", vec![bytes(hex)]);
        }
        ("text/plain", vec![self.text.clone().unwrap_or_default().into_bytes()])
    }

    fn placeholders(&self) -> [(&'static str, String); 2] {
        let now = SystemTime::now();
        let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        [
            ("{now_ms}", (since_1970 + self.now_plus_ms).to_string()),
            ("{ten_minutes_ago}", httpdate::fmt_http_date(now - Duration::from_secs(600))),
        ]
    }
}

/// The text with what stands for the placeholders in it.
pub(crate) fn fill(text: &str, placeholders: &[(&str, String)]) -> String {
    placeholders.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

/// All cases of a folder, in the order of their names.
pub(crate) fn load(folder: &Path) -> std::io::Result<Vec<Case>> {
    let mut files: Vec<_> = std::fs::read_dir(folder.join("cases"))?
        .map(|file| Ok(file?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |file: PathBuf| -> std::io::Result<Case> {
        let case = serde_json::from_slice(&std::fs::read(&file)?)
            .map_err(|cause| std::io::Error::other(format!("{}: {cause}", file.display())))?;
        Ok(Case { file, ..case })
    };
    files.into_iter().map(read).collect()
}
