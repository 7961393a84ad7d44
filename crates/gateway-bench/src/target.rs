//! A target of the measurement: a URL, a key, headers and, for processor time and memory, a process.

use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// `name=URL[,key=KEY][,model=MODEL][,header=NAME:VALUE]…[,pid=PID]`. The URL ends before
/// `/chat/completions`.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) url: String,
    key: String,
    model: String,
    headers: Vec<(String, String)>,
    pub(crate) pid: Option<u32>,
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',');
        let (name, url) =
            parts.next().and_then(|first| first.split_once('=')).context("name=URL is missing")?;
        let mut target = Self {
            name: name.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            key: "sk-bench".to_owned(),
            model: "bench/model".to_owned(),
            headers: Vec::new(),
            pid: None,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("key", key)) => target.key = key.to_owned(),
                Some(("model", model)) => target.model = model.to_owned(),
                Some(("header", header)) => {
                    let (name, value) = header.split_once(':').context("a header is NAME:VALUE")?;
                    target.headers.push((name.to_owned(), value.to_owned()));
                }
                Some(("pid", pid)) => target.pid = Some(pid.parse().context("pid is a number")?),
                _ => bail!("{part:?} is none of key=, model=, header=, pid="),
            }
        }
        Ok(target)
    }
}

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(usize::MAX).build(connector)
}

impl Target {
    pub(crate) fn request(&self, stream: bool) -> Result<Request<Full<Bytes>>> {
        let messages = serde_json::json!([{"role": "user", "content": "Say sixty words, please."}]);
        let body = serde_json::json!({"model": self.model, "messages": messages, "stream": stream, "max_tokens": 300});
        let mut request = Request::post(format!("{}/chat/completions", self.url))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(request.body(Full::new(body.to_string().into()))?)
    }

    /// Asks for a whole answer, and makes sure that it is one.
    pub(crate) async fn ask(&self, http: &Http) -> Result<()> {
        let response = http.request(self.request(false)?).await?;
        let body = checked(response).await?.collect().await?.to_bytes();
        ensure!(find(&body, b"again and again."), "{} sent another answer", self.name);
        Ok(())
    }

    /// Opens a stream.
    pub(crate) async fn open(&self, http: &Http) -> Result<Incoming> {
        checked(http.request(self.request(true)?).await?).await
    }
}

async fn checked(response: Response<Incoming>) -> Result<Incoming> {
    let status = response.status();
    if status.is_success() {
        return Ok(response.into_body());
    }
    let body = response.into_body().collect().await?.to_bytes();
    bail!("status {status}: {}", String::from_utf8_lossy(&body))
}

fn find(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}
