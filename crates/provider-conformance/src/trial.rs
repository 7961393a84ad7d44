//! A trial: one case with one provider, and the service that the kit plays for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fault_server::{FaultServer, Request, Script};
use provider_core::{Capability, ChatRequest, ChatResponse, Error, Event, LlmProvider};
use serde_json::Value;

use crate::kit::{At, KEY, Kit};
use crate::wire::{Failure, Piece, Reason, Route, Tokens};

/// The answer that the service gives when a case does not say otherwise.
pub(crate) const PLAIN: &[Piece<'static>] = &[
    Piece::Begin { id: "gen-1", model: "acme/model-1-2026" },
    Piece::Text("Hel"),
    Piece::Text("lo"),
    Piece::Finish(Reason::Stop, Some(TOKENS)),
    Piece::End,
];

pub(crate) const TOKENS: Tokens = Tokens { prompt: 11, completion: 7 };

/// The models that the service lists: with what a careless provider would change.
pub(crate) const MODELS: &[&str] =
    &["acme/model-1", "Acme/Model-1", "acme/model-1:free", "~acme/model-latest", "@preset/mine", "modèle 2"];

/// The end of a case that was not kept.
pub(crate) enum Verdict {
    Broken(String),
    Skip(String),
}

/// The kit itself failed: no port was free, for example.
impl From<io::Error> for Verdict {
    fn from(error: io::Error) -> Self {
        Verdict::Broken(format!("the kit's server: {error}"))
    }
}

/// Ends a case as broken, with what was seen, unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($seen:tt)+) => {
        if !$condition {
            return Err($crate::trial::Verdict::Broken(format!($($seen)+)));
        }
    };
}
pub(crate) use ensure;

/// A case under way.
pub(crate) struct Trial<'k> {
    pub(crate) kit: &'k Kit,
    /// The capability that the case needs.
    pub(crate) capability: Option<Capability>,
    pub(crate) behind_layers: bool,
}

/// A request as the service sees it.
pub(crate) struct Ask<'r> {
    pub(crate) request: &'r Request,
    pub(crate) route: Route,
    pub(crate) is_streamed: bool,
}

/// The server of a case, and the provider that asks it.
pub(crate) struct Stage {
    pub(crate) server: FaultServer,
    pub(crate) provider: Arc<dyn LlmProvider>,
    kit: Kit,
}

/// A stream that was read to its end.
pub(crate) struct Read {
    pub(crate) events: Vec<Event>,
    /// How often the stream ended: with an event or an error.
    pub(crate) ends: usize,
    /// Whether something came after the end.
    pub(crate) has_more: bool,
    /// Whether the call itself failed, and no stream came.
    pub(crate) is_refused: bool,
    pub(crate) outcome: Result<ChatResponse, Error>,
}

impl Read {
    /// The text as it was handed out.
    pub(crate) fn text(&self) -> String {
        self.events.iter().filter_map(text_of).collect()
    }
}

