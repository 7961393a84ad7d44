//! The account: keys, money, and the records of answers.

pub(crate) mod generation;
pub(crate) mod key;

use std::time::Duration;

use lenient_json::or_without_non_finite;
use openai_wire::error::{self, Certainty, WireError};
use openai_wire::text_of_body;
use provider_core::author::ResponseHead;
use provider_core::{ConnectionReport, Error, ErrorKind};

pub use self::generation::{Generation, ProviderResponse};
pub use self::key::{Credits, KeyInfo};
use crate::catalogue::path;
use crate::{ID, OpenRouter};

impl OpenRouter {
    /// Tests the connection: whether the service is there and the key is good. `GET /key`, which costs
    /// nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for a wrong key, or whatever else is in the way.
    pub async fn check(&self) -> Result<ConnectionReport, Error> {
        self.key().await.map(KeyInfo::into_report)
    }

    /// Fetches what the service knows of the key: its limit, what it has spent, when it ends. `GET /key`,
    /// with any good key.
    ///
    /// # Errors
    /// [`ErrorKind::Authentication`] for a wrong key, or whatever else is in the way.
    pub async fn key(&self) -> Result<KeyInfo, Error> {
        self.fetch_private("key", "the key's record", key::read).await
    }

    /// Fetches what the account has paid in and spent. `GET /credits`, with a management key.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a key that is for running models, which says so; or whatever else
    /// is in the way.
    pub async fn credits(&self) -> Result<Credits, Error> {
        let credits = self.fetch_private("credits", "the account's credits", key::read_credits).await;
        credits.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => {
                let message = format!(
                    "credits need a management key, and this key is none ({}); make one in the settings of OpenRouter, \
                     or ask OpenRouter::key for what this key has left",
                    error.message()
                );
                retold(error, ErrorKind::PermissionDenied, message)
            }
            _ => error,
        })
    }

    /// Fetches the service's record of an answer: what it cost, who served it, how long it took.
    /// `GET /generation`, with a key of the account. `id` is the answer's
    /// [`id`](provider_core::ChatResponse::id), or an error's
    /// [`generation_id`](provider_core::Error::generation_id).
    ///
    /// The service writes the record a little after the answer and says 404 until then; that long, this tries
    /// again: by default after 0.25, 0.5, 1 and 2 s, see
    /// [`Limits::generation_wait`](crate::Limits::generation_wait).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what cannot be an id, [`ErrorKind::NotFound`] when there is no
    /// record after the last try, or whatever else is in the way.
    pub async fn generation(&self, id: &str) -> Result<Generation, Error> {
        path::check_text("id", id)?;
        let path = format!("generation?id={}", path::encode_value(id));
        let placed = |error: Error| error.with_generation_id(id).redact(self.transport.api_key());
        let mut waits = waits(self.transport.limits.generation_wait);
        loop {
            let record = self.fetch_private(&path, "the record", generation::read).await;
            match record {
                Err(error) if error.status() == Some(404) => match waits.next() {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => {
                        let message = format!("there is no record of this answer (yet): {}", error.message());
                        return Err(placed(retold(error, ErrorKind::NotFound, message)));
                    }
                },
                other => return other.map_err(placed),
            }
        }
    }

    /// Gets a document that is not public, and reads it. A server that echoes the key must not put it into
    /// the result.
    async fn fetch_private<T>(
        &self,
        path: &str,
        what: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Error> {
        let body = self.transport.get(path).await?;
        let body = self.transport.api_key().redact(&body);
        or_without_non_finite(text_of_body(&body), read).map_err(|cause| self.unreadable(what, &cause, &body))
    }

    /// A document that is not what was asked for: an error inside a success, or something else.
    pub(crate) fn unreadable(&self, what: &str, cause: &str, body: &str) -> Error {
        let (dialect, api_key) = (&*self.transport.dialect, self.transport.api_key());
        let head = ResponseHead::new(200, (), api_key.clone());
        let error = match WireError::found(body, dialect) {
            Some((wire, Certainty::Certain)) => Some(error::from_wire(&wire, &head, dialect)),
            // A message that tells no failure is a greeting of another server.
            Some((wire, Certainty::Likely)) => Some(error::from_wire(&wire, &head, dialect))
                .filter(|error| error.kind() != ErrorKind::Upstream),
            None => None,
        };
        let error = error.unwrap_or_else(|| error::not_the_document(what, cause, body, &head));
        error::misdirected(error.with_provider(ID), body, dialect).redact(api_key)
    }
}

/// The same error in other words.
pub(crate) fn retold(error: Error, kind: ErrorKind, message: String) -> Error {
    let mut told = Error::new(kind, message).with_retry(error.retry()).with_provider(ID);
    if let Some(status) = error.status() {
        told = told.with_status(status);
    }
    if let Some(code) = error.code() {
        told = told.with_code(code);
    }
    if let Some(id) = error.request_id() {
        told = told.with_request_id(id);
    }
    if let Some(details) = error.details() {
        told = told.with_details(details.clone());
    }
    if let Some(step) = error.next_step() {
        told = told.with_next_step(step);
    }
    told.with_source(error)
}

/// Four waits that take this long together, each twice as long as the one before.
fn waits(total: Duration) -> impl Iterator<Item = Duration> {
    let count = if total.is_zero() { 0 } else { 4 };
    (0..count).map(move |number| (total / 15).saturating_mul(1 << number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_bounded() {
        let by_default: Vec<u128> =
            waits(Duration::from_millis(3_750)).map(|wait| wait.as_millis()).collect();
        assert_eq!(by_default, [250, 500, 1_000, 2_000]);
        assert_eq!(waits(Duration::ZERO).count(), 0);
        assert!(waits(Duration::MAX).sum::<Duration>() <= Duration::MAX);
    }
}
