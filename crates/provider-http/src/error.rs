//! From a failure of HTTP to an [`Error`] that a caller can act on.
//!
//! Each function says what happened, of which kind it is and what helps. The provider, the model, the
//! answer's status and its ids are added in one place, where an error leaves the crate.

use std::borrow::Cow;
use std::error::Error as StdError;

use provider_core::author::{ResponseHead, RetryHints, base_url_step, text_of_body};
use provider_core::{Error, ErrorKind, RetryAdvice, TimeoutPhase};

use crate::HttpLimits;
use crate::deadlines::Elapsed;
use crate::framing::FrameTooLarge;
use crate::settings::EXAMPLE_BASE_URL;
use crate::transport::{ProxyFault, TransportError, TransportErrorKind, UsedProxy};

/// Returns the kind of error that a status usually means, whatever the service: for a wire whose error names
/// no code that it knows. A status that is no failure means [`ErrorKind::InvalidResponse`].
///
/// ```
/// use provider_core::ErrorKind;
/// use provider_http::error::kind_of_status;
///
/// assert_eq!(kind_of_status(429), ErrorKind::RateLimited);
/// assert_eq!(kind_of_status(418), ErrorKind::InvalidRequest);
/// assert_eq!(kind_of_status(200), ErrorKind::InvalidResponse);
/// ```
pub fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::PaymentRequired,
        403 => ErrorKind::PermissionDenied,
        404 | 405 | 410 => ErrorKind::NotFound,
        408 | 504 | 524 => ErrorKind::Timeout,
        413 => ErrorKind::PayloadTooLarge,
        429 => ErrorKind::RateLimited,
        400..500 => ErrorKind::InvalidRequest,
        502 | 520..=523 => ErrorKind::Upstream,
        503 | 529 => ErrorKind::Overloaded,
        500..600 => ErrorKind::Server,
        _ => ErrorKind::InvalidResponse,
    }
}

/// Makes the error of an error response: an answer whose status is no success. `body` is what was read of it.
///
/// The kind is the status's, the wait [the headers'](RetryHints), and the words are the
/// service's: the JSON string `error`, `message` or `detail`, as most services have it. A wire that knows its
/// service's errors makes them itself, and asks this for all the others.
///
/// ```
/// use provider_core::{ErrorKind, Secret, author::ResponseHead};
///
/// let head = ResponseHead::new(401, (), Secret::new("sk-key"));
/// let error = provider_http::error::from_response(&head, r#"{"error": "no such key: sk-key"}"#);
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Authentication, "no such key: ***"));
/// ```
pub fn from_response(head: &ResponseHead, body: &str) -> Error {
    let text = text_of_body(body);
    let words = match text {
        "" => "an empty body".to_owned(),
        _ if text.starts_with('<') => "a web page".to_owned(),
        _ => head.redact(&words_of(text)),
    };
    let (kind, message) = match head.status() {
        300..400 => {
            let to = head.redact(head.header("location").unwrap_or("nowhere"));
            let message = format!("redirected to {to}, which is not followed; check base_url");
            (ErrorKind::InvalidResponse, message)
        }
        status if words.is_empty() => {
            (kind_of_status(status), format!("HTTP status {status} without a reason"))
        }
        status => (kind_of_status(status), words),
    };
    let advice = RetryHints::of(head).advice(kind, kind.usual_retry());
    let mut error = Error::new(kind, message).with_status(head.status()).with_retry(advice);
    if kind == ErrorKind::Timeout {
        error = error.with_timeout(TimeoutPhase::Service);
    }
    if let Some(details) = head.redact_json(text) {
        error = error.with_details(details);
    }
    error
}

/// The words of a JSON error, or the text as it is.
fn words_of(text: &str) -> Cow<'_, str> {
    let json = serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
    let words = ["/error/message", "/error", "/message", "/detail"];
    match words.into_iter().find_map(|place| json.pointer(place)?.as_str()) {
        Some(words) => Cow::Owned(words.to_owned()),
        None => Cow::Borrowed(text),
    }
}

/// Makes an error of a frame or a document with a good status that is not `what` was asked for (`a line`,
/// `the list of models`): `cause` says why it cannot be read.
pub fn undecodable(head: &ResponseHead, body: &str, what: &str, cause: &str) -> Error {
    undecodable_at(EXAMPLE_BASE_URL, head, body, what, cause)
}

/// The same, with a base URL of the service to show.
pub(crate) fn undecodable_at(
    example: &str,
    head: &ResponseHead,
    body: &str,
    what: &str,
    cause: &str,
) -> Error {
    let text = text_of_body(body);
    let message = match text {
        "" => format!("an empty body came instead of {what}"),
        _ if text.starts_with("<?xml") => format!("an XML document came instead of {what}"),
        _ if text.starts_with('<') => format!("a web page came instead of {what}; check base_url"),
        _ => format!("{what} cannot be read: {}", head.redact(cause)),
    };
    let error = Error::new(ErrorKind::InvalidResponse, message);
    match text {
        "" => error,
        _ if text.starts_with('<') => {
            error.with_details(head.excerpt(text)).with_next_step(base_url_step(example))
        }
        _ => error.with_details(head.excerpt(text)),
    }
}

