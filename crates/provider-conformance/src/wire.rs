//! The wire of a service, as far as the kit has to play the service.

mod chat_completions;
mod json_lines;
mod messages;

use std::fmt;

use provider_core::ChatRequest;
use serde_json::Value;

pub use self::chat_completions::ChatCompletions;
pub use self::json_lines::JsonLines;
pub use self::messages::Messages;

/// The form that requests and answers have on the wire of a service.
///
/// The kit plays the service with it: it knows which answer a case needs, and the wire how that is written.
/// Ready-made: [`ChatCompletions`], [`Messages`] and [`JsonLines`]. A wire of your own writes what differs.
pub trait Wire: fmt::Debug + Send + Sync + 'static {
    /// The name of the wire, for reports.
    fn name(&self) -> &'static str;

    /// The content type of a streamed answer.
    fn content_type(&self) -> &'static str;

    /// Tells what a request asks for.
    fn route(&self, method: &str, path: &str) -> Route;

    /// Adds to a request what none on this wire can do without, such as a limit of tokens. By default there
    /// is no such thing.
    fn complete(&self, request: ChatRequest) -> ChatRequest {
        request
    }

    /// Whether the body of a chat asks for a stream. By default, its field `stream` is true.
    fn is_streamed(&self, body: &Value) -> bool {
        body.get("stream") == Some(&Value::Bool(true))
    }

    /// Writes a piece of a streamed answer, with all that frames it.
    ///
    /// An empty text means that an answer does without it: it begins without an id and a model, or has no
    /// mark of the end. `None` means that no service says this on the wire, and skips every case that needs
    /// the piece: for [`Piece::Begin`] or [`Piece::End`] that is most of the kit, so it is nearly always
    /// wrong there.
    fn piece(&self, piece: &Piece<'_>) -> Option<String>;

    /// Whether [`Piece::Finish`] is this wire's mark of the end, so that nothing behind it counts. By default
    /// it is not, since usage may follow; [`Piece::End`] is the mark, if it has any bytes.
    fn is_over_with_finish(&self) -> bool {
        false
    }

    /// Writes a whole answer of these pieces, as a body of JSON. `None` if the wire has none such: then every
    /// answer is streamed. With a [`Piece::Error`] at the end it is an answer that failed on the way.
    fn whole(&self, answer: &[Piece<'_>]) -> Option<String>;

    /// Writes a refusal: its HTTP status and its body, as JSON with these words. An error inside a success
    /// has the same body.
    ///
    /// `code` is empty in nearly all cases: then the body has the code that the service has for this failure,
    /// if it has codes. One that is not empty stands there as it is.
    fn refusal(&self, failure: Failure, words: &str, code: &str) -> (u16, String);

    /// Writes the list of models.
    fn models(&self, ids: &[&str]) -> String;

    /// Writes the page of the list that is at this path, its query included. By default the first page has
    /// all, and one that the query says is a later one (`page=2`, `offset=100`, `after=…`, `after_id=…`,
    /// `cursor=…`, `page_token=…`) has none.
    fn page(&self, ids: &[&str], path: &str) -> String {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let is_later = query.split('&').filter_map(|pair| pair.split_once('=')).any(|pair| match pair {
            ("page", number) => !matches!(number, "" | "0" | "1"),
            ("offset", number) => !matches!(number, "" | "0"),
            ("after" | "after_id" | "cursor" | "page_token", place) => !place.is_empty(),
            _ => false,
        });
        self.models(if is_later { &[] } else { ids })
    }

    /// Reads the messages in the body of a chat, in their order; a system prompt that stands beside them
    /// comes first. `None` if the wire has no messages: the cases that compare them are skipped. By default
    /// the field `messages` has them, in the form of chat completions.
    fn messages(&self, body: &Value) -> Option<Vec<SentMessage>> {
        body.get("messages")?.as_array()?.iter().map(chat_completions::message).collect()
    }

    /// The fields of a body that are there without any parameter, as in `["model", "messages", "stream"]`.
    /// By default it is not known, and the kit only looks for parameters that were added.
    fn always_sent(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Whether messages on this wire carry a hint, which a provider may leave out where they do not. By
    /// default they carry none.
    fn carries(&self, hint: Hint) -> bool {
        let _ = hint;
        false
    }

    /// Other spellings of a streamed answer, which mean the same and which services use. By default there
    /// are none.
    fn spellings(&self, answer: &str) -> Vec<Spelling> {
        let _ = answer;
        Vec::new()
    }

    /// Tells where in the body of a request a part of it stands, and as which value: JSON pointers, of which
    /// one must have the value, in itself or anywhere below it. `name` is a parameter, as in
    /// [`ChatRequest::PARAMETERS`](provider_core::ChatRequest::PARAMETERS), or `model`, `messages` or
    /// `tools`; `marker` is the value that the kit has set. By default it stands under its own name.
    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        vec![(format!("/{name}"), marker.clone())]
    }
}

/// A part of a message that a service can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// The name of the speaker.
    Name,
    /// The thoughts of an earlier answer, for the model that had them.
    Thoughts,
}

/// A message in the body of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentMessage {
    /// The role: `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The text, joined if it is in parts.
    pub text: String,
    /// The tool calls of an answer.
    pub calls: Vec<SentCall>,
    /// The id of the call whose result this is.
    pub call_id: Option<String>,
}

