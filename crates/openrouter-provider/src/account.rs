//! The account: keys, money, and the records of answers.

pub(crate) mod generation;
pub(crate) mod key;
mod preset;

use std::time::Duration;

use provider_core::{ConnectionReport, Error, ErrorKind};

pub use self::generation::{Generation, ProviderResponse};
pub use self::key::{Budget, Credits, FreeRequests, KeyInfo};
pub use self::preset::Preset;
use crate::error::retold;
use crate::{OpenRouter, path};

/// The presets of a page; the most that the service gives.
const PRESETS_PAGE: usize = 100;
/// The most pages of presets that are fetched.
const MAX_PRESETS_PAGES: usize = 100;

impl OpenRouter {
    /// Tests the connection: whether the service is there and the key is good. `GET /key`, which costs
    /// nothing. A good key may still be refused for money:
    /// [`ConnectionReport::blocked_by`] says so, and until when.
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
        self.fetch("key", "the key's record", key::read).await
    }

    /// Fetches what the account has paid in and spent. `GET /credits`, with a management key.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a key that is for running models, which says so; or whatever else
    /// is in the way.
    pub async fn credits(&self) -> Result<Credits, Error> {
        let credits = self.fetch("credits", "the account's credits", key::read_credits).await;
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

    /// Fetches the presets of the account, for a picker beside the models: [`Preset::model_id`] is the id
    /// that a request has. `GET /presets`, with a key of the account.
    ///
    /// # Errors
    /// When the list cannot be fetched or read.
    pub async fn presets(&self) -> Result<Vec<Preset>, Error> {
        let (mut all, mut offset) = (Vec::new(), 0);
        for _ in 0..MAX_PRESETS_PAGES {
            let path = format!("presets?offset={offset}&limit={PRESETS_PAGE}");
            let (count, presets, total) = self.fetch(&path, "the list of presets", preset::read).await?;
            all.extend(presets);
            offset += count;
            let is_last = total.map_or(count < PRESETS_PAGE, |total| offset as u64 >= total);
            if count == 0 || is_last {
                break;
            }
        }
        Ok(all)
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
        let with_context = |error: Error| self.endpoint.redact(error.with_generation_id(id));
        let mut waits = waits(self.limits.generation_wait);
        loop {
            let record = self.fetch(&path, "the record", generation::read).await;
            match record {
                Err(error) if error.status() == Some(404) => match waits.next() {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => {
                        let message = format!("there is no record of this answer (yet): {}", error.message());
                        return Err(with_context(retold(error, ErrorKind::NotFound, message)));
                    }
                },
                other => return other.map_err(with_context),
            }
        }
    }
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
