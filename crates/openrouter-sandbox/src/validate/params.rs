//! Validates top-level fields: a table of simple kinds, and a function for each field with a shape of its
//! own.

use serde_json::{Map, Value};

use crate::cost::Usd;

use super::{Check, check_name, ensure, invalid, list, object};

/// The kind of values that a field accepts.
enum Kind {
    Bool,
    Text,
    Number(f64, f64),
    Integer(i64, i64),
    OneOf(&'static [&'static str]),
    Object,
    TextList,
    /// A function checks the value.
    Shape(fn(&Value, &str) -> Check),
}

use Kind::{Bool, Integer, Number, Object, OneOf, Shape, Text, TextList};

/// Whether a field accepts `null` for "not set".
#[derive(PartialEq)]
enum Null {
    Ok,
    No,
}

const ANY_INTEGER: Kind = Integer(i64::MIN, i64::MAX);
const COUNT: Kind = Integer(1, i64::MAX);
const EFFORTS: &[&str] = &["max", "xhigh", "high", "medium", "low", "minimal", "none"];

/// The documented fields, those of the schema first, then those that only the guides mention.
const FIELDS: &[(&str, Null, Kind)] = &[
    // Fields that modules of their own check.
    ("messages", Null::No, Shape(anything)),
    ("tools", Null::No, Shape(anything)),
    ("tool_choice", Null::No, Shape(anything)),
    ("deferred_tools", Null::No, Shape(deferred_tools)),
    // Routing.
    ("model", Null::No, Text),
    ("models", Null::No, Shape(models)),
    ("route", Null::Ok, OneOf(&["fallback", "sort"])),
    ("provider", Null::Ok, Shape(provider)),
    ("plugins", Null::No, Shape(plugins)),
    ("preset", Null::No, Text),
    ("service_tier", Null::Ok, OneOf(&["auto", "default", "flex", "priority", "fast", "ultrafast", "scale"])),
    ("speed", Null::Ok, OneOf(&["fast"])),
    // Sampling.
    ("temperature", Null::Ok, Number(0.0, 2.0)),
    ("top_p", Null::Ok, Number(0.0, 1.0)),
    ("top_k", Null::Ok, Integer(0, i64::MAX)),
    ("top_a", Null::Ok, Number(0.0, 1.0)),
    ("min_p", Null::Ok, Number(0.0, 1.0)),
    ("frequency_penalty", Null::Ok, Number(-2.0, 2.0)),
    ("presence_penalty", Null::Ok, Number(-2.0, 2.0)),
    ("repetition_penalty", Null::Ok, Number(0.0, 2.0)),
    ("seed", Null::Ok, ANY_INTEGER),
    ("stop", Null::Ok, Shape(stop)),
    ("max_tokens", Null::Ok, COUNT),
    ("max_completion_tokens", Null::Ok, COUNT),
    ("logit_bias", Null::Ok, Shape(logit_bias)),
    ("logprobs", Null::Ok, Bool),
    ("top_logprobs", Null::Ok, Integer(0, 20)),
    // The form of the response.
    ("response_format", Null::No, Shape(response_format)),
    ("structured_outputs", Null::Ok, Bool),
    ("stream", Null::No, Bool),
    ("stream_options", Null::Ok, Object),
    ("parallel_tool_calls", Null::Ok, Bool),
    ("max_tool_calls", Null::Ok, Integer(1, 30)),
    ("stop_server_tools_when", Null::No, Shape(stop_conditions)),
    ("prediction", Null::Ok, Object),
    ("modalities", Null::No, Shape(modalities)),
    ("image_config", Null::No, Object),
    ("audio", Null::No, Object),
    ("verbosity", Null::Ok, OneOf(&["low", "medium", "high", "xhigh", "max"])),
    // Reasoning.
    ("reasoning", Null::No, Shape(reasoning)),
    ("reasoning_effort", Null::Ok, OneOf(EFFORTS)),
    ("include_reasoning", Null::Ok, Bool),
    // Caching, accounting, tracing.
    ("cache_control", Null::No, Object),
    ("prompt_cache_key", Null::Ok, Text),
    ("prompt_cache_options", Null::Ok, Shape(prompt_cache_options)),
    ("session_id", Null::No, Shape(session_id)),
    ("user", Null::No, Text),
    ("metadata", Null::No, Shape(metadata)),
    ("trace", Null::No, Object),
    ("debug", Null::No, Object),
    ("usage", Null::No, Object),
    // Legacy fields, and fields that go to one provider.
    ("prompt", Null::No, Text),
    ("transforms", Null::No, TextList),
    ("web_search_options", Null::No, Object),
    ("x_search_filter", Null::No, Object),
    ("safe_prompt", Null::No, Bool),
    ("raw_mode", Null::No, Bool),
];

