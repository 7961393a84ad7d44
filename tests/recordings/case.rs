//! A recorded exchange.

use std::path::Path;

use serde_json::Value;

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Completion,
    Stream,
    Error,
    Models,
}

/// A recorded exchange and the expected reading of it.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) status: u16,
    pub(crate) streaming: bool,
    pub(crate) content_type: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Value,
    /// The body of the request; `null` where there was none.
    pub(crate) request: Value,
    /// Whether strings of it are shortened.
    pub(crate) request_is_shortened: bool,
    /// Where it was recorded: exchanges of one conversation share it.
    pub(crate) origin: String,
}

/// The response headers worth playing back.
const HEADERS: [&str; 6] = [
    "x-generation-id",
    "x-provider-name",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
];

/// Loads all cases of a folder, by name. The folder has them in `cases`, or is that folder itself.
pub(crate) fn load(folder: &Path) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    let inner = folder.join("cases");
    let folder = if inner.is_dir() { &inner } else { folder };
    let mut folders: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    folders.sort();
    folders.iter().filter(|folder| folder.is_dir()).map(|folder| load_case(folder)).collect()
}

fn load_case(folder: &Path) -> Result<Case, Box<dyn std::error::Error>> {
    let json = |name: &str| -> Result<Value, Box<dyn std::error::Error>> {
        Ok(serde_json::from_slice(&std::fs::read(folder.join(name))?)?)
    };
    let (meta, expected, mut request) = (json("meta.json")?, json("expected.json")?, json("request.json")?);
    let kind = match expected["kind"].as_str() {
        Some("completion") => Kind::Completion,
        Some("stream") => Kind::Stream,
        Some("error") => Kind::Error,
        Some("models") => Kind::Models,
        other => return Err(format!("{}: unknown kind {other:?}", folder.display()).into()),
    };
    let headers = HEADERS.iter().filter_map(|name| {
        let value = meta["headers"][name].as_str()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    Ok(Case {
        id: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kind,
        status: u16::try_from(meta["status"].as_u64().unwrap_or(200))?,
        streaming: meta["streaming"].as_bool().unwrap_or(kind == Kind::Stream),
        content_type: meta["content_type"].as_str().unwrap_or("application/json").to_owned(),
        headers: headers.collect(),
        body: std::fs::read(folder.join("response.body"))?,
        expected,
        request_is_shortened: request["strings_left_out"] != 0,
        request: request["body"].take(),
        origin: format!("{} {}", meta["source"], meta["file"]),
    })
}