/// A tool call in the body of a chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SentCall {
    /// The id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments: a string where the wire has them as text, and then byte for byte; else their JSON.
    pub arguments: Value,
}

/// A spelling of a streamed answer.
#[derive(Clone, Debug)]
pub struct Spelling {
    /// The difference, for reports: `CRLF`.
    pub name: &'static str,
    /// The content type.
    pub content_type: String,
    /// The bytes of the answer.
    pub bytes: String,
}

/// The sort of request that a provider sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// A chat.
    Chat,
    /// A list of models.
    Models,
    /// Anything else: a record of the key, for example. [`Kit::beside`](crate::Kit::beside) answers it.
    Other,
}

/// A piece of a streamed answer, before it is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Piece<'a> {
    /// The beginning: the answer's id and the model that answers.
    Begin {
        /// The answer's id.
        id: &'a str,
        /// The model.
        model: &'a str,
    },
    /// A piece of text.
    Text(&'a str),
    /// A piece of a visible thought.
    Thought(&'a str),
    /// The beginning of a tool call.
    Call {
        /// The number of the call, from 0.
        index: usize,
        /// Its id. A wire without ids leaves it out.
        id: &'a str,
        /// The tool's name.
        name: &'a str,
        /// The first piece of its arguments, which may be empty.
        arguments: &'a str,
    },
    /// The next piece of a call's arguments.
    Arguments {
        /// The number of the call.
        index: usize,
        /// The piece.
        arguments: &'a str,
    },
    /// A tool call in one piece.
    WholeCall {
        /// The number of the call, from 0.
        index: usize,
        /// Its id. A wire without ids leaves it out.
        id: &'a str,
        /// The tool's name.
        name: &'a str,
        /// Its arguments, as JSON.
        arguments: &'a str,
    },
    /// The reason why the model stopped, and the usage, where the wire has it.
    Finish(Reason, Option<Tokens>),
    /// The usage alone.
    Usage(Tokens),
    /// The wire's own mark of the end.
    End,
    /// A sign of life.
    KeepAlive,
    /// A frame that cannot be read, with this text in it.
    Garbage(&'a str),
    /// A failure, in the words of the service and with its code.
    Error {
        /// The failure.
        failure: Failure,
        /// The words.
        words: &'a str,
        /// The code, as of [`Wire::refusal`]: if it is empty, the service's own for this failure.
        code: &'a str,
    },
}

/// The reason why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It had said all.
    Stop,
    /// The limit of tokens.
    Length,
    /// It calls tools.
    ToolCalls,
    /// A filter held the rest back.
    ContentFilter,
}

/// The tokens of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Tokens of the request.
    pub prompt: u64,
    /// Tokens of the answer.
    pub completion: u64,
}

/// A failure that a service reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The key is wrong.
    Authentication,
    /// There is no money left.
    Payment,
    /// The key may not do this.
    Permission,
    /// There is no such model.
    ModelNotFound,
    /// A parameter is wrong.
    InvalidRequest,
    /// The prompt does not fit the model's context window.
    ContextLength,
    /// Too many requests.
    RateLimited,
    /// The service has more to do than it can.
    Overloaded,
    /// The service failed.
    Server,
}

impl Failure {
    /// Each of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Authentication,
        Self::Payment,
        Self::Permission,
        Self::ModelNotFound,
        Self::InvalidRequest,
        Self::ContextLength,
        Self::RateLimited,
        Self::Overloaded,
        Self::Server,
    ];
}

/// The spellings of an event stream.
fn spellings_of_events(answer: &str) -> Vec<Spelling> {
    let spelling = |name, content_type: &str, bytes: String| Spelling {
        name,
        content_type: content_type.to_owned(),
        bytes,
    };
    vec![
        spelling("CRLF", "text/event-stream", answer.replace('\n', "\r\n")),
        spelling("no space behind the colon", "text/event-stream", answer.replace("data: ", "data:")),
        spelling("a charset", "text/event-stream; charset=utf-8", answer.to_owned()),
    ]
}
