//! A trial: one case with one provider, and the service that the kit plays for it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fault_server::{FaultServer, Request, Script};
use provider_core::{Capability, ChatRequest, ChatResponse, Error, Event, LlmProvider};
use serde_json::{Value, json};

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
pub(crate) const MODELS: &[&str] = &[
    "acme/model-1",
    "Acme/Model-1",
    "acme/model-1:free",
    "~acme/model-latest",
    "@preset/mine",
    "modèle 2",
    " edge ",
    "twin",
    "twin",
];

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
    /// How many times as long everything may take.
    slack: u32,
    /// Whether the case depends on time.
    is_timed: AtomicBool,
    pub(crate) log: Log,
}

/// The requests that the servers of a case got, and the path of each that the kit does not play.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<(Vec<String>, Vec<String>)>>);

impl Log {
    fn note(&self, request: &Request, is_played: bool) {
        let path = request.path.split('?').next().unwrap_or_default();
        let line = format!("{} {path}", request.method);
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_played {
            log.1.push(line.clone());
        }
        log.0.push(line);
    }

    /// The requests in a few words, for a message.
    pub(crate) fn shown(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match log.0.last() {
            Some(last) => format!("the server got {} requests, the last a {last}", log.0.len()),
            None => "the server got no request".to_owned(),
        }
    }

    /// Advice, where the provider asked for a page that the kit does not play.
    pub(crate) fn unplayed(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match log.1.first() {
            Some(asked) => format!("; the kit does not play {asked}, unless `Kit::beside` says how"),
            None => String::new(),
        }
    }
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

impl<'k> Trial<'k> {
    pub(crate) fn new(kit: &'k Kit, capability: Option<Capability>, behind_layers: bool, slack: u32) -> Self {
        let (is_timed, log) = (AtomicBool::new(false), Log::default());
        Self { kit, capability, behind_layers, slack, is_timed, log }
    }
}

impl Trial<'_> {
    /// Notes that a busy machine can fail the case.
    pub(crate) fn depends_on_time(&self) {
        self.is_timed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_timed(&self) -> bool {
        self.is_timed.load(Ordering::Relaxed)
    }

    /// Longer than anything takes that the provider is to do at once.
    pub(crate) fn soon(&self) -> Duration {
        self.depends_on_time();
        Duration::from_secs(3) * self.slack
    }

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
        self.depends_on_time();
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
        let (kit, log) = (self.kit.clone(), self.log.clone());
        FaultServer::start(move |request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let route = kit.wire.route(&request.method, &request.path);
            let ask = Ask { request, route, is_streamed: kit.wire.is_streamed(&body) };
            let path = request.path.split('?').next().unwrap_or_default();
            let beside = || kit.beside.iter().find(|(end, _)| path.ends_with(&**end));
            let answer = answer(&ask).or_else(|| match route {
                Route::Chat if lacks_all(&body) => {
                    let (status, body) =
                        kit.wire.refusal(Failure::InvalidRequest, "the request has no messages", "");
                    Some(Script::json(status, body))
                }
                Route::Chat => Some(reply(&kit, ask.is_streamed, PLAIN)),
                Route::Models if kit.is_keyless || has_key(request) => {
                    Some(Script::json(200, kit.wire.page(MODELS, &request.path)))
                }
                Route::Models => {
                    let (status, body) = kit.wire.refusal(Failure::Authentication, "a key is missing", "");
                    Some(Script::json(status, body))
                }
                Route::Other => beside().map(|(_, json)| Script::json(200, json.clone())),
            });
            log.note(request, answer.is_some());
            answer.unwrap_or_else(|| {
                let words = format!(
                    "the kit does not play {} {path}: `Wire::route` says {route:?}, and no `Kit::beside` answers it",
                    request.method
                );
                Script::json(404, json!({"error": {"message": words, "code": 404}}).to_string())
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

    /// Whether an answer on this wire begins with this text, as its id or its model.
    pub(crate) fn begins_with(&self, id: &str, model: &str) -> bool {
        let begin = self.kit.wire.piece(&Piece::Begin { id, model }).unwrap_or_default();
        begin.contains(if id.is_empty() { model } else { id })
    }

    /// Asks for the list, or for an answer where the service has none. For cases that are about neither.
    pub(crate) async fn ask_for_something(&self, stage: &Stage) -> Result<(), Error> {
        match self.kit.is_unlisted {
            true => stage.provider.chat(&self.request()).await.map(drop),
            false => stage.provider.models().await.map(drop),
        }
    }

    pub(crate) fn needs_list(&self) -> Result<(), Verdict> {
        if self.kit.is_unlisted { Err(Verdict::Skip("the service has no list".to_owned())) } else { Ok(()) }
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

    /// The number of chats that the service was asked for. One that lacks everything costs nothing.
    pub(crate) fn chats(&self) -> usize {
        let is_whole =
            |asked: &&Request| !lacks_all(&serde_json::from_slice(&asked.body).unwrap_or_default());
        self.asked(Route::Chat).iter().filter(is_whole).count()
    }

    /// The paths of all requests so far, for messages.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.server.requests().into_iter().map(|request| request.path).collect()
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

/// Whether a body has neither a model nor messages nor any other content: a connection test may send such a
/// chat, and every service refuses it.
fn lacks_all(body: &Value) -> bool {
    match body {
        Value::Object(fields) => fields.values().all(|field| match field {
            Value::Number(_) => false,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Null | Value::Bool(_) => true,
            Value::Object(_) => lacks_all(field),
        }),
        _ => false,
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
        Piece::WholeCall { .. } => "tool calls",
        Piece::Finish(..) => "finish reason of this sort",
        Piece::Usage(_) => "usage alone",
        Piece::End => "mark of the end",
        Piece::KeepAlive => "keep-alives",
        Piece::Garbage(_) => "frame that cannot be read",
        Piece::Error { .. } => "error in a stream",
    }
}
