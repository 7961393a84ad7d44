//! The table of settings.

use provider_core::{ConfigField, FieldKind};

/// The settings of the [`standard`](crate::standard) layers, which every provider of a registry takes beside
/// its own. All of them are optional.
pub static FIELDS: &[ConfigField] = &[
    ConfigField::new("max_attempts", "Attempts", FieldKind::Integer)
        .advanced()
        .default("3")
        .placeholder("3")
        .help("How often a request is tried when it fails in a way that may pass, the first time included. 1: nothing is tried twice.")
        .check(check_count),
    ConfigField::new("retry_time", "Retry Time", FieldKind::Duration)
        .advanced()
        .default("60")
        .placeholder("60")
        .help("How many seconds after its beginning a request may be tried again. Waits that the service asks for are not counted."),
    ConfigField::new("max_retry_after", "Longest Retry-After", FieldKind::Duration)
        .advanced()
        .default("300")
        .placeholder("300")
        .help("How many seconds are waited at most where the service says how long to wait before another attempt."),
    ConfigField::new("first_output_timeout", "First Output Timeout", FieldKind::Duration)
        .advanced()
        .default("300")
        .placeholder("300")
        .help("How many seconds a streamed answer may take to begin. Signs of life of the service do not count."),
    ConfigField::new("idle_timeout", "Idle Timeout", FieldKind::Duration)
        .advanced()
        .default("120")
        .placeholder("120")
        .help("How many seconds nothing may come of a streamed answer that has begun. Signs of life of the service do not count."),
    ConfigField::new("deadline", "Deadline", FieldKind::Duration)
        .advanced()
        .default("3600")
        .placeholder("3600")
        .help("How many seconds a request may take, all attempts and the whole answer together."),
    ConfigField::new("max_concurrency", "Concurrent Requests", FieldKind::Integer)
        .advanced()
        .placeholder("16")
        .help("How many requests may be under way at the same time; the others wait. Empty: any number.")
        .check(check_count),
    ConfigField::new("requests_per_second", "Requests per Second", FieldKind::Number)
        .advanced()
        .placeholder("2.5")
        .help("How many requests may begin per second; the others wait. Empty: any number.")
        .check(check_rate),
    ConfigField::new("breaker_failures", "Failures until Pause", FieldKind::Integer)
        .advanced()
        .default("5")
        .placeholder("5")
        .help("After how many failed requests in a row a model is left alone for a while. 0: never.")
        .check(check_failures),
    ConfigField::new("trace_content", "Trace Prompts and Answers", FieldKind::Bool)
        .advanced()
        .help("Whether traces hold what users ask and models answer."),
];

fn check_failures(count: &str) -> Result<(), String> {
    let what = || format!("must be a whole number from 0 to {}", u32::MAX);
    count.parse::<u32>().map(drop).map_err(|_| what())
}

fn check_count(count: &str) -> Result<(), String> {
    match count.parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err(format!("must be a whole number from 1 to {}", u32::MAX)),
    }
}

fn check_rate(rate: &str) -> Result<(), String> {
    match rate.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(()),
        _ => Err("must be a number above 0, such as 2.5".to_owned()),
    }
}
