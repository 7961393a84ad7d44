//! Reads the list of models, as all such servers have it.

use lenient_json::{Count, FromJson, Raw, Reader, Text, UnixSeconds, from_str, object, owned};
use provider_core::{Catalogue, Model};

use crate::values::Keep as _;

object! {
    /// A list of models, its rows unread.
    struct Page<'a> {
        data: Raw<'a> = "data",
    }
}

object! {
    /// A model, with the names that servers have for its context.
    struct Row<'a> {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        description: Text<'a> = "description",
        created: UnixSeconds = "created",
        context_length: Count = "context_length",
        max_model_len: Count = "max_model_len",
        context_window: Count = "context_window",
        max_context_length: Count = "max_context_length",
        max_input_tokens: Count = "max_input_tokens",
        meta: Raw<'a> = "meta",
    }
}

object! {
    /// The facts of a model that llama.cpp has loaded.
    struct Meta<'a> {
        context_length: Count = "n_ctx",
        context_length_in_training: Count = "n_ctx_train",
    }
}

/// Reads the answer of `GET /models`: an object with the list in `data`, or the bare list.
///
/// The list leaves out a row without an id, since a request cannot name its model. A model without a name is
/// called by its id. The context's length is that of `context_length`, `max_model_len` (vLLM),
/// `context_window` (Groq), `max_context_length` (LM Studio, Mistral), `meta.n_ctx` or else
/// `meta.n_ctx_train` (llama.cpp), or `max_input_tokens` (LiteLLM). [`Model::raw`] keeps the whole row.
///
/// ```
/// let body = r#"{"object":"list","data":[{"id":"m","object":"model","max_model_len":8192}]}"#;
/// let models = openai_wire::models::decode(body)?.models;
/// assert_eq!((&*models[0].id, &*models[0].name, models[0].context_length), ("m", "m", Some(8192)));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// When the body is no JSON, or has no list of models. The text says which.
pub fn decode(body: &str) -> Result<Catalogue, String> {
    let value: Raw<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    let list = if value.is_list() { value } else { value.read::<Page<'_>>().unwrap_or_default().data };
    if !list.is_list() {
        return Err("there is no list of models in `data`".to_owned());
    }
    let mut models = Vec::new();
    list.for_each(|row: Raw<'_>| models.extend(model(row)));
    Ok(Catalogue::new(models, None))
}

/// Reads one model; `None` for a row without an id.
fn model(raw: Raw<'_>) -> Option<Model> {
    let json = raw.get()?;
    let row = Row::from_json(&mut Reader::new(json))?;
    let mut model = Model::default();
    model.id = owned(row.id)?;
    model.name = owned(row.name).unwrap_or_else(|| model.id.clone());
    model.description = owned(row.description);
    model.created = row.created.0;
    let meta = row.meta.read::<Meta<'_>>().unwrap_or_default();
    let lengths = [
        row.context_length,
        row.max_model_len,
        row.context_window,
        row.max_context_length,
        meta.context_length,
        meta.context_length_in_training,
        row.max_input_tokens,
    ];
    model.context_length = lengths.into_iter().find_map(|length| length.0);
    model.raw = raw.keep();
    Some(model)
}
