//! A small provider for a service of named events, which streams every answer, keeps the promises. The guide
//! (`docs/writing-a-provider.md`) shows its decoder and its wire.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use provider_conformance::{Failure, Kit, Piece, Reason, Route, Wire, conformance_tests};
use provider_core::author::{
    ChatCodec, DecodeError, Frame, FrameDecoder, Progress, ResponseAccumulator, ResponseHead, RetryHints,
    range_problems, refuse_all_but,
};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigField, ConfigValues, ConnectionReport, Error,
    ErrorKind, FieldProblem, LlmProvider, Message, Model, ProviderContext, ProviderDescriptor, Usage,
};
use provider_http::{ChatApi, Endpoint, HttpLimits, error, settings};
use serde_json::{Value, json};

conformance_tests!(kit);

fn kit() -> Kit {
    Kit::new(|at| async move {
        let limits = HttpLimits::default().max_body_bytes(at.max_bytes).max_frame_bytes(at.max_bytes);
        FJORD.connect_with(&at.values(), &ProviderContext::new().with(limits))
    })
    .wire(Fjord)
    .patience(Duration::from_millis(500))
}

#[tokio::test(flavor = "multi_thread")]
async fn wire_without_a_beginning_is_tested_as_far_as_one_with_it() {
    let report = kit().without_layers().only("law").run().await;
    report.assert_all();
    let skipped: Vec<&str> = report.skipped().map(|case| case.name.as_str()).collect();
    assert!(!skipped.contains(&"law: after_the_end"), "`end` is a mark of the end: {skipped:?}");
    assert!(report.cases.len() > 2 * skipped.len(), "{skipped:?}");
}

#[test]
fn guide_shows_this_wire_and_this_decoder() {
    let guide = include_str!("../../../docs/writing-a-provider.md");
    let (_, wire) =
        include_str!("named_events.rs").split_once("\n/// The wire of the kit").expect("the wire");
    let (wire, rest) = wire.split_once("\nstatic FIELDS").expect("the end of the wire");
    let (_, decoder) = rest.split_once("\n/// Decodes the events").expect("the decoder");
    for shown in [wire, decoder] {
        assert!(
            guide.contains(shown.trim_end()),
            "docs/writing-a-provider.md shows something else than\n{shown}"
        );
    }
}

/// The wire of the kit: named events, ended by `end`.
#[derive(Debug)]
struct Fjord;

fn event(name: &str, data: Value) -> Option<String> {
    Some(format!("event: {name}\ndata: {data}\n\n"))
}

/// The status of a failure, and the service's code for it.
fn code_of(failure: Failure) -> (u16, &'static str) {
    match failure {
        Failure::Authentication => (401, "bad_key"),
        Failure::Payment => (402, "no_funds"),
        Failure::Permission => (403, "forbidden"),
        Failure::ModelNotFound => (404, "no_engine"),
        Failure::ContextLength => (400, "too_long"),
        Failure::RateLimited => (429, "slow_down"),
        Failure::Overloaded => (503, "busy"),
        Failure::Server => (500, "broken"),
        _ => (400, "bad_request"),
    }
}

/// The kit's code, or the service's own where the kit has none.
fn fault_of(failure: Failure, words: &str, code: &str) -> Value {
    let code = if code.is_empty() { code_of(failure).1 } else { code };
    json!({ "code": code, "msg": words })
}

impl Wire for Fjord {
    fn name(&self) -> &'static str {
        "fjord"
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn route(&self, method: &str, path: &str) -> Route {
        match (method, path) {
            ("POST", "/talk") => Route::Chat,
            ("GET", "/engines") => Route::Models,
            _ => Route::Other,
        }
    }

    fn is_streamed(&self, _body: &Value) -> bool {
        true // every answer is
    }

    fn is_over_with_finish(&self) -> bool {
        true // `end` has why the model stopped, and the usage
    }