pub(super) fn check(fields: &Map<String, Value>) -> Check {
    for (name, value) in fields {
        let Some((_, null, kind)) = FIELDS.iter().find(|(known, ..)| known == name) else {
            return Err(invalid(name, "is not a field of a chat request"));
        };
        if !(value.is_null() && *null == Null::Ok) {
            check_kind(kind, value, name)?;
        }
    }
    check_together(fields)
}

fn check_kind(kind: &Kind, value: &Value, field: &str) -> Check {
    match kind {
        Bool => ensure(value.is_boolean(), field, "must be true or false"),
        Text => ensure(value.is_string(), field, "must be a string"),
        Object => object(value, field).map(drop),
        TextList => {
            ensure(list(value, field)?.iter().all(Value::is_string), field, "must hold nothing but strings")
        }
        Number(low, high) => ensure(
            value.as_f64().is_some_and(|number| (*low..=*high).contains(&number)),
            field,
            &format!("must be a number from {low} to {high}"),
        ),
        Integer(low, high) => ensure(
            value.as_i64().is_some_and(|number| (*low..=*high).contains(&number)),
            field,
            &match (*low, *high) {
                (i64::MIN, _) => "must be an integer".to_owned(),
                (low, i64::MAX) => format!("must be an integer of at least {low}"),
                (low, high) => format!("must be an integer from {low} to {high}"),
            },
        ),
        OneOf(choices) => ensure(
            value.as_str().is_some_and(|text| choices.contains(&text)),
            field,
            &format!("must be one of {}", choices.join(", ")),
        ),
        Shape(check) => check(value, field),
    }
}

/// Checks the rules for combinations of fields.
fn check_together(fields: &Map<String, Value>) -> Check {
    let mut plugins = fields.get("plugins").and_then(Value::as_array).into_iter().flatten();
    let is_judged = plugins.any(|plugin| plugin["id"] == "alignment");
    let is_zdr = fields.get("provider").is_some_and(|provider| provider["zdr"] == true);
    ensure(!(is_judged && is_zdr), "plugins.alignment", "cannot be combined with provider.zdr")?;
    let set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    let ranks = fields.get("top_logprobs").and_then(Value::as_i64);
    let logprobs = fields.get("logprobs").and_then(Value::as_bool) == Some(true);
    ensure(
        logprobs || !set(fields.get("top_logprobs")) || ranks == Some(0),
        "top_logprobs",
        "needs logprobs",
    )?;
    let (short, long) =
        (fields.get("reasoning_effort"), fields.get("reasoning").and_then(|it| it.get("effort")));
    ensure(!set(short) || !set(long) || short == long, "reasoning_effort", "differs from reasoning.effort")
}

fn anything(_: &Value, _: &str) -> Check {
    Ok(())
}

fn models(value: &Value, field: &str) -> Check {
    check_kind(&TextList, value, field)?;
    ensure(list(value, field)?.len() <= 3, field, "must have 3 items or fewer")
}

fn stop(value: &Value, field: &str) -> Check {
    match value {
        Value::Array(items) => {
            ensure(items.len() <= 4, field, "must have 4 items or fewer")?;
            check_kind(&TextList, value, field)
        }
        _ => check_kind(&Text, value, field),
    }
}

fn logit_bias(value: &Value, field: &str) -> Check {
    object(value, field)?.values().try_for_each(|bias| check_kind(&Number(-100.0, 100.0), bias, field))
}

