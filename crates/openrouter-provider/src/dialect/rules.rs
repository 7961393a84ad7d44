//! OpenRouter's words for errors, as rows of the table that decides about them.

use openai_wire::rules::Advice::*;
use openai_wire::rules::Source::*;
use openai_wire::rules::common::LEAVE_OUT;
use openai_wire::rules::{ANY, NOT_REFUSED, REFUSED, Rule, Statuses, UNTOLD};
use provider_core::ErrorKind::*;
use provider_core::LimitKind;

const LOWER: &str = "lower `max_tokens` or shorten the prompt (what it could cost is reserved before the answer), or add \
                     credits at https://openrouter.ai/settings/credits";
const RAISE_KEY: &str = "raise {limit} at https://openrouter.ai/settings/keys{or_wait}";
const RAISE_BUDGET: &str = "ask whoever manages it to raise {limit}{or_wait}";
const PRIVACY: &str = "allow more providers in the privacy settings (https://openrouter.ai/settings/privacy), or ask another model";
const PRICE: &str = "raise `max_price`, or ask another model";
const PARAMETERS: &str = "leave parameters out, or `require_parameters`";
const PROVIDERS: &str = "allow more providers in `provider.only`, `provider.ignore` or the account \
                         (https://openrouter.ai/settings/preferences)";
const OTHER_IMAGE: &str = "send another picture";

/// No endpoint was left over. With 429 and 503 there were some, which were busy.
const ROUTED: Statuses = &[UNTOLD..=UNTOLD, 400..=400, 404..=404];

/// Statuses of a limit that is used up.
const SPENT: Statuses = &[UNTOLD..=UNTOLD, 402..=403, 429..=429];
/// Statuses of moderation.
const MODERATED: Statuses = &[UNTOLD..=UNTOLD, 400..=400, 403..=403];