    fn piece(&self, piece: &Piece<'_>) -> Option<String> {
        match piece {
            Piece::Begin { .. } | Piece::End => Some(String::new()), // an answer does without
            Piece::Text(text) => event("piece", json!({ "t": text })),
            Piece::Finish(reason, tokens) => {
                let why = match reason {
                    Reason::Stop => "stop",
                    Reason::Length => "length",
                    _ => return None, // no tools, no filter
                };
                let mut data = json!({ "why": why });
                if let Some(tokens) = tokens {
                    (data["in"], data["out"]) = (tokens.prompt.into(), tokens.completion.into());
                }
                event("end", data)
            }
            Piece::KeepAlive => event("ping", json!({})),
            Piece::Garbage(text) => Some(format!("event: piece\ndata: {{\"t\": {text}\n\n")),
            Piece::Error { failure, words, code } => event("fault", fault_of(*failure, words, code)),
            _ => None, // no thoughts, no tools, no usage beside that of the end
        }
    }

    fn whole(&self, _answer: &[Piece<'_>]) -> Option<String> {
        None // every answer is streamed
    }

    fn refusal(&self, failure: Failure, words: &str, code: &str) -> (u16, String) {
        (code_of(failure).0, fault_of(failure, words, code).to_string())
    }

    fn models(&self, ids: &[&str]) -> String {
        json!({ "engines": ids }).to_string()
    }

    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        let place = match name {
            "model" => "/engine",
            "messages" => "/turns",
            "temperature" => "/heat",
            "max_tokens" | "max_completion_tokens" => "/cap",
            _ => return Vec::new(), // refused by name
        };
        vec![(place.to_owned(), marker.clone())]
    }
}

