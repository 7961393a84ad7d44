//! A model of the catalogue.

use super::pricing::{WirePricing, pricing};
use lenient_json::{Count, Flag, Raw, Text, Texts, UnixSeconds, number, object, owned, texts};
use provider_core::{
    AliasTarget, DefaultParameters, Effort, Model, RawJson, ReasoningOptions, RequestLimits,
};

/// The variant of an id that can be asked in batches only. Nothing else in a row says so.
const BATCH: &str = "batch";

object! {
    pub(crate) struct WireModel<'a> {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        canonical_slug: Text<'a> = "canonical_slug",
        hugging_face_id: Text<'a> = "hugging_face_id",
        description: Text<'a> = "description",
        created: UnixSeconds = "created",
        knowledge_cutoff: Text<'a> = "knowledge_cutoff",
        context_length: Count = "context_length",
        architecture: Architecture<'a> = "architecture",
        top_provider: TopProvider<'a> = "top_provider",
        per_request_limits: Limits<'a> = "per_request_limits",
        supported_parameters: Texts = "supported_parameters",
        default_parameters: Defaults<'a> = "default_parameters",
        supported_voices: Texts = "supported_voices",
        reasoning: Raw<'a> = "reasoning",
        pricing: WirePricing<'a> = "pricing",
        expiration_date: Text<'a> = "expiration_date",
        alias_target: Alias<'a> = "alias_target",
        links: Links<'a> = "links",
    }
}

object! {
    /// The architecture of a model, as its row or the list of its endpoints has it.
    pub(crate) struct Architecture<'a> {
        modality: Text<'a> = "modality",
        input_modalities: Texts = "input_modalities",
        output_modalities: Texts = "output_modalities",
        tokenizer: Text<'a> = "tokenizer",
        instruct_type: Text<'a> = "instruct_type",
    }
}

object! {
    struct TopProvider<'a> {
        context_length: Count = "context_length",
        max_completion_tokens: Count = "max_completion_tokens",
        is_moderated: Flag = "is_moderated",
    }
}

object! {
    struct Limits<'a> {
        prompt_tokens: Count = "prompt_tokens",
        completion_tokens: Count = "completion_tokens",
    }
}

object! {
    struct Defaults<'a> {
        temperature: Raw<'a> = "temperature",
        top_p: Raw<'a> = "top_p",
        top_k: Count = "top_k",
        frequency_penalty: Raw<'a> = "frequency_penalty",
        presence_penalty: Raw<'a> = "presence_penalty",
        repetition_penalty: Raw<'a> = "repetition_penalty",
    }
}

object! {
    struct Reasoning<'a> {
        mandatory: Flag = "mandatory",
        default_enabled: Flag = "default_enabled",
        default_effort: Text<'a> = "default_effort",
        supported_efforts: Raw<'a> = "supported_efforts",
        supports_max_tokens: Flag = "supports_max_tokens",
    }
}

object! {
    struct Alias<'a> {
        slug: Text<'a> = "slug",
        name: Text<'a> = "name",
    }
}

object! {
    struct Links<'a> {
        details: Text<'a> = "details",
    }
}

/// Makes a model of a row and its JSON; `None` if it has no id.
pub(crate) fn read(wire: WireModel<'_>, json: &str) -> Option<Model> {
    let mut model = Model::default();
    model.id = owned(wire.id)?;
    model.name = wire.name.into_cow().into_owned();
    model.canonical_slug = owned(wire.canonical_slug);
    model.hugging_face_id = owned(wire.hugging_face_id);
    model.description = owned(wire.description);
    model.created = wire.created.0;
    model.knowledge_cutoff = owned(wire.knowledge_cutoff);
    model.context_length = wire.context_length.0;
    model.top_provider_context_length = wire.top_provider.context_length.0;
    model.max_completion_tokens = wire.top_provider.max_completion_tokens.0;
    model.is_moderated = wire.top_provider.is_moderated.0;
    model.per_request_limits = limits(&wire.per_request_limits);
    model.modality = owned(wire.architecture.modality);
    model.input_modalities = wire.architecture.input_modalities.0;
    model.output_modalities = wire.architecture.output_modalities.0;
    model.tokenizer = owned(wire.architecture.tokenizer);
    model.instruct_type = owned(wire.architecture.instruct_type);
    model.supported_parameters = wire.supported_parameters.0;
    model.default_parameters = defaults(&wire.default_parameters);
    model.supported_voices = wire.supported_voices.0;
    model.reasoning = wire.reasoning.is_object().then(|| reasoning(wire.reasoning));
    model.pricing = pricing(&wire.pricing);
    model.expiration_date = owned(wire.expiration_date);
    model.alias_target = alias(wire.alias_target);
    model.details_link = owned(wire.links.details);
    // Variants follow the first colon.
    model.batch_only = model.id.split(':').skip(1).any(|variant| variant == BATCH);
    model.raw = Some(RawJson::from_checked(json));
    Some(model)
}

/// Limits, if there is one.
fn limits(wire: &Limits<'_>) -> Option<RequestLimits> {
    let mut limits = RequestLimits::default();
    limits.prompt_tokens = wire.prompt_tokens.0;
    limits.completion_tokens = wire.completion_tokens.0;
    (limits != RequestLimits::default()).then_some(limits)
}

fn defaults(wire: &Defaults<'_>) -> DefaultParameters {
    let mut defaults = DefaultParameters::default();
    defaults.temperature = number(wire.temperature);
    defaults.top_p = number(wire.top_p);
    defaults.top_k = wire.top_k.0;
    defaults.frequency_penalty = number(wire.frequency_penalty);
    defaults.presence_penalty = number(wire.presence_penalty);
    defaults.repetition_penalty = number(wire.repetition_penalty);
    defaults
}

fn reasoning(raw: Raw<'_>) -> ReasoningOptions {
    let wire: Reasoning<'_> = raw.read().unwrap_or_default();
    let effort = |word: String| Effort::from(word.as_str());
    let mut options = ReasoningOptions::default();
    options.mandatory = wire.mandatory.0 == Some(true);
    options.default_enabled = wire.default_enabled.0;
    options.default_effort = owned(wire.default_effort).map(effort);
    let efforts = wire.supported_efforts;
    options.supported_efforts = efforts.is_list().then(|| texts(efforts).into_iter().map(effort).collect());
    options.supports_max_tokens = wire.supports_max_tokens.0 == Some(true);
    options
}

fn alias(wire: Alias<'_>) -> Option<AliasTarget> {
    let mut target = AliasTarget::default();
    target.slug = owned(wire.slug)?;
    target.name = owned(wire.name);
    Some(target)
}
