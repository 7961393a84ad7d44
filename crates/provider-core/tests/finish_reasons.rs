//! Why a model stopped, in the words of many services.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use provider_core::author::ResponseAccumulator;
use provider_core::{ChatResponse, Error, ErrorKind, FinishReason};

fn answer(finish: &[&str], native: &str) -> Result<ChatResponse, Error> {
    let mut accumulator = ResponseAccumulator::without_events();
    accumulator.push_text("Once upon");
    for reason in finish {
        accumulator.set_finish_reason(reason);
    }
    accumulator.set_native_finish_reason(native);
    accumulator.finish()
}

#[test]
fn reasons_are_known_by_their_meaning_and_stay_as_they_came() {
    use FinishReason::*;
    for (meaning, words) in [
        (
            Stop,
            &["stop", "STOP", "end_turn", "stop_sequence", "eos", "eos_token", "completed", "COMPLETE"][..],
        ),
        (Length, &["length", "max_tokens", "MAX_TOKENS", "max_output_tokens", "model_length"]),
        (ToolCalls, &["tool_calls", "tool_use", "function_call", "TOOL_CALL"]),
        (ContentFilter, &["content_filter", "content_filtered", "SAFETY", "guardrail_intervened", "refusal"]),
        (Stop, &["FINISH_REASON_STOP"]),
        (
            Length,
            &["max_new_tokens", "max_tokens_reached", "token_limit_reached", "FINISH_REASON_MAX_TOKENS"],
        ),
        (ContentFilter, &["FINISH_REASON_SAFETY"]),
    ] {
        for word in words {
            let reply = answer(&[word], "").expect("an answer");
            let reason = reply.finish_reason.as_ref().expect("a reason");
            assert_eq!(reason.meaning(), &meaning, "{word}");
            assert_eq!(reply.is_truncated(), meaning == Length, "{word}");
            assert_eq!(reply.is_filtered(), meaning == ContentFilter, "{word}");
            assert_eq!((reason.as_str(), reason.to_string()), (*word, (*word).to_owned()));
            assert_eq!(serde_json::to_value(reason).expect("JSON"), *word);
            // The upstream's own word counts where the service says something else.
            let native = answer(&["tool_calls"], word).expect("an answer");
            assert_eq!(native.is_truncated(), meaning == Length, "{word}");
            assert_eq!(native.is_filtered(), meaning == ContentFilter, "{word}");
        }
    }
    let odd = FinishReason::from("tired");
    assert_eq!((odd.meaning(), odd.as_str()), (&odd, "tired"));
    for word in ["error", "ERROR"] {
        assert_eq!(answer(&[word], "").expect_err("it failed").kind(), ErrorKind::Upstream);
    }
}

#[test]
fn an_empty_reason_is_none() {
    let error = answer(&[""], "").expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(answer(&["stop", ""], "").expect("an answer").finish_reason, Some(FinishReason::Stop));
}

#[test]
fn stop_text_that_was_met_is_in_the_answer_where_it_was_told() {
    let mut accumulator = ResponseAccumulator::without_events();
    accumulator.push_text("1, 2");
    accumulator.set_finish_reason("stop_sequence");
    accumulator.set_stop_sequence(", 3");
    accumulator.set_stop_sequence("");
    let reply = accumulator.finish().expect("an answer");
    assert_eq!((reply.text(), reply.stop_sequence.as_deref()), ("1, 2", Some(", 3")));
    assert_eq!(answer(&["stop"], "").expect("an answer").stop_sequence, None);
}