static FIELDS: &[ConfigField] = &[
    settings::api_key(),
    settings::base_url(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

static FJORD: ProviderDescriptor = ProviderDescriptor::new("fjord", "Fjord", connect).fields(FIELDS);

provider_core::register_provider!(FJORD);

fn connect(values: &ConfigValues, context: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    let endpoint = Endpoint::builder("https://fjord.example")
        .provider(FJORD.id)
        .values(values)
        .bearer(values.get(settings::API_KEY));
    Ok(Arc::new(Provider { api: ChatApi::new(endpoint, Turns, context)? }))
}

#[derive(Debug)]
struct Provider {
    api: ChatApi<Turns>,
}

#[async_trait]
impl LlmProvider for Provider {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &FJORD
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.api.stream(request).await
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.api.chat(request).await
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.api.endpoint().get("engines").parse("the list of models", engines).await
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        self.models().await.map(|_| ConnectionReport::default())
    }

    async fn warm_up(&self) -> Result<(), Error> {
        self.api.endpoint().warm_up("engines").await
    }
}

fn engines(body: &str) -> Result<Catalogue, String> {
    let list: Value = serde_json::from_str(body).map_err(|cause| cause.to_string())?;
    let ids = list["engines"].as_array().ok_or("there is no list of models in `engines`")?;
    let models = ids.iter().filter_map(Value::as_str).map(|id| {
        let mut model = Model::default();
        (model.id, model.name) = (id.to_owned(), id.to_owned());
        model
    });
    Ok(Catalogue::new(models.collect(), None))
}

/// The service's wire.
#[derive(Debug)]
struct Turns;

impl ChatCodec for Turns {
    type Decoder = Events;

    fn path(&self) -> &str {
        "talk"
    }

    /// Every answer is streamed, so no field of the body asks for it.
    fn encode(&self, request: &ChatRequest, _stream: bool) -> Result<Vec<u8>, Error> {
        let carried = ["system", "assistant", "temperature", "max_tokens", "max_completion_tokens"];
        refuse_all_but(request, FJORD.id, &carried)?;
        let mut problems = range_problems(request);
        if request.max_tokens.is_some() && request.max_completion_tokens.is_some() {
            // The wire has one place for both.
            problems.push(FieldProblem::new("max_completion_tokens", "is set beside `max_tokens`: set one"));
        }
        if !problems.is_empty() {
            return Err(Error::invalid_request(problems));
        }
        let turns = request.messages.iter().filter_map(|message| {
            let (who, say) = match message {
                Message::System(said) => ("system", said.content.text()),
                Message::User(said) => ("user", said.content.text()),
                Message::Assistant(said) => ("assistant", said.text.clone()),
                _ => return None, // refused above
            };
            Some(json!({ "who": who, "say": say }))
        });
        let mut body = json!({ "engine": request.model, "turns": turns.collect::<Vec<_>>() });
        if let Some(temperature) = request.temperature {
            body["heat"] = temperature.into();
        }
        if let Some(cap) = request.max_tokens.or(request.max_completion_tokens) {
            body["cap"] = cap.into();
        }
        Ok(body.to_string().into_bytes())
    }

    fn decoder(&self, _request: &ChatRequest, head: ResponseHead) -> Events {
        Events { head, unread: None }
    }

    fn decode_error(&self, head: &ResponseHead, body: &str) -> Error {
        match serde_json::from_str::<Value>(body) {
            Ok(data) if data["msg"].is_string() => fault(head, &data),
            _ => error::from_response(head, body), // of a machine on the way
        }
    }
}

/// Decodes the events `piece`, `end` and `fault`.
struct Events {
    head: ResponseHead,
    /// The error of the first event that cannot be read. The answer goes on, and ends in it.
    unread: Option<Error>,
}

impl FrameDecoder for Events {
    fn decode(&mut self, frame: Frame<'_>, out: &mut ResponseAccumulator) -> Result<Progress, DecodeError> {
        let name = match frame.event.as_deref() {
            Some(name @ ("piece" | "end" | "fault")) => name,
            Some("ping") => return Ok(Progress::More), // a keep-alive is no part of the answer
            _ => {
                out.note_chunk(); // an event that is newer than this decoder
                return Ok(Progress::More);
            }
        };
        let data: Value = match serde_json::from_str(&frame.data) {
            Ok(data) => data,
            Err(cause) => {
                let error = error::undecodable(&self.head, &frame.data, "an event", &cause.to_string());
                self.unread.get_or_insert(error);
                return Ok(Progress::More);
            }
        };
        match name {
            "piece" => {
                out.note_chunk();
                out.push_text(data["t"].as_str().unwrap_or_default());
                Ok(Progress::More)
            }
            "fault" => Err(DecodeError::Reported(fault(&self.head, &data))),
            _ => {
                let mut usage = Usage::default();
                (usage.prompt_tokens, usage.completion_tokens) = (data["in"].as_u64(), data["out"].as_u64());
                out.update_usage(usage);
                out.set_finish_reason(data["why"].as_str().unwrap_or_default());
                out.set_end_marked();
                Ok(Progress::End)
            }
        }
    }

    /// No answer comes whole, but an error or a web page may.
    fn decode_body(&mut self, body: &str, _out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        let cause = match serde_json::from_str::<Value>(body) {
            Ok(data) if data["msg"].is_string() => {
                return Err(DecodeError::Reported(fault(&self.head, &data)));
            }
            Ok(_) => "it is no event stream".to_owned(),
            Err(cause) => cause.to_string(),
        };
        Err(DecodeError::Fatal(error::undecodable(&self.head, body, "an answer", &cause)))
    }

    fn finish(&mut self, _out: &mut ResponseAccumulator) -> Result<(), DecodeError> {
        self.unread.take().map_or(Ok(()), |error| Err(DecodeError::Fatal(error)))
    }
}

/// The kind by the service's code, or else by the status; the wait by the headers.
fn fault(head: &ResponseHead, data: &Value) -> Error {
    let code = data["code"].as_str().unwrap_or_default();
    let kind = match code {
        "bad_key" => ErrorKind::Authentication,
        "no_funds" => ErrorKind::PaymentRequired,
        "forbidden" => ErrorKind::PermissionDenied,
        "no_engine" => ErrorKind::ModelNotFound,
        "bad_request" => ErrorKind::InvalidRequest,
        "too_long" => ErrorKind::ContextLength,
        "slow_down" => ErrorKind::RateLimited,
        "busy" => ErrorKind::Overloaded,
        "broken" => ErrorKind::Server,
        _ if head.is_success() => ErrorKind::Server, // the status of an error inside a 200 tells nothing
        _ => error::kind_of_status(head.status()),
    };
    let words = data["msg"].as_str().unwrap_or("no reason was given");
    let advice = RetryHints::of(head).advice(kind, kind.usual_retry());
    let error = Error::new(kind, head.redact(words)).with_retry(advice);
    if code.is_empty() { error } else { error.with_code(head.redact(code)) }
}