fn session_id(value: &Value, field: &str) -> Check {
    let good = value.as_str().is_some_and(|id| id.chars().count() <= 256);
    ensure(good, field, "must be a string of at most 256 characters")
}

fn metadata(value: &Value, field: &str) -> Check {
    let pairs = object(value, field)?;
    ensure(pairs.len() <= 16, field, "must have 16 pairs or fewer")?;
    let short = |text: &str, most: usize| text.chars().count() <= most;
    let good =
        |(key, value): (&String, &Value)| short(key, 64) && value.as_str().is_some_and(|it| short(it, 512));
    ensure(pairs.iter().all(good), field, "must map keys (64 characters) to strings (512 characters)")
}

fn modalities(value: &Value, field: &str) -> Check {
    list(value, field)?
        .iter()
        .try_for_each(|item| check_kind(&OneOf(&["text", "image", "audio"]), item, field))
}

fn plugins(value: &Value, field: &str) -> Check {
    let named = |plugin: &Value| plugin["id"].is_string();
    ensure(list(value, field)?.iter().all(named), field, "every plugin needs an id")?;
    list(value, field)?.iter().try_for_each(|plugin| match plugin["id"].as_str() {
        Some("alignment") => alignment(plugin),
        Some("armor") => armor(plugin),
        _ => Ok(()),
    })
}

fn alignment(plugin: &Value) -> Check {
    let rules = list(&plugin["rules"], "plugins.alignment.rules")?;
    let good = |rule: &Value| rule["rule"].is_string() && rule["watch"].is_array();
    let all = !rules.is_empty() && rules.iter().all(good);
    ensure(all, "plugins.alignment.rules", "needs rules, each with a rule and what it watches")?;
    optional(&OneOf(&["audit", "enforce"]), &plugin["mode"], "plugins.alignment.mode")?;
    optional(&Integer(0, 3), &plugin["max_retries"], "plugins.alignment.max_retries")?;
    optional(&Number(0.01, 1.0), &plugin["threshold"], "plugins.alignment.threshold")
}

fn armor(plugin: &Value) -> Check {
    optional(&OneOf(&["audit", "enforce"]), &plugin["mode"], "plugins.armor.mode")?;
    optional(&OneOf(&["log", "block"]), &plugin["on_error"], "plugins.armor.on_error")?;
    optional(&Object, &plugin["classifier_context"], "plugins.armor.classifier_context")?;
    let version = &plugin["classifier_context"]["v"];
    let good = plugin["classifier_context"].is_null() || version.is_number();
    ensure(good, "plugins.armor.classifier_context.v", "must be a number")
}

/// Checks a value, if there is one.
fn optional(kind: &Kind, value: &Value, field: &str) -> Check {
    if value.is_null() { Ok(()) } else { check_kind(kind, value, field) }
}

fn deferred_tools(value: &Value, field: &str) -> Check {
    object(value, field)?;
    for (key, only) in [("protocol", "v1"), ("profile", "portable"), ("validation", "runtime")] {
        ensure(value[key] == only, &format!("{field}.{key}"), &format!("must be {only}"))?;
    }
    let search = &value["search"];
    check_kind(&OneOf(&["bm25", "regex", "custom"]), &search["type"], &format!("{field}.search.type"))?;
    let is_whole = search["tool_id"].is_string() && search["result_key"].is_string();
    let is_good = search["type"] != "custom" || is_whole;
    ensure(is_good, &format!("{field}.search"), "needs tool_id and result_key")
}

fn prompt_cache_options(value: &Value, field: &str) -> Check {
    object(value, field)?;
    ensure(value["mode"] == "explicit", &format!("{field}.mode"), "must be explicit")?;
    optional(&Text, &value["ttl"], &format!("{field}.ttl"))
}

fn stop_conditions(value: &Value, field: &str) -> Check {
    let conditions = list(value, field)?;
    let good = !conditions.is_empty() && conditions.iter().all(|condition| condition["type"].is_string());
    ensure(good, field, "must have at least one condition, each with a type")
}

