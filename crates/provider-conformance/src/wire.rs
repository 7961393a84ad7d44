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

    /// Writes a piece of a streamed answer, with all that frames it. `None` if the wire has no such piece:
    /// the cases that need it are skipped. An empty text means that the wire needs no bytes for it.
    fn piece(&self, piece: &Piece<'_>) -> Option<String>;

    /// Writes a whole answer of these pieces, as a body of JSON. `None` if the wire has none such: then every
    /// answer is streamed.
    fn whole(&self, answer: &[Piece<'_>]) -> Option<String>;

    /// Writes a refusal: its HTTP status and its body, as JSON with these words and, if the wire has one,
    /// this code. An error inside a success has the same body.
    fn refusal(&self, failure: Failure, words: &str, code: &str) -> (u16, String);

    /// Writes the list of models.
    fn models(&self, ids: &[&str]) -> String;

    /// Tells where in the body of a request a part of it stands, and as which value: JSON pointers, of which
    /// one must have the value, in itself or anywhere below it. `name` is a parameter, as in
    /// [`ChatRequest::PARAMETERS`](provider_core::ChatRequest::PARAMETERS), or `messages` or `tools`;
    /// `marker` is the value that the kit has set. By default it stands under its own name.
    fn places(&self, name: &str, marker: &Value) -> Vec<(String, Value)> {
        vec![(format!("/{name}"), marker.clone())]
    }
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
        /// The code.
        code: &'a str,
    },
}

/// The reason why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It had said all.
    Stop,
    /// The limit of tokens.
    Length,
    /// It calls tools.
    ToolCalls,
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
