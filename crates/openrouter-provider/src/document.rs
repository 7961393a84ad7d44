//! The envelope that all answers but those of models have: `{"data": …}`.

use lenient_json::{Raw, from_str, object};

object! {
    struct Envelope<'a> {
        data: Raw<'a> = "data",
    }
}

/// What is in the envelope, if it is an object.
///
/// # Errors
/// When the body is no JSON object with an object in `data`.
pub(crate) fn object(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_object()).ok_or("there is no object in `data`".to_owned())
}

/// What is in the envelope, if it is a list.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn list(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_list()).ok_or("there is no list in `data`".to_owned())
}
