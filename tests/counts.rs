//! Work from memory, again and again, for those who count instructions: the parts of a request that are not
//! the stream. What it costs is the difference between two numbers of rounds; `.ci/counts` prints it.
//!
//!     cargo build --release --package provider-tests --example counts
//!     valgrind --tool=callgrind target/release/examples/counts whole bare 1000
//!
//! * `whole`: a whole answer of 540 letters, with usage and cost.
//! * `short`: a stream of 20 words.
//! * `catalogue`: a list of 400 models.
//!
//! `bare` is the provider alone, `standard` the same with the layers that a registry puts around it, and
//! `serde` is one borrowed decode of the same JSON by `serde_json`, which keeps nothing.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it fails by panicking, and tells what it found"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use provider_core::LlmProvider;
use provider_tests::{Answers, request};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Builder;

/// The words of the stream.
const WORDS: usize = 20;
/// The models of the catalogue.
const MODELS: usize = 400;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [work, client, rounds] = words.as_slice() else { panic!("WORK CLIENT ROUNDS") };
    let rounds: usize = rounds.parse().expect("a number of rounds");
    let answers = match work.as_str() {
        "whole" => Answers::whole(),
        "short" => Answers::stream(WORDS),
        "catalogue" => Answers::models(MODELS),
        other => panic!("there is no work {other}; there is whole, short, catalogue"),
    };
    let provider: Arc<dyn LlmProvider> = match client.as_str() {
        "bare" => Arc::new(answers.openrouter()),
        "standard" => answers.standard(),
        "serde" => {
            let json = [answers.whole_json(), answers.models_json()].concat();
            return (0..rounds).for_each(|_| read_with_serde(work, &json));
        }
        other => panic!("there is no client {other}; there is bare, standard, serde"),
    };
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let request = request();
    runtime.block_on(async {
        for _ in 0..rounds {
            match work.as_str() {
                "whole" => drop(black_box(provider.chat(&request).await.expect("an answer"))),
                "short" => {
                    let mut stream = provider.stream(&request).await.expect("a stream");
                    while let Some(event) = stream.next().await {
                        black_box(event.expect("an event"));
                    }
                    black_box(stream.into_response().expect("an answer"));
                }
                _ => drop(black_box(provider.models().await.expect("a catalogue"))),
            }
        }
    });
}

/// Reads a whole answer or a catalogue with `serde_json`.
fn read_with_serde(work: &str, json: &str) {
    match work {
        "catalogue" => drop(black_box(serde_json::from_str::<Models<'_>>(json).expect("JSON"))),
        _ => drop(black_box(serde_json::from_str::<Whole<'_>>(json).expect("JSON"))),
    }
}

/// A whole answer with what callers look at.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is the work")]
struct Whole<'a> {
    id: &'a str,
    model: &'a str,
    created: u64,
    choices: Vec<Choice>,
    usage: BTreeMap<&'a str, &'a RawValue>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is the work")]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is the work")]
struct Message {
    content: Option<String>,
    reasoning: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is the work")]
struct Models<'a> {
    #[serde(borrow)]
    data: Vec<Model<'a>>,
}

/// A model with what a selector needs; prices are kept as texts.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding them is the work")]
struct Model<'a> {
    id: String,
    name: String,
    description: Option<String>,
    created: u64,
    context_length: Option<u64>,
    #[serde(borrow)]
    architecture: BTreeMap<&'a str, &'a RawValue>,
    pricing: BTreeMap<&'a str, String>,
    supported_parameters: Vec<String>,
}