/// The request could not be sent, or its answer did not begin.
pub(crate) fn from_transport(failure: TransportError, origin: &str, limits: &HttpLimits) -> Error {
    let proxy = failure.proxy.as_deref().cloned();
    let through = proxy.as_ref().map_or_else(String::new, |proxy| format!(" through {proxy}"));
    match failure.kind {
        TransportErrorKind::Request => {
            caused_by(failure, ErrorKind::InvalidRequest, format!("the request to {origin} cannot be made"))
        }
        TransportErrorKind::Setup => {
            let what = "TLS cannot be set up; are CA certificates installed?";
            caused_by(failure, ErrorKind::Config, what.to_owned())
        }
        TransportErrorKind::NoTls => {
            caused_by(failure, ErrorKind::Config, format!("cannot reach {origin}: this build has no TLS"))
                .with_next_step(
                    "build provider-http with one of its features for TLS, or give the provider an HTTP client that has it",
                )
        }
        TransportErrorKind::Tls(tls) => {
            let what = format!("cannot reach {origin}, whose {}", tls.what);
            caused_by(failure, ErrorKind::Connection, what)
                .with_retry(RetryAdvice::Never)
                .with_next_step(tls.next_step)
        }
        TransportErrorKind::ConnectTimeout(limit) => {
            let limit = limit.unwrap_or(limits.connect_timeout);
            let what = format!("connecting to {origin}{through} took longer than {limit:?}");
            caused_by(failure, ErrorKind::Timeout, what).with_timeout(TimeoutPhase::Connect)
        }
        TransportErrorKind::Timeout => {
            let what = format!("the HTTP client waits no longer for {origin}");
            caused_by(failure, ErrorKind::Timeout, what).with_timeout(TimeoutPhase::Read)
        }
        TransportErrorKind::Redirected => {
            let what = format!("{origin} redirected, and the HTTP client followed, which no provider allows");
            caused_by(failure, ErrorKind::Config, what).with_retry(RetryAdvice::Never).with_next_step(
                "give the provider an HTTP client that follows no redirects (of reqwest: \
                 redirect(reqwest::redirect::Policy::none())), and replace a key that is sent in a header of \
                 its own: it may have gone along",
            )
        }
        TransportErrorKind::Forbidden(kind) => {
            let next_step = failure.next_step.clone();
            let what = format!("{origin} is at {kind}, where this host lets no provider connect");
            let error = caused_by(failure, ErrorKind::Config, what).with_retry(RetryAdvice::Never);
            match next_step {
                Some(step) => error.with_next_step(step.to_string()),
                None => error,
            }
        }
        TransportErrorKind::Proxy(fault) => proxy_failed(failure, fault, proxy.as_ref(), origin),
        TransportErrorKind::Connect | TransportErrorKind::Closed => {
            let ignored = failure.ignored_variable;
            let error =
                caused_by(failure, ErrorKind::Connection, format!("cannot reach {origin}{through}"));
            match ignored {
                Some(variable) => error.with_next_step(format!(
                    "correct {variable}, which is ignored since it names no proxy: write it as http://host:port"
                )),
                None => error,
            }
        }
    }
}

fn proxy_failed(
    failure: TransportError,
    fault: ProxyFault,
    proxy: Option<&UsedProxy>,
    origin: &str,
) -> Error {
    let named = proxy.map_or_else(|| "the HTTP client's proxy".to_owned(), UsedProxy::to_string);
    let setting = proxy.and_then(|proxy| proxy.variable).unwrap_or("the settings of the proxy");
    let (kind, what, next_step) = match fault {
        ProxyFault::Tls(tls) => {
            let what = format!("cannot reach {origin} through {named}, whose {}", tls.what);
            (ErrorKind::Connection, what, tls.next_step.to_owned())
        }
        ProxyFault::Authentication => {
            (ErrorKind::Connection, format!("{named} {WANTS_CREDENTIALS}"), credentials_step(setting))
        }
        ProxyFault::Scheme => (
            ErrorKind::Config,
            format!("{named} cannot be used: this build does not speak its protocol"),
            format!("name an http proxy in {setting}, or build with the feature `socks` of provider-http"),
        ),
        ProxyFault::Unreachable => (
            ErrorKind::Connection,
            format!("{named} cannot be reached, through which {origin} is asked"),
            format!("correct {setting}, or start the proxy"),
        ),
        ProxyFault::Refused => {
            // The proxy may have failed to reach the server in turn: that may pass.
            return caused_by(
                failure,
                ErrorKind::Connection,
                format!("{named} does not connect to {origin}"),
            )
            .with_next_step("ask whoever runs the proxy, if it stays so");
        }
    };
    caused_by(failure, kind, what).with_retry(RetryAdvice::Never).with_next_step(next_step)
}

