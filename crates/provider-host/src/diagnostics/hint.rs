//! Hints: advice for an error.

use provider_core::{Error, ErrorKind, Links, linked_providers};

use super::options;

/// The hint for an error: its own advice or else that for its kind, and a command or a page that helps.
pub(crate) fn hint(error: &Error) -> Option<String> {
    let links = links(error);
    let (usual, pointer) = usual(error, links);
    let advice = error.next_step().map(options::advice).or(usual);
    match (advice, pointer) {
        (Some(advice), Some(pointer)) if !advice.contains(&pointer) => Some(format!("{advice}; {pointer}")),
        (advice, pointer) => advice.or(pointer),
    }
}

/// The advice for a kind of errors, and a command or a page.
fn usual(error: &Error, links: Links) -> (Option<String>, Option<String>) {
    let page = |what: &str, link: Option<&str>| link.map(|link| format!("{what} {link}"));
    // Of one provider among several, a setting has its id in front.
    let is_key = |field: &str| field.rsplit('.').next() == Some("api_key");
    let is_about_the_key = error.fields().iter().any(|problem| is_key(&problem.field));
    let (usual, pointer) = match error.kind() {
        ErrorKind::Config if is_about_the_key => {
            return (None, page("keys are made at", links.key));
        }
        ErrorKind::Config => {
            let provider = error.provider().unwrap_or("NAME");
            (format!("`asq providers show {provider}` explains every setting"), None)
        }
        ErrorKind::Authentication => {
            ("check the key, or make a new one".to_owned(), page("keys:", links.key))
        }
        ErrorKind::PermissionDenied => {
            ("this key may not do that; look at its settings".to_owned(), page("keys:", links.key))
        }
        // A limit of this program, of which the service knows nothing.
        ErrorKind::PaymentRequired if error.status().is_none() && error.next_step().is_some() => {
            return (None, None);
        }
        ErrorKind::PaymentRequired => {
            ("add credits, or lower --max-tokens".to_owned(), Some("`asq key` shows what is left".to_owned()))
        }
        ErrorKind::ModelNotFound => {
            return (None, Some("`asq models WORDS` searches the models there are".to_owned()));
        }
        ErrorKind::NoEndpoint => (
            "no provider of this model takes all of the request; leave parameters out, or name another model"
                .to_owned(),
            None,
        ),
        ErrorKind::ContextLength => (
            "shorten the prompt, or ask a model with more room".to_owned(),
            Some("`asq models --min-context N` finds them".to_owned()),
        ),
        ErrorKind::RateLimited => match error.retry().after() {
            Some(wait) => {
                let wait = wait.as_secs_f64().ceil();
                (format!("wait {wait:.0} s, or name another model with --fallback"), None)
            }
            None => ("wait a little, or name another model with --fallback".to_owned(), None),
        },
        ErrorKind::Connection => {
            ("check the network and --base-url".to_owned(), page("the service's health:", links.status))
        }
        ErrorKind::Timeout | ErrorKind::Upstream | ErrorKind::Overloaded | ErrorKind::Server => (
            "try again, or name another model with --fallback".to_owned(),
            page("the service's health:", links.status),
        ),
        ErrorKind::Interrupted | ErrorKind::EmptyResponse => ("try again".to_owned(), None),
        _ => return (None, None),
    };
    (Some(usual), pointer)
}

fn links(error: &Error) -> Links {
    let mut linked = linked_providers();
    linked
        .find(|provider| Some(provider.id) == error.provider())
        .map_or_else(Links::default, |found| found.links)
}