pub(super) static RULES: &[Rule] = &[
    // 402 and 403 for a limit that is used up.
    Rule::new(Limit, ANY, PaymentRequired, Again, &[(
        "in_flight_budget",
        r#"{"code":402,"metadata":{"limit_source":"openrouter_in_flight_budget","reason":"in_flight_budget_exhausted"}}"#,
    )])
    .limit(LimitKind::InFlight)
    .step("wait until requests under way have ended, or run fewer at the same time, each with a lower `max_tokens`"),
    Rule::new(Limit, ANY, PaymentRequired, Never, &[
        ("openrouter_credits", r#"{"code":402,"metadata":{"limit_source":"openrouter_credits"}}"#),
        ("weight_exceeds_budget", r#"{"code":402,"metadata":{"reason":"weight_exceeds_budget"}}"#),
    ])
    .limit(LimitKind::Credits)
    .step(LOWER),
    Rule::new(Limit, ANY, PaymentRequired, Never, &[(
        "key_limit",
        r#"{"code":403,"metadata":{"limit_source":"openrouter_key_limit"}}"#,
    )])
    .limit(LimitKind::Key)
    .step(RAISE_KEY),
    Rule::new(Limit, ANY, PaymentRequired, Never, &[(
        "guardrail_budget",
        r#"{"code":403,"metadata":{"limit_source":"openrouter_guardrail_budget"}}"#,
    )])
    .limit(LimitKind::Guardrail)
    .step("ask whoever manages the guardrail to raise {limit}{or_wait}"),
    Rule::new(Limit, ANY, PaymentRequired, Never, &[(
        "workspace_budget",
        r#"{"code":403,"metadata":{"limit_source":"openrouter_workspace_budget"}}"#,
    )])
    .limit(LimitKind::Workspace)
    .step("ask the workspace's owner to raise {limit}{or_wait}"),
    Rule::new(Limit, SPENT, PaymentRequired, Never, &[(
        "budget",
        r#"{"code":403,"metadata":{"limit_source":"openrouter_member_budget"}}"#,
    )])
    .limit(LimitKind::Budget)
    .step(RAISE_BUDGET),
    // Limits that are not known yet: that one is named is enough.
    Rule::new(Limit, SPENT, PaymentRequired, Never, &[(
        "openrouter_",
        r#"{"code":403,"message":"No","metadata":{"limit_source":"openrouter_team_cap"}}"#,
    )])
    .limit(LimitKind::Budget)
    .step(RAISE_BUDGET),
    // The reasons for which no endpoint is left over.
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[(
        "data_policy",
        r#"{"availability":{"code":"constraint_filtered","excluded_by":["data_policy:zdr"]}}"#,
    )])
    .step(PRIVACY),
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[("max_price", r#"{"availability":{"excluded_by":["max_price"]}}"#)])
        .step(PRICE),
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[(
        "require_parameters",
        r#"{"availability":{"excluded_by":["require_parameters"]}}"#,
    )])
    .step(PARAMETERS),
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[(
        "allowed_providers",
        r#"{"availability":{"excluded_by":["allowed_providers"]}}"#,
    )])
    .step(PROVIDERS),
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[(
        "quantization",
        r#"{"availability":{"excluded_by":["quantization"]}}"#,
    )])
    .step("allow more in `provider.quantizations`, or ask another model"),
    Rule::new(Excluded, ROUTED, NoEndpoint, Never, &[(
        "context_length",
        r#"{"availability":{"excluded_by":["context_length"]}}"#,
    )])
    .step("shorten the prompt, lower `max_tokens`, or ask a model with more room"),
    // The reason for which a model could not be served.
    Rule::new(Availability, ANY, ModelNotFound, Never, &[
        ("model_not_found", r#"{"availability":{"code":"model_not_found"}}"#),
        ("model_deprecated", r#"{"availability":{"code":"model_deprecated"}}"#),
        ("free_variant_ended", r#"{"availability":{"code":"free_variant_ended"}}"#),
    ]),
    Rule::new(Availability, ANY, NoEndpoint, Never, &[(
        "privacy_restricted",
        r#"{"availability":{"code":"privacy_restricted"}}"#,
    )])
    .step(PRIVACY),
    Rule::new(Availability, ANY, NoEndpoint, Never, &[
        ("no_endpoints", r#"{"availability":{"code":"no_endpoints"}}"#),
        ("model_unavailable_upstream", r#"{"availability":{"code":"model_unavailable_upstream"}}"#),
        ("constraint_filtered", r#"{"availability":{"code":"constraint_filtered","excluded_by":["geo"]}}"#),
    ]),
    Rule::new(Availability, ANY, PermissionDenied, Never, &[(
        "region_restricted",
        r#"{"availability":{"code":"region_restricted"}}"#,
    )]),
    Rule::new(Availability, ANY, RateLimited, Again, &[(
        "capacity_exhausted",
        r#"{"availability":{"code":"capacity_exhausted"}}"#,
    )]),
    Rule::new(Availability, ANY, Overloaded, Again, &[(
        "temporarily_unavailable",
        r#"{"availability":{"code":"temporarily_unavailable"}}"#,
    )]),
    Rule::new(Availability, ANY, InvalidRequest, Never, &[(
        "wrong_endpoint",
        r#"{"availability":{"code":"wrong_endpoint"}}"#,
    )]),
    // Somebody looked at the content.
    Rule::new(Field, &[500..=599], Overloaded, IfTold, &[(
        "alignment",
        r#"{"code":503,"message":"The alignment check is not available","metadata":{"alignment":{"mode":"enforce"}}}"#,
    )])
    .step("ask again later, or without the plugin `alignment`"),
    Rule::new(Field, MODERATED, ContentPolicy, Never, &[
        ("reasons", r#"{"code":403,"message":"Flagged","metadata":{"reasons":["violence"],"flagged_input":"…"}}"#),
        ("flagged_input", r#"{"code":400,"message":"Flagged","metadata":{"flagged_input":"…"}}"#),
    ]),
    Rule::new(Field, REFUSED, ContentPolicy, Never, &[(
        "alignment",
        r#"{"code":403,"message":"Blocked","metadata":{"alignment":{"rejected":{"content":"no"}}}}"#,
    )])
    .step("change the request, or the rules of the plugin `alignment`"),
    Rule::new(Field, REFUSED, PermissionDenied, Never, &[(
        "patterns",
        r#"{"code":403,"message":"Blocked by a guardrail","metadata":{"patterns":["\\d{16}"]}}"#,
    )])
    .step("leave out what the guardrail's patterns match, or ask whoever manages the guardrail"),
    // The telling ones of its types.
    Rule::new(Code, ANY, InvalidRequest, Never, &[(
        "max_tokens_exceeded",
        r#"{"code":400,"message":"Too many","metadata":{"error_type":"max_tokens_exceeded"}}"#,
    )])
    .step("lower `max_tokens`"),
    Rule::new(Code, ANY, InvalidRequest, Never, &[
        ("invalid_image", r#"{"code":400,"metadata":{"error_type":"invalid_image"}}"#),
        ("image_too_large", r#"{"code":400,"metadata":{"error_type":"image_too_large"}}"#),
        ("image_too_small", r#"{"code":400,"metadata":{"error_type":"image_too_small"}}"#),
        ("unsupported_image_format", r#"{"code":400,"metadata":{"error_type":"unsupported_image_format"}}"#),
        ("image_download_failed", r#"{"code":400,"metadata":{"error_type":"image_download_failed"}}"#),
        ("image_not_found", r#"{"code":404,"metadata":{"error_type":"image_not_found"}}"#),
    ])
    .step(OTHER_IMAGE),
    // 402, 403 and 429 without metadata.
    Rule::new(Text, ANY, PaymentRequired, Again, &[(
        "your current in-flight requests",
        "This request would exceed your available credits given your current in-flight requests.",
    )])
    .limit(LimitKind::InFlight)
    .step("wait until requests under way have ended, or run fewer at the same time, each with a lower `max_tokens`"),
    Rule::new(Text, ANY, PaymentRequired, Never, &[
        ("key limit exceeded", "Key limit exceeded (weekly limit). Manage it in the settings of your keys"),
        ("create a key with a higher", "You can only afford 10 tokens. To increase, create a key with a higher monthly limit"),
    ])
    .limit(LimitKind::Key)
    .step(RAISE_KEY),
    Rule::new(Text, ANY, PaymentRequired, Never, &[(
        "workspace * budget * exceeded",
        "Workspace monthly budget of $500.00 exceeded",
    )])
    .limit(LimitKind::Workspace)
    .step("ask the workspace's owner to raise {limit}{or_wait}"),
    Rule::new(Text, ANY, PaymentRequired, Never, &[(
        "guardrail * budget * exceeded",
        "Guardrail daily budget of $5.00 exceeded",
    )])
    .limit(LimitKind::Guardrail)
    .step("ask whoever manages the guardrail to raise {limit}{or_wait}"),
    Rule::new(Text, ANY, PaymentRequired, Never, &[
        ("budget limit exceeded", "API key budget limit exceeded (daily limit)"),
        ("monthly|weekly|daily budget * exceeded", "Member weekly budget of $5.00 exceeded"),
    ])
    .limit(LimitKind::Budget)
    .step(RAISE_BUDGET),
    Rule::new(Text, ANY, PaymentRequired, Never, &[
        ("requires more credits", "This request requires more credits, or fewer max_tokens."),
        ("insufficient credits", "Insufficient credits. Add more in the settings"),
        ("can only afford", "You requested up to 4000 tokens, but can only afford 7"),
    ])
    .limit(LimitKind::Credits)
    .step(LOWER),
    Rule::new(Text, ANY, RateLimited, IfTold, &[
        ("free-models-per-day", "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 requests"),
        ("free-models-per-day-high-balance", "Rate limit exceeded: free-models-per-day-high-balance."),
    ])
    .limit(LimitKind::FreeRequests)
    .step("ask a model that is billed, or add credits for more free requests{or_wait}"),
    Rule::new(Text, ANY, RateLimited, IfTold, &[("daily limit reached", "Rate limit exceeded. Daily limit reached for a/b via Probe")])
        .limit(LimitKind::Rate)
        .step("ask another model, or ask again tomorrow"),
    Rule::new(Text, ANY, RateLimited, Again, &[("free-models-per-min", "Rate limit exceeded: free-models-per-min. ")])
        .limit(LimitKind::Rate),
    // 404 of routing.
    Rule::new(Text, REFUSED, UnsupportedFeature, Never, &[(
        "can handle the requested parameters",
        "No endpoints found that can handle the requested parameters.",
    )])
    .step(PARAMETERS),
    Rule::new(Text, &[404..=404], NoEndpoint, Never, &[
        ("data policy", "No endpoints found matching your data policy"),
        ("zero data retention", "No endpoints available that support Zero Data Retention (ZDR)."),
        ("privacy", "No endpoints found for a/b that fit your privacy settings"),
        ("guardrail", "No endpoints available matching your guardrail restrictions"),
    ])
    .step(PRIVACY),
    Rule::new(Text, &[403..=403], PermissionDenied, Never, &[
        ("data policy", "This key's data policy does not allow the model"),
        ("privacy", "Not allowed by your privacy settings"),
    ])
    .step(PRIVACY),
    Rule::new(Text, &[403..=403], PermissionDenied, Never, &[("guardrail", "Blocked by the guardrail of this key")])
        .step("ask whoever manages the guardrail, or see https://openrouter.ai/settings/privacy"),
    Rule::new(Text, ROUTED, NoEndpoint, Never, &[
        ("max price", "No endpoints found that satisfy the max price for this request"),
        ("price limit", "No endpoints found for a/b that fit the price limit"),
        ("max_price", "No endpoints found for a/b below max_price"),
    ])
    .step(PRICE),
    Rule::new(Text, REFUSED, NoEndpoint, Never, &[
        ("no allowed providers", "No allowed providers are available for the selected model."),
        ("providers have been ignored", "All providers have been ignored. Change your default ignored providers"),
    ])
    .step(PROVIDERS),
    Rule::new(Text, REFUSED, NoEndpoint, Never, &[("no models match", "No models match your request and model restrictions")])
        .step("allow more models, in the plugin or in the account"),
    Rule::new(Text, REFUSED, UnsupportedFeature, Never, &[
        ("no endpoints found|available * that support", "No endpoints found that support tool use"),
    ])
    .step(LEAVE_OUT),
    // No filter is named: the model has no endpoint at all.
    Rule::new(Text, REFUSED, ModelNotFound, Never, &[
        ("no endpoints found for ? $", "No endpoints found for acme/gone:free."),
        ("no endpoints found for ? to learn more", "No endpoints found for acme/gone. To learn more, visit the docs"),
        ("not a valid model", "acme/none is not a valid model ID"),
        ("free * period has ended for this model", "The free qwen period has ended for this model. Migrate to the paid slug"),
        ("model is unavailable for free", "This model is unavailable for free. The paid version is available now"),
    ]),
    Rule::new(Text, ANY, PermissionDenied, Never, &[(
        "not available in your region",
        "This model is not available in your region.",
    )]),
    // The vague ones of its types.
    Rule::new(VagueCode, ANY, PaymentRequired, IfTold, &[(
        "payment_required",
        r#"{"message":"Pay","metadata":{"error_type":"payment_required"}}"#,
    )])
    .step(LOWER),
    Rule::new(VagueCode, ANY, Upstream, Again, &[(
        "provider_unavailable",
        r#"{"code":502,"metadata":{"error_type":"provider_unavailable"}}"#,
    )]),
    Rule::new(VagueCode, ANY, Overloaded, Again, &[(
        "provider_overloaded",
        r#"{"code":503,"metadata":{"error_type":"provider_overloaded"}}"#,
    )]),
    Rule::new(VagueCode, ANY, Server, Again, &[("unmapped", r#"{"code":500,"metadata":{"error_type":"unmapped"}}"#)]),
    Rule::new(VagueCode, NOT_REFUSED, NoEndpoint, Never, &[("not_found", r#"{"metadata":{"error_type":"not_found"}}"#)]),
    // Statuses that mean more here than elsewhere.
    Rule::new(Status, &[402..=402], PaymentRequired, IfTold, &[("", r#"{"code":402,"message":"Pay"}"#)])
        .step(LOWER),
    Rule::new(Status, &[404..=404], NoEndpoint, Never, &[("", r#"{"code":404,"message":"No endpoints found"}"#)]),
];

#[cfg(test)]
mod tests {
    use lenient_json::Raw;
    use openai_wire::error::{WireError, check_examples, decide};
    use openai_wire::rules::common;
    use provider_core::ErrorKind;

    use super::RULES;
    use crate::dialect::OpenRouterDialect;

    #[test]
    fn each_example_is_decided_by_its_row() {
        let dialect = OpenRouterDialect::default();
        assert_eq!(check_examples(&dialect, RULES), Ok(()));
        assert_eq!(check_examples(&dialect, common::RULES), Ok(()));
    }

    #[test]
    fn busy_endpoints_are_not_left_out() {
        let error =
            r#"{"availability":{"code":"capacity_exhausted","excluded_by":["max_price"],"retryable":true}}"#;
        let error = WireError::read(Raw::of(error), &OpenRouterDialect::default());
        let kind = |status| decide(&error, status, RULES).0.kind;
        assert_eq!((kind(429), kind(404)), (ErrorKind::RateLimited, ErrorKind::NoEndpoint));
    }

    #[test]
    fn upstream_words_decide_like_those_of_the_service() {
        for (text, kind) in [
            ("prompt is too long: 9 tokens > 8 maximum", ErrorKind::ContextLength),
            ("Rate limit reached for gpt-4o", ErrorKind::RateLimited),
            ("Incorrect API key provided", ErrorKind::Authentication),
        ] {
            let raw =
                serde_json::json!({ "message": "Provider returned error", "metadata": { "raw": text } });
            let error = WireError::read(Raw::of(&raw.to_string()), &OpenRouterDialect::default());
            assert_eq!(decide(&error, 400, RULES).0.kind, kind, "{text}");
        }
    }
}
