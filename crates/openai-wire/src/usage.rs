//! The usage object.

use lenient_json::{Count, FromJson, Raw, Reader, object};
use provider_core::Usage;

use crate::dialect::Dialect;
use crate::values::{Keep as _, charge};

object! {
    /// `usage` of an answer. The figures have other names, too, where a gateway forwards its upstream's
    /// counts.
    pub(crate) struct WireUsage<'a> {
        prompt_tokens: Count = "prompt_tokens",
        input_tokens: Count = "input_tokens",
        completion_tokens: Count = "completion_tokens",
        output_tokens: Count = "output_tokens",
        total_tokens: Count = "total_tokens",
        prompt: PromptDetails<'a> = "prompt_tokens_details",
        input: PromptDetails<'a> = "input_tokens_details",
        completion: CompletionDetails<'a> = "completion_tokens_details",
        output: CompletionDetails<'a> = "output_tokens_details",
        cached_tokens: Count = "cached_tokens",
        prompt_cache_hit_tokens: Count = "prompt_cache_hit_tokens",
        cache_read_input_tokens: Count = "cache_read_input_tokens",
        cache_creation_input_tokens: Count = "cache_creation_input_tokens",
        reasoning_tokens: Count = "reasoning_tokens",
        cost: Raw<'a> = "cost",
    }
}

object! {
    pub(crate) struct PromptDetails<'a> {
        cached_tokens: Count = "cached_tokens",
        cache_write_tokens: Count = "cache_write_tokens",
        cache_creation_tokens: Count = "cache_creation_tokens",
        audio_tokens: Count = "audio_tokens",
        video_tokens: Count = "video_tokens",
    }
}

object! {
    pub(crate) struct CompletionDetails<'a> {
        reasoning_tokens: Count = "reasoning_tokens",
        audio_tokens: Count = "audio_tokens",
        image_tokens: Count = "image_tokens",
        accepted_prediction_tokens: Count = "accepted_prediction_tokens",
        rejected_prediction_tokens: Count = "rejected_prediction_tokens",
    }
}

/// The value of a field for the usage. An object is read where it stands: skipping it first takes as long.
#[derive(Debug, Default)]
pub(crate) struct UsageField<'a> {
    pub(crate) raw: Raw<'a>,
    /// The figures, if the value is an object. In a box, since most chunks have none.
    figures: Option<Box<WireUsage<'a>>>,
}

impl<'a> FromJson<'a> for UsageField<'a> {
    fn from_json(reader: &mut Reader<'a>) -> Option<Self> {
        if reader.peek()? != b'{' {
            return Raw::from_json(reader).map(|raw| Self { raw, figures: None });
        }
        let (figures, json) = reader.value_with_text(Box::from_json)?;
        Some(Self { raw: Raw(Some(json)), figures: Some(figures) })
    }
}

/// Returns the first known one of a figure's places: the usual one, then those of other services.
fn either<const N: usize>(places: [Count; N]) -> Option<u64> {
    places.into_iter().find_map(|count| count.0)
}

impl WireUsage<'_> {
    /// Returns the tokens of the request, cached ones included.
    fn prompt_tokens(&self) -> Option<u64> {
        // Anthropic's `input_tokens` are those that no cache was read or written for; the others have counts
        // of their own.
        let beside = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let input = self
            .input_tokens
            .0
            .map(|input| beside.into_iter().filter_map(|count| count.0).fold(input, u64::saturating_add));
        self.prompt_tokens.0.or(input)
    }

    /// Returns the tokens that were read from the prompt cache, under the names of OpenAI, OpenAI's newer
    /// API, Moonshot, DeepSeek and Anthropic.
    fn cached(&self) -> Option<u64> {
        either([
            self.prompt.cached_tokens,
            self.input.cached_tokens,
            self.cached_tokens,
            self.prompt_cache_hit_tokens,
            self.cache_read_input_tokens,
        ])
    }

    /// Returns the tokens that were written to the prompt cache.
    fn cache_written(&self) -> Option<u64> {
        either([
            self.prompt.cache_write_tokens,
            self.input.cache_write_tokens,
            self.prompt.cache_creation_tokens,
            self.cache_creation_input_tokens,
        ])
    }
}

/// Returns the usage in a field; `None` if its value is no object.
pub(crate) fn usage_of<D: Dialect>(field: UsageField<'_>, dialect: &D) -> Option<Usage> {
    let wire = *field.figures?;
    let (prompt, input, completion, output) = (&wire.prompt, &wire.input, &wire.completion, &wire.output);
    let mut usage = Usage::default();
    usage.prompt_tokens = wire.prompt_tokens();
    usage.completion_tokens = either([wire.completion_tokens, wire.output_tokens]);
    usage.total_tokens = wire.total_tokens.0;
    usage.cached_tokens = wire.cached();
    usage.cache_write_tokens = wire.cache_written();
    usage.prompt_audio_tokens = either([prompt.audio_tokens, input.audio_tokens]);
    usage.prompt_video_tokens = either([prompt.video_tokens, input.video_tokens]);
    usage.reasoning_tokens =
        either([completion.reasoning_tokens, output.reasoning_tokens, wire.reasoning_tokens]);
    usage.completion_audio_tokens = either([completion.audio_tokens, output.audio_tokens]);
    usage.completion_image_tokens = either([completion.image_tokens, output.image_tokens]);
    usage.accepted_prediction_tokens = completion.accepted_prediction_tokens.0;
    usage.rejected_prediction_tokens = completion.rejected_prediction_tokens.0;
    usage.cost = charge(wire.cost);
    usage.raw = field.raw.keep();
    for (name, value) in wire.unknown {
        dialect.read_usage_field(&name, Raw::of(value), &mut usage);
    }
    Some(usage)
}
