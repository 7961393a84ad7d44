use super::*;
use crate::{ChatRequest, Model, Part, PriceOverride, Prices, ProviderJson, RawJson, TimeOfDay};

fn price(text: &str) -> Option<Price> {
    Some(Price::Fixed(text.parse().unwrap()))
}

fn usage(prompt: u64, completion: u64) -> Usage {
    Usage { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Usage::default() }
}

/// Returns the units counted: `prompt 100, completion 10`.
fn lines(cost: &CostEstimate) -> String {
    let lines: Vec<String> = cost.parts.iter().map(|part| format!("{} {}", part.what, part.count)).collect();
    lines.join(", ")
}

fn claude() -> Pricing {
    Pricing {
        prompt: price("0.000003"),
        completion: price("0.000015"),
        input_cache_read: price("0.0000003"),
        input_cache_write: price("0.00000375"),
        web_search: price("0.01"),
        ..Pricing::default()
    }
}

#[test]
fn a_plain_usage_is_exact() {
    let cost = claude().estimate(&usage(1_000, 100), TimeOfDay::NOON);
    assert_eq!((cost.amount.to_string().as_str(), cost.is_complete()), ("0.0045", true));
    assert_eq!(lines(&cost), "prompt 1000, completion 100");
    assert_eq!(cost.to_string(), "about 0.0045 USD (estimate)");
}

#[test]
fn caches_are_taken_off_the_prompt_and_never_below_zero() {
    for (prompt, read, written, amount, counted) in [
        (100, 40, 0, "0.000192", "prompt 60, input_cache_read 40"),
        (100, 40, 50, "0.0002295", "prompt 10, input_cache_read 40, input_cache_write 50"),
        // Seen on Gemini: read and written overlap.
        (2168, 2161, 2161, "0.00875205", "input_cache_read 2161, input_cache_write 2161"),
        (10, 40, 0, "0.000003", "input_cache_read 10"),
    ] {
        let mut usage = usage(prompt, 0);
        usage.cached_tokens = Some(read);
        usage.cache_write_tokens = Some(written);
        let cost = claude().estimate(&usage, TimeOfDay::NOON);
        assert_eq!((cost.amount.to_string().as_str(), lines(&cost).as_str()), (amount, counted));
    }
    let mut uncached = claude();
    uncached.input_cache_read = None;
    let mut usage = usage(100, 0);
    usage.cached_tokens = Some(40);
    assert_eq!(uncached.estimate(&usage, TimeOfDay::NOON).amount, "0.0003".parse().unwrap());
}

#[test]
fn thoughts_cost_what_the_answer_costs_unless_they_have_a_price() {
    let mut usage = usage(0, 10);
    usage.reasoning_tokens = Some(11);
    for (thoughts, counted) in
        [(None, "completion 10"), (price("0"), "completion 10"), (price("0.000003"), "internal_reasoning 10")]
    {
        let pricing = Pricing { internal_reasoning: thoughts, ..claude() };
        assert_eq!(lines(&pricing.estimate(&usage, TimeOfDay::NOON)), counted);
    }
}

#[test]
fn what_stands_beside_the_tokens_is_priced_too() {
    let mut usage = usage(100, 50);
    usage.prompt_audio_tokens = Some(20);
    usage.completion_image_tokens = Some(30);
    usage.web_search_requests = Some(2);
    let mut pricing = Pricing { audio: price("0.00001"), image_output: price("0.00003"), ..claude() };
    let cost = pricing.estimate(&usage, TimeOfDay::NOON);
    assert_eq!(lines(&cost), "prompt 80, audio 20, completion 20, image_output 30, web_search 2");
    assert_eq!(cost.amount, "0.02164".parse().unwrap());
    pricing.web_search = None;
    pricing.request = price("0.005");
    let cost = pricing.estimate(&usage, TimeOfDay::NOON);
    assert_eq!(cost.to_string(), "about 0.00664 USD (estimate, without web_search)");
}

#[test]
fn what_cannot_be_priced_is_named() {
    let router =
        Pricing { prompt: Some(Price::Varies), completion: Some(Price::Varies), ..Pricing::default() };
    let cost = router.estimate(&usage(10, 10), TimeOfDay::NOON);
    assert_eq!(cost.to_string(), "about 0 USD (estimate, without prompt, completion)");
    assert!(!cost.is_complete());
    let cost = claude().estimate(&Usage::default(), TimeOfDay::NOON);
    assert_eq!(cost.unpriced.len(), 2);
    let json = serde_json::to_value(&cost).unwrap();
    assert_eq!((&json["is_estimate"], &json["unpriced"][0]["what"]), (&true.into(), &"prompt".into()));
}

#[test]
fn long_prompts_have_their_own_price() {
    let long = Prices { prompt: price("0.000006"), ..Prices::default() };
    let mut pricing = claude();
    pricing.overrides = vec![PriceOverride::new(long).above_prompt_tokens(1_000)];
    assert_eq!(pricing.estimate(&usage(1_000, 0), TimeOfDay::NOON).amount, "0.003".parse().unwrap());
    assert_eq!(pricing.estimate(&usage(1_001, 0), TimeOfDay::NOON).amount, "0.006006".parse().unwrap());
}

#[test]
fn a_request_is_estimated_before_it_is_sent() {
    let mut model = Model { pricing: claude(), ..Model::default() };
    let request = ChatRequest::new("a/b").user("a".repeat(400)).max_tokens(50);
    let cheaper = model.estimate(&request.clone().service_tier("flex"), TimeOfDay::NOON);
    assert_eq!(cheaper.unpriced.last().map(|unpriced| unpriced.what.as_str()), Some("service_tier"));
    let cost = model.estimate(&request, TimeOfDay::NOON);
    assert_eq!(lines(&cost), "prompt 104, completion 50");
    assert!(cost.is_complete());

    let image: RawJson = r#"{"type":"image_url","image_url":{"url":"x"}}"#.parse().unwrap();
    let image = Part::Other(ProviderJson::new("openai-chat", image));
    let parts = vec![Part::text("東京"), image.clone(), image];
    let request = ChatRequest::new("a/b").user(parts);
    let cost = model.estimate(&request, TimeOfDay::NOON);
    assert_eq!(cost.to_string(), "about 0.000018 USD (estimate, without image, completion)");
    model.max_completion_tokens = Some(1_000);
    assert_eq!(lines(&model.estimate(&request, TimeOfDay::NOON)), "prompt 6, completion 1000");
}
