//! API keys. Every key is accepted; words inside a key choose its kind.
//!
//! `invalid` is rejected, `poor` has no credits, `capped` belongs to a workspace whose budget is spent,
//! `management` manages the account but cannot run models. An access token is a key until it expires.

use axum::http::{HeaderMap, header};

use crate::api_error::ApiError;
use crate::oauth_token;
use crate::rng::Rng;

/// An accepted key.
#[derive(Clone)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// Reads the key of a request. A missing, malformed or invalid one is a 401.
    pub(crate) fn check(headers: &HeaderMap) -> Result<Self, ApiError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, key)) = value.and_then(|value| value.split_once(' ')) else {
            return Err(ApiError::new(401, "No auth credentials found"));
        };
        let key = key.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || key.is_empty() {
            return Err(ApiError::new(401, "No auth credentials found"));
        }
        if oauth_token::is_expired(key) {
            return Err(ApiError::new(401, "The access token is expired"));
        }
        match key.contains("invalid") {
            true => Err(ApiError::new(401, "User not found.")),
            false => Ok(Self(key.to_owned())),
        }
    }

    pub(crate) fn is_management(&self) -> bool {
        self.0.contains("management")
    }

    pub(crate) fn has_no_credits(&self) -> bool {
        self.0.contains("poor")
    }

    /// Whether the budget of its workspace is spent.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.0.contains("capped")
    }

    /// The id of the account that owns the key.
    pub(crate) fn user_id(&self) -> String {
        user_id(&self.0)
    }

    /// The redacted key: both ends, and never more than half of it.
    pub(crate) fn label(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        let quarter = characters.len() / 4;
        let head: String = characters.iter().take(quarter.min(12)).collect();
        let tail: String = characters.iter().skip(characters.len() - quarter.min(3)).collect();
        format!("{head}...{tail}")
    }
}

/// The id of the account that owns a key.
pub(crate) fn user_id(key: &str) -> String {
    format!("user_{}", Rng::new(0, key).alphanumeric(27))
}

#[cfg(test)]
mod tests {
    use super::ApiKey;

    #[test]
    fn label_shows_no_more_than_half_a_key() {
        assert_eq!(
            ApiKey("sk-or-v1-0123456789abcdefghijklmnopqrstuvwxyz01234567".into()).label(),
            "sk-or-v1-012...567"
        );
        assert_eq!(ApiKey("key".into()).label(), "...");
    }
}