fn response_format(value: &Value, field: &str) -> Check {
    object(value, field)?;
    let types = OneOf(&["text", "json_object", "json_schema", "grammar", "python"]);
    check_kind(&types, &value["type"], "response_format.type")?;
    match value["type"].as_str() {
        Some("json_schema") => {
            let schema = &value["json_schema"];
            object(schema, "response_format.json_schema")?;
            check_name(&schema["name"], "response_format.json_schema.name")?;
            let strict = &schema["strict"];
            ensure(
                strict.is_null() || strict.is_boolean(),
                "response_format.json_schema.strict",
                "must be true or false",
            )?;
            let absent = schema.get("schema").is_none();
            ensure(
                absent || schema["schema"].is_object(),
                "response_format.json_schema.schema",
                "must be an object",
            )
        }
        Some("grammar") => check_kind(&Text, &value["grammar"], "response_format.grammar"),
        _ => Ok(()),
    }
}

fn reasoning(value: &Value, field: &str) -> Check {
    for (key, value) in object(value, field)? {
        let field = format!("reasoning.{key}");
        let kind = match key.as_str() {
            "effort" => OneOf(EFFORTS),
            "max_tokens" => COUNT,
            "exclude" | "enabled" => Bool,
            "summary" => OneOf(&["auto", "concise", "detailed"]),
            "context" => OneOf(&["auto", "all_turns", "current_turn"]),
            "mode" => OneOf(&["standard", "pro"]),
            _ => return Err(invalid(&field, "is not a field of reasoning")),
        };
        if !value.is_null() {
            check_kind(&kind, value, &field)?;
        }
    }
    let both = !value["effort"].is_null() && !value["max_tokens"].is_null();
    ensure(!both, field, "takes an effort or max_tokens, but not both")
}

fn provider(value: &Value, field: &str) -> Check {
    for (key, value) in object(value, field)? {
        let field = format!("provider.{key}");
        let kind = match key.as_str() {
            "order" | "only" | "ignore" => TextList,
            "allow_fallbacks" | "require_parameters" | "zdr" | "enforce_distillable_text" => Bool,
            "data_collection" => OneOf(&["allow", "deny"]),
            "quantizations" => Shape(quantizations),
            "sort" => Shape(sort),
            "preferred_min_throughput" | "preferred_max_latency" => Shape(number_or_percentiles),
            "max_price" => Shape(max_price),
            "options" => Object,
            _ => return Err(invalid(&field, "is not a provider preference")),
        };
        if !value.is_null() {
            check_kind(&kind, value, &field)?;
        }
    }
    Ok(())
}

fn quantizations(value: &Value, field: &str) -> Check {
    const KNOWN: &[&str] =
        &["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"];
    list(value, field)?.iter().try_for_each(|item| check_kind(&OneOf(KNOWN), item, field))
}

fn sort(value: &Value, field: &str) -> Check {
    let by = OneOf(&["price", "throughput", "latency", "exacto"]);
    match value {
        Value::Object(sort) => {
            sort.iter().filter(|(_, value)| !value.is_null()).try_for_each(|(key, value)| {
                match key.as_str() {
                    "by" => check_kind(&by, value, field),
                    "partition" => check_kind(&OneOf(&["model", "none"]), value, field),
                    _ => Err(invalid(field, "takes by and partition")),
                }
            })
        }
        _ => check_kind(&by, value, field),
    }
}

fn number_or_percentiles(value: &Value, field: &str) -> Check {
    match value {
        Value::Object(limits) => {
            let good = limits.iter().all(|(key, limit)| {
                ["p50", "p75", "p90", "p99"].contains(&key.as_str()) && limit.is_number()
            });
            ensure(good, field, "takes numbers for p50, p75, p90 and p99")
        }
        _ => ensure(value.is_number(), field, "must be a number or an object of percentiles"),
    }
}

fn max_price(value: &Value, field: &str) -> Check {
    let known = |key: &str| ["prompt", "completion", "request", "image", "audio"].contains(&key);
    let good = object(value, field)?.iter().all(|(key, price)| known(key) && Usd::from_json(price).is_some());
    ensure(good, field, "takes decimal prices for prompt, completion, request, image and audio")
}