impl Trial<'_> {
    /// How long the case may take.
    pub(crate) fn limit(&self) -> Duration {
        let calls = if self.behind_layers { 2 } else { 1 };
        Duration::from_secs(5).max(self.kit.patience) + self.kit.patience * 8 * calls
    }

    /// A request without messages.
    pub(crate) fn blank(&self) -> ChatRequest {
        self.kit.wire.complete(ChatRequest::new(&self.kit.model))
    }

    /// The request to ask with.
    pub(crate) fn request(&self) -> ChatRequest {
        self.blank().user("Hello")
    }

    /// The limits of a provider that is not going to wait for nothing.
    pub(crate) fn calm(&self, url: String) -> At {
        let patience = Duration::from_secs(60);
        At { url, key: KEY.to_owned(), patience, total: patience, max_bytes: 1 << 20 }
    }

    /// The limits of a provider that is going to.
    pub(crate) fn waiting(&self, url: String) -> At {
        let At { key, max_bytes, .. } = self.calm(String::new());
        At { url, key, patience: self.kit.patience, total: self.kit.patience * 3, max_bytes }
    }

    pub(crate) async fn connect(&self, at: At) -> Result<Arc<dyn LlmProvider>, Error> {
        let provider = (self.kit.connect)(at).await?;
        Ok(if self.behind_layers { self.kit.layered(provider) } else { provider })
    }

    /// A service that plays what `answer` says, and otherwise works well; with a provider that asks it. Its
    /// list of models is for those who send the key, unless the kit is [keyless](Kit::keyless).
    pub(crate) async fn stage(
        &self,
        answer: impl FnMut(&Ask<'_>) -> Option<Script> + Send + 'static,
    ) -> Result<Stage, Verdict> {
        let server = self.serve(answer).await?;
        let at = self.calm(server.url());
        self.stage_at(server, at).await
    }

    /// The same, where the provider is going to wait for nothing.
    pub(crate) async fn waiting_stage(
        &self,
        answer: impl FnMut(&Ask<'_>) -> Option<Script> + Send + 'static,
    ) -> Result<Stage, Verdict> {
        let server = self.serve(answer).await?;
        let at = self.waiting(server.url());
        self.stage_at(server, at).await
    }

    /// A service that works well.
    pub(crate) async fn plain_stage(&self) -> Result<Stage, Verdict> {
        self.stage(|_| None).await
    }

    /// A service that gives this answer, streamed or whole.
    pub(crate) async fn answering(&self, answer: &'static [Piece<'static>]) -> Result<Stage, Verdict> {
        // Skips the case before it begins, if the wire lacks a piece.
        self.bytes(answer)?;
        let kit = self.kit.clone();
        self.stage(move |ask| (ask.route == Route::Chat).then(|| reply(&kit, ask.is_streamed, answer))).await
    }

    pub(crate) async fn stage_at(&self, server: FaultServer, at: At) -> Result<Stage, Verdict> {
        match self.connect(at).await {
            Ok(provider) => {
                let missing =
                    self.capability.filter(|needed| !provider.descriptor().capabilities.has(*needed));
                match missing {
                    Some(missing) => Err(Verdict::Skip(format!("the provider has no {missing}"))),
                    None => Ok(Stage { server, provider, kit: self.kit.clone() }),
                }
            }
            Err(error) => Err(Verdict::Broken(format!(
                "the constructor refused good settings: {error} {:?}",
                error.fields()
            ))),
        }
    }

    pub(crate) async fn serve(
        &self,
        mut answer: impl FnMut(&Ask<'_>) -> Option<Script> + Send + 'static,
    ) -> io::Result<FaultServer> {
        let kit = self.kit.clone();
        FaultServer::start(move |request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let route = kit.wire.route(&request.method, &request.path);
            let ask = Ask { request, route, is_streamed: kit.wire.is_streamed(&body) };
            answer(&ask).unwrap_or_else(|| match route {
                Route::Chat => reply(&kit, ask.is_streamed, PLAIN),
                Route::Models if kit.is_keyless || has_key(request) => {
                    Script::json(200, kit.wire.models(MODELS))
                }
                Route::Models => {
                    let (status, body) = kit.wire.refusal(Failure::Authentication, "a key is missing", "");
                    Script::json(status, body)
                }
                Route::Other => {
                    let path = request.path.split('?').next().unwrap_or_default();
                    match kit.beside.iter().find(|(end, _)| path.ends_with(&**end)) {
                        Some((_, json)) => Script::json(200, json.clone()),
                        None => Script::json(404, "{\"error\":{\"message\":\"no such page\",\"code\":404}}"),
                    }
                }
            })
        })
        .await
    }

    /// The bytes of streamed pieces. Skips the case if the wire lacks one of them.
    pub(crate) fn bytes(&self, pieces: &[Piece<'_>]) -> Result<String, Verdict> {
        let written = pieces.iter().map(|piece| {
            self.kit
                .wire
                .piece(piece)
                .ok_or_else(|| Verdict::Skip(format!("the wire has no {}", name(piece))))
        });
        written.collect()
    }

    /// A streamed answer of these bytes, so far.
    pub(crate) fn streaming(&self, bytes: impl Into<Vec<u8>>) -> Script {
        let bytes = bytes.into();
        let head = Script::new(200).header("content-type", self.kit.wire.content_type()).chunked();
        if bytes.is_empty() { head } else { head.write(bytes) }
    }

    pub(crate) fn needs_key(&self) -> Result<(), Verdict> {
        if self.kit.is_keyless { Err(Verdict::Skip("the provider has no key".to_owned())) } else { Ok(()) }
    }
}

impl Stage {
    /// Streams an answer and reads it to its end.
    pub(crate) async fn read(&self, request: &ChatRequest) -> Read {
        let mut read = Read {
            events: Vec::new(),
            ends: 0,
            has_more: false,
            is_refused: false,
            outcome: Ok(ChatResponse::default()),
        };
        let mut stream = match self.provider.stream(request).await {
            Ok(stream) => stream,
            Err(error) => return Read { ends: 1, is_refused: true, outcome: Err(error), ..read },
        };
        while let Some(event) = stream.next().await {
            read.has_more |= read.ends > 0;
            match event {
                Ok(event) => {
                    read.ends += usize::from(matches!(event, Event::Finished(_)));
                    read.events.push(event);
                }
                Err(_) => read.ends += 1,
            }
        }
        read.has_more |= stream.next().await.is_some();
        read.outcome = stream.into_response();
        read
    }

    /// The end of a stream and of a whole answer.
    pub(crate) async fn both(
        &self,
        request: &ChatRequest,
    ) -> [(&'static str, Result<ChatResponse, Error>); 2] {
        let streamed = self.read(request).await.outcome;
        [("streamed", streamed), ("whole", self.provider.chat(request).await)]
    }

    /// The number of chats that the service was asked for.
    pub(crate) fn chats(&self) -> usize {
        self.asked(Route::Chat).len()
    }

    /// The requests of this sort so far.
    pub(crate) fn asked(&self, route: Route) -> Vec<Request> {
        let requests = self.server.requests().into_iter();
        requests.filter(|request| self.kit.wire.route(&request.method, &request.path) == route).collect()
    }
}

/// Whether a request has the kit's key, in whichever header.
pub(crate) fn has_key(request: &Request) -> bool {
    request.headers.iter().any(|(_, value)| value.contains(KEY))
}

/// A good answer, in the form in which it was asked for.
pub(crate) fn reply(kit: &Kit, is_streamed: bool, answer: &[Piece<'_>]) -> Script {
    let whole = if is_streamed { None } else { kit.wire.whole(answer) };
    match whole {
        Some(body) => Script::json(200, body),
        None => {
            let pieces: String = answer.iter().filter_map(|piece| kit.wire.piece(piece)).collect();
            Script::with_body(200, kit.wire.content_type(), pieces)
        }
    }
}

/// The text of an event that has one.
pub(crate) fn text_of(event: &Event) -> Option<&str> {
    match event {
        Event::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether trying again could help, or could have helped before a layer gave up.
pub(crate) fn may_pass(error: &Error) -> bool {
    error.is_retryable() || error.has_exhausted_retries()
}

fn name(piece: &Piece<'_>) -> &'static str {
    match piece {
        Piece::Begin { .. } => "beginning",
        Piece::Text(_) => "text",
        Piece::Thought(_) => "thoughts",
        Piece::Call { .. } | Piece::Arguments { .. } => "tool calls in pieces",
        Piece::Finish(..) => "finish reason",
        Piece::Usage(_) => "usage alone",
        Piece::End => "mark of the end",
        Piece::KeepAlive => "keep-alives",
        Piece::Garbage(_) => "frame that cannot be read",
        Piece::Error { .. } => "error in a stream",
    }
}
