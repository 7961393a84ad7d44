//! The envelope of the API's JSON documents: most of them are `{"data": …}`.

use lenient_json::{Raw, from_str, object};

object! {
    struct Envelope<'a> {
        data: Raw<'a> = "data",
    }
}

/// Returns the object in the envelope.
///
/// # Errors
/// When the body is no JSON object with an object in `data`.
pub(crate) fn object(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_object()).ok_or("there is no object in `data`".to_owned())
}

/// Returns the list in the envelope.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn list(body: &str) -> Result<Raw<'_>, String> {
    let envelope: Envelope<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    Some(envelope.data).filter(|data| data.is_list()).ok_or("there is no list in `data`".to_owned())
}
