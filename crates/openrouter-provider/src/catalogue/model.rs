//! A model of the catalogue.

use lenient_json::{FromJson as _, Raw, Reader, UnixSeconds, texts};
use provider_core::{
    AliasTarget, DefaultParameters, Effort, Model, RawJson, ReasoningOptions, RequestLimits,
};

use crate::record::{self, Field, fields};

/// The variant of an id that can be asked in batches only. Nothing else in a row says so.
const BATCH: &str = "batch";

fields! {
    Model {
        id = "id",
        name = "name",
        canonical_slug = "canonical_slug",
        hugging_face_id = "hugging_face_id",
        description = "description",
        created = "created" as UnixSeconds,
        knowledge_cutoff = "knowledge_cutoff",
        context_length = "context_length",
        top_provider_context_length = "context_length" in "top_provider",
        max_completion_tokens = "max_completion_tokens" in "top_provider",
        is_moderated = "is_moderated" in "top_provider",
        per_request_limits = "per_request_limits",
        modality = "modality" in "architecture",
        input_modalities = "input_modalities" in "architecture",
        output_modalities = "output_modalities" in "architecture",
        tokenizer = "tokenizer" in "architecture",
        instruct_type = "instruct_type" in "architecture",
        supported_parameters = "supported_parameters",
        default_parameters = "default_parameters",
        supported_voices = "supported_voices",
        reasoning = "reasoning",
        pricing = "pricing",
        expiration_date = "expiration_date",
        alias_target = "alias_target",
        details_link = "details" in "links",
    }
}

fields! {
    RequestLimits {
        prompt_tokens = "prompt_tokens",
        completion_tokens = "completion_tokens",
    }
}

fields! {
    DefaultParameters {
        temperature = "temperature",
        top_p = "top_p",
        top_k = "top_k",
        frequency_penalty = "frequency_penalty",
        presence_penalty = "presence_penalty",
        repetition_penalty = "repetition_penalty",
    }
}

fields! {
    ReasoningOptions {
        mandatory = "mandatory",
        default_enabled = "default_enabled",
        default_effort = "default_effort",
        supported_efforts = "supported_efforts",
        supports_max_tokens = "supports_max_tokens",
    }
}

fields! {
    AliasTarget {
        slug = "slug",
        name = "name",
    }
}

/// Completes a model that was read from a row; `None` if it has no id. `json`: the row.
pub(crate) fn complete(mut model: Model, json: &str) -> Option<Model> {
    if model.id.is_empty() {
        return None;
    }
    // Variants follow the first colon.
    model.batch_only = model.id.split(':').skip(1).any(|variant| variant == BATCH);
    model.raw = Some(RawJson::from_checked(json));
    Some(model)
}

impl Field for Option<RequestLimits> {
    /// Limits, if there is one.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        record::read(reader).map(|limits| Some(limits).filter(|limits| *limits != RequestLimits::default()))
    }
}

impl Field for DefaultParameters {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        record::read(reader)
    }
}

impl Field for Option<ReasoningOptions> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Raw::from_json(reader).map(|raw| raw.is_object().then(|| record::of(raw)))
    }
}

impl Field for Option<Vec<Effort>> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let effort = |word: String| Effort::from(word.as_str());
        Raw::from_json(reader)
            .map(|list| list.is_list().then(|| texts(list).into_iter().map(effort).collect()))
    }
}

impl Field for Option<AliasTarget> {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        record::read(reader).map(|target| Some(target).filter(|target: &AliasTarget| !target.slug.is_empty()))
    }
}