const WANTS_CREDENTIALS: &str = "wants a user name and a password, or refuses those that it got";

fn credentials_step(setting: &str) -> String {
    format!("write them into {setting}, as in http://user:password@host:port")
}

/// A proxy on the way answered in the place of the service: with 407.
pub(crate) fn proxy_authentication(proxy: Option<&UsedProxy>) -> Error {
    let named = proxy.map_or_else(|| "a proxy on the way".to_owned(), UsedProxy::to_string);
    let setting = proxy.and_then(|proxy| proxy.variable).unwrap_or("the settings of the proxy");
    Error::new(ErrorKind::Connection, format!("{named} {WANTS_CREDENTIALS}"))
        .with_status(407)
        .with_retry(RetryAdvice::Never)
        .with_next_step(credentials_step(setting))
}

/// A deadline passed before the answer began.
pub(crate) fn response_timeout(elapsed: Elapsed, origin: &str, limits: &HttpLimits) -> Error {
    match elapsed {
        Elapsed::Read => {
            let what = format!("{origin} was silent for {:?} (read timeout)", limits.read_timeout);
            timed_out(what, TimeoutPhase::Read)
        }
        Elapsed::Total => {
            let limit = limits.total_timeout;
            let what = format!("no answer from {origin} within {limit:?} (total timeout)");
            timed_out(what, TimeoutPhase::Deadline)
        }
    }
}

/// A deadline passed before the key was there.
pub(crate) fn key_timeout() -> Error {
    timed_out("the source of the key gave none in time".to_owned(), TimeoutPhase::Deadline)
}

/// A deadline passed after the answer had begun.
pub(crate) fn body_timeout(elapsed: Elapsed, limits: &HttpLimits) -> Error {
    match elapsed {
        Elapsed::Read => {
            let what = format!("the answer went silent for {:?} (read timeout)", limits.read_timeout);
            timed_out(what, TimeoutPhase::Read)
        }
        Elapsed::Total => {
            let limit = limits.total_timeout;
            let what = format!("the answer took longer than {limit:?} (total timeout)");
            timed_out(what, TimeoutPhase::Deadline)
        }
    }
}

fn timed_out(what: String, phase: TimeoutPhase) -> Error {
    Error::new(ErrorKind::Timeout, what).with_timeout(phase)
}

/// The body broke off.
pub(crate) fn interrupted(failure: TransportError) -> Error {
    if failure.kind == TransportErrorKind::Timeout {
        let what = "the HTTP client waits no longer for the rest of the answer";
        return timed_out(what.to_owned(), TimeoutPhase::Read);
    }
    let what = "the connection broke off before the answer was complete".to_owned();
    caused_by(failure, ErrorKind::Interrupted, what)
}

/// The body ended inside a frame, whose error this is.
pub(crate) fn truncated_frame(cause: Error) -> Error {
    let what = "the answer ended inside a frame";
    let error = Error::new(ErrorKind::Interrupted, what);
    match cause.details() {
        Some(details) => error.with_details(details.clone()).with_source(cause),
        None => error.with_source(cause),
    }
}

/// The body is larger than allowed.
pub(crate) fn body_too_large(limit: usize) -> Error {
    let what = format!("the answer is larger than the limit of {limit} bytes (HttpLimits::max_body_bytes)");
    Error::new(ErrorKind::InvalidResponse, what)
}

/// A frame is larger than allowed.
pub(crate) fn frame_too_large(frame: FrameTooLarge) -> Error {
    let what = format!("{frame}; raise HttpLimits::max_frame_bytes to read it");
    Error::new(ErrorKind::InvalidResponse, what)
}

/// A body with a good status ended in good order, and had nothing in it but keep-alives.
pub(crate) fn empty_answer() -> Error {
    Error::new(ErrorKind::EmptyResponse, "the answer is empty")
}

/// A body is compressed, which no request asks for.
pub(crate) fn compressed(encoding: &str) -> Error {
    let what = format!("the answer is compressed ({encoding:.40}), which was not asked for");
    Error::new(ErrorKind::InvalidResponse, what)
}

/// The error with its cause, whose innermost words are the telling ones.
fn caused_by(failure: TransportError, kind: ErrorKind, what: String) -> Error {
    let mut innermost: Option<&(dyn StdError + 'static)> = None;
    let mut cause = failure.source();
    while let Some(inner) = cause {
        innermost = Some(inner);
        cause = inner.source();
    }
    let what = match innermost {
        Some(cause) => format!("{what}: {cause}"),
        None => what,
    };
    Error::new(kind, what).with_source(failure)
}
