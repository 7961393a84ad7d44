//! The rules for any OpenAI-compatible server, and for the providers behind one.

use provider_core::ErrorKind::*;
use provider_core::LimitKind;

use super::Advice::*;
use super::Source::*;
use super::{ANY, CONTENT, NOT_REFUSED, REFUSED, Rule, UNTOLD};

/// The next step where a parameter or a feature is not supported.
pub const LEAVE_OUT: &str = "leave it out, or ask a model that supports it";
const SHORTEN: &str = "shorten the prompt, lower `max_tokens`, or ask a model with more room";
const FEWER_TOKENS: &str = "lower `max_tokens`";
const PAY: &str = "add money to the account that pays for it, or use another key";

/// The rows. The last of them decide by the status alone.
pub static RULES: &[Rule] = &[
    // Codes that are clear.
    Rule::new(Code, ANY, ContextLength, Never, &[
        ("context_length_exceeded", r#"{"message":"Too much","type":"invalid_request_error","code":"context_length_exceeded"}"#),
        ("model_context_window_exceeded", r#"{"code":"model_context_window_exceeded","message":"Too much"}"#),
        ("exceed_context_size_error", r#"{"code":400,"type":"exceed_context_size_error","message":"Too much"}"#),
        ("token_limit_exceeded", r#"{"code":400,"error_type":"token_limit_exceeded"}"#),
        ("string_too_long", r#"{"code":400,"error_type":"string_too_long"}"#),
        ("string_above_max_length", r#"{"code":"string_above_max_length","message":"Too much"}"#),
    ])
    .step(SHORTEN),
    Rule::new(Code, ANY, ContentPolicy, Never, &[
        ("content_filter", r#"{"message":"No","code":"content_filter","type":null}"#),
        ("responsible_ai_policy_violation", r#"{"message":"No","innererror":{"code":"ResponsibleAIPolicyViolation"}}"#),
        ("content_policy_violation", r#"{"code":400,"error_type":"content_policy_violation"}"#),
        ("refusal", r#"{"code":400,"error_type":"refusal"}"#),
        ("data_inspection_failed", r#"{"code":"data_inspection_failed","message":"No"}"#),
        ("input_text_sensitive_content_detected", r#"{"code":"InputTextSensitiveContentDetected","message":"No"}"#),
        ("moderation_blocked", r#"{"code":"moderation_blocked","message":"No"}"#),
        ("prohibited_content", r#"{"code":400,"message":"No","status":"PROHIBITED_CONTENT"}"#),
    ]),
    Rule::new(Code, ANY, PaymentRequired, Never, &[
        ("insufficient_quota", r#"{"code":"insufficient_quota","message":"You exceeded your current quota"}"#),
        ("exceeded_current_quota_error", r#"{"type":"exceeded_current_quota_error","message":"Suspended"}"#),
        ("billing_hard_limit_reached", r#"{"code":"billing_hard_limit_reached","message":"No more"}"#),
        ("billing_not_active", r#"{"code":"billing_not_active","message":"No more"}"#),
        ("insufficient_balance", r#"{"code":"insufficient_balance","message":"No more"}"#),
        ("insufficient_credits", r#"{"code":"insufficient_credits","message":"No more"}"#),
        ("budget_exceeded", r#"{"type":"budget_exceeded","message":"No more"}"#),
        ("arrearage", r#"{"code":"Arrearage","message":"Access denied"}"#),
    ])
    .limit(LimitKind::Upstream)
    .step(PAY),
    Rule::new(Code, ANY, ModelNotFound, Never, &[
        ("model_not_found", r#"{"code":"model_not_found","message":"No","type":"invalid_request_error"}"#),
        ("model_not_available", r#"{"code":"model_not_available","message":"No"}"#),
        ("model_decommissioned", r#"{"code":"model_decommissioned","message":"No"}"#),
        ("model_deprecated", r#"{"code":"model_deprecated","message":"No"}"#),
        ("invalid_model", r#"{"type":"invalid_model","message":"No"}"#),
        ("deployment_not_found", r#"{"code":"DeploymentNotFound","message":"No"}"#),
    ]),
    Rule::new(Code, ANY, UnsupportedFeature, Never, &[
        ("unsupported_parameter", r#"{"code":"unsupported_parameter","message":"No"}"#),
        ("unsupported_value", r#"{"code":"unsupported_value","message":"No"}"#),
    ])
    .step(LEAVE_OUT),
    Rule::new(Code, ANY, Authentication, Never, &[
        ("invalid_api_key", r#"{"code":"invalid_api_key","type":"invalid_request_error","message":"No"}"#),
        // LiteLLM without a database, of every key but its own.
        ("no_db_connection", r#"{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}"#),
        ("api_key_invalid", r#"{"code":400,"message":"No","details":[{"reason":"API_KEY_INVALID"}]}"#),
    ]),
    Rule::new(Code, ANY, PermissionDenied, Never, &[
        ("unsupported_country_region_territory", r#"{"code":"unsupported_country_region_territory","message":"No"}"#),
        ("model_terms_required", r#"{"code":"model_terms_required","message":"No"}"#),
    ]),
    // Too many tokens: per minute, in the answer, in all.
    Rule::new(Text, ANY, RateLimited, Never, &[
        ("request too large * tokens per min", "Request too large for gpt-x in organization o on tokens per min (TPM): Limit 10, Requested 20."),
        ("request too large * * tokens per minute", "Request too large for model `x` in organization `o` service tier `on_demand` on tokens per minute (TPM): Limit 10, Requested 20"),
        ("request too large * tpm", "Request too large for model `llama` in organization `o` on TPM: Limit 10, Requested 20"),
    ])
    .limit(LimitKind::Rate)
    .step("shorten the prompt or lower `max_tokens`: this request alone is more than a minute allows"),
    Rule::new(Text, CONTENT, InvalidRequest, Never, &[
        ("max_tokens|max_completion_tokens|max_output_tokens must be at least", "max_output_tokens must be at least 16"),
        ("max_tokens|max_completion_tokens|max_output_tokens must be greater", "`max_tokens` must be greater than `thinking.budget_tokens`"),
        ("max_tokens|max_completion_tokens|max_output_tokens must be a positive", "max_tokens must be a positive integer"),
        ("invalid max_tokens|max_completion_tokens|max_output_tokens integer below minimum", "Invalid 'max_output_tokens': integer below minimum value."),
    ]),
    Rule::new(Text, CONTENT, InvalidRequest, Never, &[
        ("maximum tokens you requested exceeds", "The maximum tokens you requested exceeds the model limit of 4096."),
        ("max_tokens|max_completion_tokens|max_output_tokens is too large", "max_tokens is too large: 90000. This model supports at most 16384 completion tokens"),
        ("max_tokens|max_completion_tokens|max_output_tokens must be", "`max_tokens` must be less than or equal to `8192`"),
        ("maximum allowed number of output tokens", "max_tokens: 90000 > 64000, which is the maximum allowed number of output tokens"),
        ("invalid max_tokens|max_completion_tokens|max_output_tokens", "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
        ("maxoutputtokens value", "Unable to submit request because it has a maxOutputTokens value of 90000"),
        ("range of max_tokens|max_completion_tokens", "Range of max_tokens should be [1, 8192]"),
    ])
    .step(FEWER_TOKENS),
    Rule::new(Text, CONTENT, ContextLength, Never, &[
        ("maximum context length", "This model's maximum context length is 8192 tokens, however you requested 9000 tokens."),
        ("maximum model length", "The decoder prompt (length 9000) is longer than the maximum model length of 8192."),
        ("maximum prompt length", "This model's maximum prompt length is 131072 but the request contains 200000 tokens."),
        ("maximum allowed input length", "Input length 9000 exceeds the maximum allowed input length of 8192 tokens."),
        ("maximum number of tokens allowed", "The input token count (9000) exceeds the maximum number of tokens allowed (8192)."),
        ("prompt|input|message|conversation is too long", "prompt is too long: 213462 tokens > 200000 maximum"),
        ("inputs are too long", "The inputs are too long."),
        ("exceed|exceeds|exceeded|exceeding * context window|length|limit|size", "Your input exceeds the context window of this model."),
        ("context window|length|size exceed|exceeds|exceeded", "invalid params, context window exceeds limit (2013)"),
        ("context length is only", "The prompt has 9000 tokens, and the context length is only 8192 tokens."),
        ("greater than the context length", "The number of tokens to keep from the initial prompt is greater than the context length."),
        ("longer than the model's context length", "The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
        ("prompt|input token count * exceeds", "prompt token count of 9000 exceeds the limit of 8192"),
        ("input tokens exceed|exceeds|exceeded", "Input tokens exceed the configured limit of 8192 tokens."),
        ("number of tokens in the prompt cannot exceed", "total number of tokens in the prompt cannot exceed 4081"),
        ("too many tokens size limit exceeded", "too many tokens: size limit exceeded by 919 tokens. Try using shorter or fewer inputs"),
        ("prompt has too many tokens", "The prompt has too many tokens."),
        ("input|prompt length * exceed|exceeds|exceeded", "Input length 9000 exceeds what the endpoint takes"),
        ("reduce the input token count", "The input token count is 9000 but the model only supports up to 8192. Reduce the input token count"),
        ("context length of only # tokens", "the model is loaded with context length of only 8192 tokens"),
        ("context_length_exceeded", "400: context_length_exceeded"),
        ("prompt exceeds max length", "Prompt exceeds max length"),
        ("range of input length", "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
        ("exceeded model token limit", "Your request exceeded model token limit: 8192 (requested: 9000)"),
        ("reduce the length of the messages|prompt|input|inputs|either", "Please reduce the length of the messages or completion."),
        ("inputs must have less than # tokens", "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"),
        ("input is longer than the maximum", "Input is longer than the maximum of 8192 tokens."),
        ("number of input tokens * exceeds", "The number of input tokens (9000) exceeds the model's limit (8192)"),
        ("prompt contains too many tokens", "Your prompt contains too many tokens: 9000. Maximum is 8192"),
        ("input tokens * context length", "input tokens (9000) + max_tokens (2000) > context length (8192)"),
        ("exceed|exceeds maximum input length", "The request exceeds maximum input length"),
        ("prompt|input is too large", "the prompt is too large for this model: 9000 tokens"),
        ("exceed|exceeds max message tokens", "Total tokens of image and text exceed max message tokens"),
        ("^ token limit exceeded", "Token limit exceeded: 9000 of 8192"),
        ("over the context limit", "The request is over the context limit of the model"),
        ("inputs tokens max_new_tokens must be", "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"),
    ])
    .step(SHORTEN),
    // The content is refused.
    Rule::new(Text, CONTENT, ContentPolicy, Never, &[
        ("content management policy", "The response was filtered due to Azure OpenAI's content management policy."),
        ("content filter|filters|filtering", "Output blocked by content filtering policy"),
        ("content policy", "This request breaks the content policy"),
        ("violates|violating|violate * usage policy|policies|guidelines", "Content violates usage guidelines. Failed check: x"),
        ("violates * responsible ai", "The prompt violates Google's Responsible AI practices"),
        ("as a result of our safety system", "Your request was rejected as a result of our safety system."),
        ("blocked|rejected due to safety|prohibited_content|blocklist|spii", "Text not available. Response was blocked due to SAFETY"),
        ("input|request|prompt|content was flagged", "a/b requires moderation on Probe. Your input was flagged for \"violence\""),
        ("may contain sensitive information|content", "The request failed because the input text may contain sensitive information."),
        ("potentially unsafe or sensitive content", "System detected potentially unsafe or sensitive content in input or generation"),
        ("blocked prohibited_content", "Prompt was blocked: PROHIBITED_CONTENT"),
        ("content safety filter|filters", "The request was stopped by content safety filters"),
        ("blocked|rejected|refused by * content moderation", "Your request was blocked by our content moderation"),
        ("blocked|rejected|refused by * safety system", "Your request was rejected by the safety system"),
        ("contain|contains sensitive words|content", "The input contains sensitive words"),
        ("contain|contains prohibited content", "The input contains prohibited content"),
        ("blocked|rejected|refused for safety", "The request was refused for safety reasons"),
        ("may contain inappropriate content", "Input text data may contain inappropriate content."),
        ("considered high risk", "The request was rejected because it was considered high risk"),
        ("content exists risk", "Content Exists Risk"),
        ("data_inspection_failed", "Upstream said data_inspection_failed"),
    ]),
    // The money of an account is spent.
    Rule::new(Text, ANY, PaymentRequired, Never, &[
        ("credit balance is too low", "Your credit balance is too low to access the API."),
        ("insufficient balance|funds|quota", "Insufficient Balance"),
        ("insufficient_quota", "Upstream error: insufficient_quota"),
        ("billing hard limit", "Billing hard limit has been reached"),
        ("budget has been exceeded", "Budget has been exceeded! Current cost: 2, Max budget: 1"),
        ("exceeded your monthly included credits", "You have exceeded your monthly included credits for Inference Providers."),
        ("account is in good standing", "Access denied, please make sure your account is in good standing."),
        ("doesn't have any credits", "Your newly created team doesn't have any credits or licenses yet."),
        ("not enough balance|credit|credits|funds", "not enough balance"),
        ("reached your specified api usage limits", "You have reached your specified API usage limits. You will regain access on 2026-12-01."),
        ("balance is negative", "Your account balance is negative"),
        ("tier quota exhausted", "Free tier quota exhausted. Please add a payment method."),
        ("no budget left", "Your key has no budget left for this month"),
        ("billing account is not active", "Billing account is not active"),
        ("used all available credits", "Your team has either used all available credits or reached its monthly spending limit."),
        ("monthly spend|spending limit", "Account o is suspended, possibly due to reaching the monthly spending limit"),
    ])
    .limit(LimitKind::Upstream)
    .step(PAY),
    // The caller lacks the permission.
    Rule::new(Text, REFUSED, PermissionDenied, Never, &[
        ("user location is not supported", "User location is not supported for the API use."),
        ("not available in your country", "The free tier is not available in your country."),
        ("your plan does not support|include", "Your plan does not support this model"),
    ]),
    // A server reports a missing part of its own as its failure.
    Rule::new(Text, &[500..=501], UnsupportedFeature, Never, &[(
        "image|audio|video input is not supported",
        r#"{"code":500,"message":"image input is not supported - hint: you may need to provide the mmproj"}"#,
    )])
    .step(LEAVE_OUT),
    // The model cannot do something, or does not take a parameter.
    Rule::new(Text, REFUSED, UnsupportedFeature, Never, &[
        ("do|does not support", "registry/gemma:1b does not support tools"),
        ("doesn't|don't support", "This model doesn't support tool calling"),
        ("not supported with|by|for|in this|the model", "`temperature` is not supported with this model."),
        ("tools|tool_choice|images|response_format|logprobs|streaming is|are not supported", "response_format is not supported"),
        ("not supported by this endpoint|provider|server", "`seed` is not supported by this provider"),
        ("deprecated for this model", "`temperature` is deprecated for this model."),
        ("unsupported parameter", "Unsupported parameter: 'max_tokens'"),
        ("input is not supported", "image input is not supported - hint: you may need to provide the mmproj"),
        ("role not supported", "System role not supported"),
        ("is not enabled for ?", "Developer instruction is not enabled for models/gemma-x"),
        ("is not a multimodal model", "acme/text is not a multimodal model"),
        ("at most 0 image|images|image(s", "At most 0 image(s) may be provided in one request."),
        ("tool choice requires", "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"),
        ("tools param requires", "tools param requires --jinja flag"),
    ])
    .step(LEAVE_OUT),
    // The model is unknown or gone.
    Rule::new(Text, REFUSED, ModelNotFound, Never, &[
        ("model ? does not exist", "The model `acme/none` does not exist or you do not have access to it."),
        ("model ? is|was not found", "model \"acme/none\" is not found, try pulling it first"),
        ("model ? not found", "model 'acme/none' not found, make sure the correct model ID was used"),
        ("model ? is|was no longer available", "The model acme/old is no longer available."),
        ("model is no longer available", "This model is no longer available."),
        ("model ? has been deprecated|decommissioned|retired|removed", "The model `acme/old` has been decommissioned and is no longer supported."),
        ("model ? is deprecated", "The model acme/old is deprecated"),
        ("model is|was deprecated", "This model is deprecated, please use another one"),
        ("model has been deprecated|decommissioned|retired|removed", "This model has been retired."),
        ("model version has reached the end of its life", "This model version has reached the end of its life."),
        ("^ the model ? is|was not available", "The model acme/none is not available"),
        ("^ model ? is|was not available", "Model acme/none is not available"),
        ("^ model ? is not supported $", "Model acme/none is not supported"),
        ("requested model does not exist", "The requested model does not exist."),
        ("^ no such model", "No such model @cf/acme/none"),
        ("not found the model ?", "Not found the model acme/none or Permission denied"),
        ("^ models|model not found|exist", "Model not exist."),
        ("model identifier is invalid", "The provided model identifier is invalid."),
        ("^ unknown|invalid model ? $", "Invalid model: acme/none"),
        ("invalid model name passed in", "/chat/completions: Invalid model name passed in model=acme/none. Call `/v1/models` to view available models for your key."),
        ("invalid model ? permitted", "Invalid model 'acme/none'. Permitted models are in the documentation."),
        ("? is not found for api version", "models/acme-none is not found for API version v1beta"),
        ("unable to access model", "Unable to access model acme/none. Please visit the list of models"),
        ("not supported by any provider", "The requested model 'acme/none' is not supported by any provider you have enabled."),
        ("deployment for this resource does not exist", "The API deployment for this resource does not exist."),
    ]),
    Rule::new(Text, &[404..=404], ModelNotFound, Never, &[("^ model ? $", "model: acme-none")]),
    // The key is refused.
    Rule::new(Text, REFUSED, Authentication, Never, &[
        ("incorrect api key", "Incorrect API key provided: sk-***. You can obtain one in the console."),
        ("api key not valid", "API key not valid. Please pass a valid API key."),
        ("invalid|missing api key", "Invalid API key"),
        ("api key expired", "API key expired. Please renew the API key."),
    ]),
    // The address is wrong.
    Rule::new(Text, &[400..=400, 404..=405], NotFound, Never, &[
        ("^ invalid url", "Invalid URL (POST /v1/v1/chat/completions)"),
        ("^ unknown request url", "Unknown request URL: POST /v1/v1/chat/completions."),
        ("^ cannot post|get", "Cannot POST /v1/v1/chat/completions"),
        ("^ not found $", "Not Found"),
        ("^ 404 page not found $", "404 page not found"),
        ("^ method not allowed $", "Method Not Allowed"),
        ("no route matched", "no Route matched with those values"),
        ("^ resource not found $", "Resource not found"),
        ("^ file not found $", "File Not Found"),
        ("^ route ? not found", "Route POST:/v1/v1/chat/completions not found"),
        ("^ path ? not found", "path \"/v1/v1\" not found"),
        ("^ not allowed to post|get on", "Not allowed to POST on /v1/v1/chat/completions."),
    ]),
    Rule::new(Text, &[UNTOLD..=UNTOLD, 400..=400, 404..=405], NotFound, Never, &[
        ("^ unexpected endpoint or method", "Unexpected endpoint or method. (POST /v1/v1/chat/completions)"),
    ]),
    // A gateway says of paths that it does not know.
    Rule::new(Text, &[403..=403], NotFound, Never, &[(
        "^ missing authentication token $",
        r#"{"code":403,"message":"Missing Authentication Token"}"#,
    )]),
    // The failure may be temporary, which a success or a vague status does not tell.
    Rule::new(Text, CONTENT, RateLimited, Again, &[
        ("rate limit exceeded|reached", "Rate limit reached for gpt-x"),
        ("too many requests", "Too many requests"),
        ("rate-limited upstream", "acme/free is temporarily rate-limited upstream. Please retry shortly"),
    ])
    .limit(LimitKind::Rate),
    Rule::new(Text, &[UNTOLD..=UNTOLD, 500..=599], Overloaded, Again, &[
        ("is|are overloaded", "The model is overloaded. Please try again later."),
        ("is currently overloaded", "That model is currently overloaded with other requests"),
        ("server is busy", "Server is busy, please try again later"),
    ]),
    // Codes that are vague.
    Rule::new(VagueCode, ANY, Authentication, Never, &[
        ("authentication", r#"{"code":401,"error_type":"authentication"}"#),
        ("authentication_error", r#"{"type":"authentication_error","message":"No"}"#),
        ("invalid_authentication_error", r#"{"type":"invalid_authentication_error","message":"No"}"#),
        ("unauthenticated", r#"{"status":"UNAUTHENTICATED","message":"No"}"#),
        ("unauthorized", r#"{"code":"unauthorized","message":"No"}"#),
    ]),
    Rule::new(VagueCode, ANY, PermissionDenied, Never, &[
        ("permission_denied", r#"{"status":"PERMISSION_DENIED","message":"No"}"#),
        ("permission_error", r#"{"type":"permission_error","message":"No"}"#),
    ]),
    Rule::new(VagueCode, ANY, PayloadTooLarge, Never, &[
        ("payload_too_large", r#"{"error_type":"payload_too_large"}"#),
        ("request_too_large", r#"{"type":"request_too_large","message":"Request exceeds the maximum size"}"#),
    ]),
    Rule::new(VagueCode, ANY, RateLimited, Again, &[
        ("rate_limit_exceeded", r#"{"code":"rate_limit_exceeded","message":"Slower"}"#),
        ("rate_limit_error", r#"{"type":"rate_limit_error","message":"Slower"}"#),
        ("rate_limit_reached_error", r#"{"type":"rate_limit_reached_error","message":"Slower"}"#),
        ("too_many_requests", r#"{"code":"too_many_requests","message":"Slower"}"#),
        ("resource_exhausted", r#"{"status":"RESOURCE_EXHAUSTED","message":"Slower"}"#),
        ("throttling", r#"{"code":"Throttling","message":"Slower"}"#),
        ("throttling_exception", r#"{"type":"ThrottlingException","message":"Slower"}"#),
        ("throttling_rate_quota", r#"{"code":"Throttling.RateQuota","message":"Slower"}"#),
    ])
    .limit(LimitKind::Rate),
    Rule::new(VagueCode, ANY, Timeout, Again, &[
        ("timeout", r#"{"code":504,"error_type":"timeout"}"#),
        ("timeout_error", r#"{"type":"timeout_error","message":"Late"}"#),
        ("request_timeout", r#"{"code":"request_timeout","message":"Late"}"#),
        ("deadline_exceeded", r#"{"status":"DEADLINE_EXCEEDED","message":"Late"}"#),
    ]),
    Rule::new(VagueCode, ANY, Overloaded, Again, &[
        ("overloaded_error", r#"{"type":"overloaded_error","message":"Busy"}"#),
        ("overloaded", r#"{"code":"overloaded","message":"Busy"}"#),
        ("engine_overloaded", r#"{"code":"engine_overloaded","message":"Busy"}"#),
        ("engine_overloaded_error", r#"{"type":"engine_overloaded_error","message":"Busy"}"#),
        ("unavailable", r#"{"status":"UNAVAILABLE","message":"Busy"}"#),
        ("service_unavailable", r#"{"code":"service_unavailable","message":"Busy"}"#),
        ("service_unavailable_error", r#"{"type":"ServiceUnavailableError","message":"Busy"}"#),
    ]),
    Rule::new(VagueCode, ANY, Server, Again, &[
        ("server", r#"{"code":500,"error_type":"server"}"#),
        ("server_error", r#"{"code":"server_error","message":"Oops"}"#),
        ("internal_error", r#"{"type":"internal_error","message":"Oops"}"#),
        ("internal_server_error", r#"{"type":"InternalServerError","message":"Oops"}"#),
        ("api_error", r#"{"type":"api_error","message":"Oops"}"#),
    ]),
    Rule::new(VagueCode, NOT_REFUSED, InvalidRequest, Never, &[
        ("invalid_request_error", r#"{"type":"invalid_request_error","message":"No"}"#),
        ("invalid_request", r#"{"error_type":"invalid_request"}"#),
        ("invalid_prompt", r#"{"error_type":"invalid_prompt"}"#),
        ("invalid_argument", r#"{"status":"INVALID_ARGUMENT","message":"No"}"#),
        ("invalid_parameter", r#"{"code":"InvalidParameter","message":"No"}"#),
        ("bad_request_error", r#"{"type":"BadRequestError","message":"No"}"#),
        ("validation_error", r#"{"type":"validation_error","message":"No"}"#),
        ("precondition_failed", r#"{"error_type":"precondition_failed"}"#),
        ("unprocessable", r#"{"error_type":"unprocessable"}"#),
        ("not_found_error", r#"{"type":"NotFoundError","message":"No"}"#),
    ]),
    // The status alone.
    Rule::new(Status, &[UNTOLD..=UNTOLD, 502..=502], Upstream, Again, &[("", r#"{"message":"It fell over"}"#)]),
    Rule::new(Status, &[401..=401], Authentication, Never, &[("", r#"{"code":401,"message":"No auth credentials found"}"#)]),
    Rule::new(Status, &[402..=402], PaymentRequired, IfTold, &[("", r#"{"code":402,"message":"Pay"}"#)]).step(PAY),
    Rule::new(Status, &[403..=403], PermissionDenied, Never, &[("", r#"{"code":403,"message":"Not allowed"}"#)]),
    Rule::new(Status, &[404..=405], NotFound, Never, &[("", r#"{"code":404,"message":"Gone"}"#)]),
    Rule::new(Status, &[408..=408, 504..=504, 524..=524], Timeout, Again, &[("", r#"{"code":504,"message":"Late"}"#)]),
    // The request collided with another one, or came too early.
    Rule::new(Status, &[409..=409, 425..=425], InvalidRequest, Again, &[("", r#"{"code":409,"message":"Conflict"}"#)]),
    Rule::new(Status, &[413..=413], PayloadTooLarge, Never, &[("", r#"{"code":413,"message":"Too large"}"#)]),
    Rule::new(Status, &[429..=429], RateLimited, Again, &[("", r#"{"code":429,"message":"Slower"}"#)]).limit(LimitKind::Rate),
    Rule::new(Status, &[500..=500], Server, Again, &[("", r#"{"code":500,"message":"Internal Server Error"}"#)]),
    Rule::new(Status, &[503..=503, 529..=529], Overloaded, Again, &[("", r#"{"code":529,"message":"Busy"}"#)]),
    Rule::new(Status, &[300..=399], InvalidResponse, Never, &[("", "Moved")]),
    Rule::new(Status, &[400..=499], InvalidRequest, Never, &[("", r#"{"code":400,"message":"temperature is too high"}"#)]),
    OTHERWISE,
];

/// The rule for statuses without a meaning.
pub(crate) const OTHERWISE: Rule =
    Rule::new(Status, ANY, Server, Again, &[("", r#"{"code":599,"message":"Whatever it is"}"#)]);
