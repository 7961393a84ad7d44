//! Reads the body of chat completions for the provider that it goes to.

use openai_wire::{Plain, WIRE};
use provider_core::{ChatRequest, Error, FieldProblem, ProviderDescriptor};
use provider_registry::{Registry, SelectedModel};
use serde::Deserialize;
use serde_json::Value;

use crate::api::extract::unread;

/// The fields that are read before the provider of the model is known.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) model: String,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// A request that was read.
pub(super) struct Asked {
    pub(super) request: ChatRequest,
    pub(super) stream: bool,
}

impl Head {
    /// # Errors
    /// When the text is no JSON object, or has no model.
    pub(super) fn read(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json).map_err(|_| {
            // Read once more for the name of the field, which a request that is read does not pay for.
            let mut again = serde_json::Deserializer::from_str(json);
            let problem = match serde_path_to_error::deserialize::<_, Self>(&mut again) {
                Err(error) => unread(&error),
                Ok(_) => FieldProblem::new("body", "goes on behind its JSON"),
            };
            Error::invalid_request(vec![problem])
        })
    }

    /// Whether a stream is to end with a chunk that has the usage and no choice.
    pub(super) fn include_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage).unwrap_or_default()
    }
}

/// Reads a body for the provider of this model. A field that only one provider understands stays with it.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`](provider_core::ErrorKind::InvalidRequest) with each field that is another
/// provider's, or that the provider's wire has no place for.
pub(super) fn read(json: &str, model: &SelectedModel, registry: &Registry) -> Result<Asked, Error> {
    let named = |error: Error| error.with_provider(&model.reference().provider).with_model(model.id());
    let descriptor = model.provider().descriptor();
    let read = descriptor.chat_completions().unwrap_or(read_plain);
    let (mut request, stream) = read(json).map_err(named)?;
    // Fields that an SDK adds to the body are for the service that it thinks it talks to.
    let own = if descriptor.chat_completions().is_some() { descriptor.id } else { WIRE };
    drop_usage_wish(&mut request, own);
    let problems = misplaced(&request, own, descriptor, registry);
    if !problems.is_empty() {
        return Err(named(Error::invalid_request(problems)));
    }
    request.model = model.id().to_owned();
    let is_relayed = descriptor.chat_completions().is_some();
    (request.keep_raw, request.raw_events) = (is_relayed && !stream, is_relayed && stream);
    Ok(Asked { request, stream })
}

fn read_plain(json: &str) -> Result<(ChatRequest, bool), Error> {
    openai_wire::decode(json, &Plain).map(|body| (body.request, body.stream))
}

/// Takes `stream_options.include_usage` out: the relay answers to it, and providers ask for the usage
/// anyway. Other stream options stay, for the provider to take or to refuse.
fn drop_usage_wish(request: &mut ChatRequest, own: &str) {
    let Some(extra) = request.extra.get_mut(own) else { return };
    let options = extra.get("stream_options").and_then(Value::as_object);
    if options.is_some_and(|options| options.keys().all(|name| name == "include_usage")) {
        extra.remove("stream_options");
    }
    if extra.is_empty() {
        request.extra.remove(own);
    }
}

/// The fields that must not, or cannot, go to this provider.
fn misplaced(
    request: &ChatRequest,
    own: &str,
    descriptor: &ProviderDescriptor,
    registry: &Registry,
) -> Vec<FieldProblem> {
    let names = request.extra.get(own).into_iter().flat_map(|extra| extra.keys());
    let problem = |name: &String| {
        let owner = registry.providers().find(|other| other.own_fields.contains(&name.as_str()));
        let why = match owner {
            Some(owner) if owner.id == descriptor.id => return None,
            Some(owner) => {
                format!("is a field of {} alone, and the model is {}'s", owner.display_name, descriptor.id)
            }
            None if descriptor.chat_completions().is_some() => return None,
            None => format!("is a field that {} has no place for; leave it out", descriptor.display_name),
        };
        Some(FieldProblem::new(name, why))
    };
    names.filter_map(problem).collect()
}
