//! What to do about an error, where there is something to do.

use provider_core::{Error, ErrorKind, Links, Retry, linked_providers};

/// The hint for an error.
pub(crate) fn of(error: &Error) -> Option<String> {
    let links = links(error);
    let see = |words: &str, link: Option<&str>| match link {
        Some(link) => format!("{words}: {link}"),
        None => words.to_owned(),
    };
    let hint = match error.kind() {
        ErrorKind::Config => match links.key {
            Some(link) if error.fields().iter().any(|problem| problem.field == "api_key") => {
                format!("keys are made at {link}; --sandbox works without one")
            }
            _ => "`provider-host providers show NAME` explains every setting".to_owned(),
        },
        ErrorKind::Authentication => see("check the key, or make a new one", links.key),
        ErrorKind::PermissionDenied => see("this key may not do that; look at its settings", links.key),
        ErrorKind::PaymentRequired => {
            "add credits, or lower --max-tokens; `provider-host key` shows what is left".to_owned()
        }
        ErrorKind::ModelNotFound => "`provider-host models WORDS` searches the models there are".to_owned(),
        ErrorKind::NoEndpoint => {
            "no provider of this model takes all of the request; leave parameters out, or name another model"
                .to_owned()
        }
        ErrorKind::NotFound => {
            "`provider-host providers` and `provider-host models` list what there is".to_owned()
        }
        ErrorKind::ContextLength => {
            "shorten the prompt, or look for more room with `provider-host models --min-context N`".to_owned()
        }
        ErrorKind::RateLimited => match error.retry() {
            Retry::After(wait) => {
                format!("wait {:.0} s, or name another model with --fallback", wait.as_secs_f64().ceil())
            }
            Retry::Now | Retry::Never => "wait a little, or name another model with --fallback".to_owned(),
        },
        ErrorKind::Connection => {
            see("check the network and the base URL; the service's health", links.status)
        }
        ErrorKind::Timeout | ErrorKind::Upstream | ErrorKind::Overloaded | ErrorKind::Server => {
            see("try again, or name another model with --fallback; the service's health", links.status)
        }
        ErrorKind::Interrupted | ErrorKind::EmptyResponse => "try again".to_owned(),
        _ => return None,
    };
    Some(hint)
}

fn links(error: &Error) -> Links {
    let mut linked = linked_providers();
    linked
        .find(|provider| Some(provider.id) == error.provider())
        .map_or_else(Links::default, |found| found.links)
}
