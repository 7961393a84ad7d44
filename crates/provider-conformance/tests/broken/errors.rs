//! Errors that do not tell the truth, or tell too much.

use provider_core::{Error, ErrorKind, RawJson, RetryAdvice};

use crate::fault::Fault;

/// The error as a provider with this fault makes it.
pub(crate) fn remade(error: Error, fault: Fault, key: &str) -> Error {
    use ErrorKind::*;
    let kind = error.kind();
    match (fault, kind) {
        (Fault::GivesUpOnConnections, Connection)
        | (Fault::GivesUpOnRateLimits, RateLimited)
        | (Fault::GivesUpOnServerErrors, Server) => error.with_retry(RetryAdvice::Never),
        (Fault::CallsConnectionsTimeouts, Connection) => of_kind(&error, Timeout),
        (Fault::RetriesWebPages, InvalidResponse)
        | (Fault::RetriesPayment, PaymentRequired)
        | (Fault::RetriesInvalidRequests, InvalidRequest) => error.with_retry(RetryAdvice::Now),
        (Fault::CallsBadKeysAServerError, Authentication) => of_kind(&error, Server),
        (Fault::CallsPermissionInvalid, PermissionDenied)
        | (Fault::CallsMissingModelsInvalid, ModelNotFound)
        | (Fault::CallsLongPromptsInvalid, ContextLength) => of_kind(&error, InvalidRequest),
        (Fault::CallsOverloadUnknown, Overloaded) => of_kind(&error, Server),
        (Fault::LosesMostStatuses, _) if error.status() != Some(503) => {
            Error::new(kind, error.message()).with_retry(error.retry())
        }
        (Fault::CutsWordsAtAByte, _) if error.message().len() > 1000 => {
            // Not at a byte within a character, which would panic.
            with_message(&error, error.message().get(..1000).unwrap_or("unreadable"))
        }
        (Fault::GivesUpOnGateways, _) if matches!(error.status(), Some(502 | 504)) => {
            error.with_retry(RetryAdvice::Never)
        }
        (Fault::IgnoresWaitsOfOverload, Overloaded) => error.with_retry(RetryAdvice::Now),
        (Fault::LosesPartsOfFailedBodies, _) if error.status() == Some(200) => {
            let message = error.message().to_owned();
            with_message(&error, &message)
        }
        (Fault::LosesTheWords, _) => with_message(&error, "the request failed"),
        (Fault::LosesTheStatus, _) => Error::new(kind, error.message()).with_retry(error.retry()),
        (Fault::IgnoresRetryAfter, _) if error.retry().after().is_some() => {
            error.with_retry(RetryAdvice::Now)
        }
        (Fault::LeaksInWords, _) => {
            let leaking = error.message().replace("***", key);
            with_message(&error, &leaking)
        }
        (Fault::LeaksInCodes, _) if error.code() == Some("***") => error.with_code(key),
        (Fault::LeaksInDetails, _) => {
            match error.details().map(|details| details.get().replace("***", key)) {
                Some(leaking) => error.with_details(RawJson::from_checked(&leaking)),
                None => error,
            }
        }
        (Fault::LeaksInHeaders, _) if error.request_id() == Some("***") => error.with_request_id(key),
        _ => error,
    }
}

fn of_kind(error: &Error, kind: ErrorKind) -> Error {
    let other = Error::new(kind, error.message());
    error.status().into_iter().fold(other, Error::with_status)
}

fn with_message(error: &Error, message: &str) -> Error {
    let other = Error::new(error.kind(), message).with_retry(error.retry());
    error.status().into_iter().fold(other, Error::with_status)
}
