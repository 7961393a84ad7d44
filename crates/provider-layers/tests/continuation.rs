//! Which broken answers are gone on with, by whom, and what answer, events and errors say of it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use provider_core::{
    ChatRequest, DetailValue, Error, ErrorKind, Event, LlmProvider, Message, ReasoningDetail, ResponseFormat,
    RetryAdvice, TimeoutPhase, Tool, ToolChoice, Usage,
};
use provider_layers::{
    ContinueLayer, ContinueSettings, FallbackLayer, FallbackSettings, Layer, LimitLayer, LimitSettings,
    RetryLayer, RetrySettings, Stack, TimeoutLayer, TimeoutSettings,
};
use provider_testing::{ScriptedProvider, Turn};

use support::{ACME, Listed, OTHER, both_ways, catalogue, story};

fn hello() -> ChatRequest {
    ChatRequest::new("a").user("Hello")
}

fn acme(turns: impl IntoIterator<Item = Turn>) -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::new(turns).with_descriptor(&ACME))
}

fn other(turns: impl IntoIterator<Item = Turn>) -> Arc<ScriptedProvider> {
    Arc::new(ScriptedProvider::new(turns).with_descriptor(&OTHER))
}

fn around(provider: &Arc<ScriptedProvider>, settings: ContinueSettings) -> Arc<dyn LlmProvider> {
    ContinueLayer::new(settings).layer(provider.clone())
}

fn usage(completion: u64) -> Usage {
    let mut usage = Usage::default();
    usage.completion_tokens = Some(completion);
    usage.cost = Some("0.01".parse().unwrap());
    usage
}

/// The text of a request's last message, if it is the assistant's.
fn prefix(request: &ChatRequest) -> Option<&str> {
    match request.messages.last() {
        Some(Message::Assistant(begun)) => Some(&begun.text),
        _ => None,
    }
}

/// The events of a stream: texts as they are, and `|` for a seam.
async fn events(provider: &dyn LlmProvider, request: &ChatRequest) -> Vec<String> {
    let mut stream = provider.stream(request).await.expect("a stream");
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(Event::Text(text)) => events.push(text.to_string()),
            Ok(Event::Reasoning(text)) => events.push(format!("({})", &*text)),
            Ok(Event::Seam(seam)) => events.push(format!("|{} {}", seam.at, seam.model)),
            Ok(Event::Finished(_)) => events.push("end".to_owned()),
            Ok(other) => events.push(format!("{other:?}")),
            Err(error) => events.push(error.kind().to_string()),
        }
    }
    events
}

#[tokio::test]
async fn broken_answer_goes_on_with_the_same_model() {
    let broken = || Turn::new().reasoning("Hm.").text("Hel").text("lo, ").usage(usage(3)).breaks_off();
    let rest = || Turn::new().reasoning("So.").text("world").usage(usage(2)).finish("stop");
    let provider = acme([broken(), rest(), broken(), rest()]);
    for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
        let reply = outcome.expect(way);
        assert_eq!(reply.text(), "Hello, world", "{way}");
        assert_eq!(reply.reasoning(), "So.", "{way}: thoughts are those of the last part");
        assert_eq!(story(&reply.attempts), [("acme", "a", ErrorKind::Interrupted)], "{way}");
        let first = reply.attempts[0].partial().expect("the part");
        assert_eq!((first.text(), &*first.reasoning()), ("Hello, ", "Hm."), "{way}");
        assert_eq!((&*reply.requested, reply.message.made_by.as_deref()), ("a", Some("a")), "{way}");
        assert_eq!(reply.finish_reason.as_ref().map(ToString::to_string).as_deref(), Some("stop"), "{way}");
        let [seam] = &*reply.seams else { panic!("{way}: {:?}", reply.seams) };
        assert_eq!((seam.at, &*seam.model, seam.repeated), (7, "a", 0), "{way}");
        assert_eq!(
            (seam.provider.as_deref(), seam.broken_by),
            (Some("acme"), ErrorKind::Interrupted),
            "{way}"
        );
        assert_eq!(reply.usage.completion_tokens, Some(5), "{way}");
        assert_eq!(reply.usage.cost, Some("0.02".parse().unwrap()), "{way}");
        assert_eq!(seam.usage.completion_tokens, Some(3), "{way}");
        assert!(reply.is_usage_complete(), "{way}");
    }
    let requests = provider.requests();
    // Services refuse white space at the end of a prefix.
    let prefixes: Vec<_> = requests.iter().map(prefix).collect();
    assert_eq!(prefixes, [None, Some("Hello,"), None, Some("Hello,")]);
    assert_eq!(requests[1].messages.len(), 2);
}

#[tokio::test]
async fn seam_stands_between_the_parts() {
    let provider = acme([
        Turn::new().text("Hel").text("lo").breaks_off(),
        Turn::new().text(", ").breaks_off(),
        Turn::says("world"),
    ]);
    let layered = around(&provider, ContinueSettings::default());
    assert_eq!(events(&*layered, &hello()).await, ["Hel", "lo", "|5 a", ", ", "|7 a", "world", "end"]);
    let prefixes: Vec<_> =
        provider.requests().iter().map(|request| prefix(request).map(str::to_owned)).collect();
    assert_eq!(prefixes, [None, Some("Hello".to_owned()), Some("Hello,".to_owned())]);
}

#[tokio::test]
async fn usage_of_a_silent_part_is_told_as_unknown() {
    let turns = || {
        [
            Turn::new().text("One, ").breaks_off(),
            Turn::new().text("two, ").usage(usage(2)).breaks_off(),
            Turn::new().text("three").usage(usage(3)).finish("stop"),
        ]
    };
    let provider = acme(turns().into_iter().chain(turns()));
    for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
        let reply = outcome.expect(way);
        assert_eq!(reply.text(), "One, two, three", "{way}");
        let parts: Vec<_> = reply.seams.iter().map(|seam| (seam.at, seam.usage.completion_tokens)).collect();
        assert_eq!(parts, [(5, None), (10, Some(2))], "{way}");
        assert_eq!(reply.usage.completion_tokens, Some(5), "{way}");
        assert!(!reply.is_usage_complete(), "{way}");
        let partials: Vec<_> =
            reply.attempts.iter().map(|error| error.partial().expect("what came").text()).collect();
        assert_eq!(partials, ["One, ", "One, two, "], "{way}");
    }
}

#[tokio::test]
async fn seams_are_bounded() {
    let turns =
        || ["One, ", "two, ", "three"].map(|text| Turn::new().text(text).usage(usage(1)).breaks_off());
    let provider = acme(turns().into_iter().chain(turns()));
    for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
        let error = outcome.expect_err(way);
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{way}");
        assert!(error.message().contains("max_seams"), "{way}: {error}");
        let partial = error.partial().expect("what came");
        assert_eq!((partial.text(), partial.seams.len()), ("One, two, three", 2), "{way}");
        assert_eq!(partial.usage.completion_tokens, Some(3), "{way}");
        assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Interrupted); 2], "{way}");
    }
    assert_eq!(provider.requests().len(), 6);
}

#[tokio::test]
async fn next_model_goes_on_where_the_same_one_does_not() {
    let broken = || Turn::new().text("Hello, ").breaks_off();
    let acme = acme([broken(), Turn::fails(ErrorKind::Server), broken(), Turn::fails(ErrorKind::Server)]);
    let other = other([Turn::says("world")]);
    let settings = ContinueSettings::default().to(other.clone(), "b").allow_paid();
    for (way, outcome) in both_ways(&*around(&acme, settings), &hello()).await {
        let reply = outcome.expect(way);
        assert_eq!(reply.text(), "Hello, world", "{way}");
        let failed = [("acme", "a", ErrorKind::Interrupted), ("acme", "a", ErrorKind::Server)];
        assert_eq!(story(&reply.attempts), failed, "{way}");
        assert_eq!((&*reply.requested, reply.message.made_by.as_deref()), ("a", Some("b")), "{way}");
        let seam = reply.seams.first().expect("a seam");
        assert_eq!((seam.provider.as_deref(), &*seam.model), (Some("other"), "b"), "{way}");
    }
    assert_eq!(other.requests().len(), 2);
}

#[tokio::test]
async fn other_models_only_passes_the_same_one_by() {
    let acme = acme([Turn::new().text("Hello, ").breaks_off()]);
    let other = other([Turn::new().text("wor").breaks_off(), Turn::says("ld")]);
    let settings =
        ContinueSettings::default().other_models_only().to(other.clone(), "b").to(other.clone(), "c");
    let reply = around(&acme, settings.allow_paid()).chat(&hello()).await.expect("an answer");
    assert_eq!(reply.text(), "Hello, world");
    let models: Vec<String> = other.requests().into_iter().map(|request| request.model).collect();
    assert_eq!((acme.requests().len(), models), (1, vec!["b".to_owned(), "c".to_owned()]));
}

#[tokio::test]
async fn model_that_has_broken_off_twice_is_passed_by() {
    let acme = acme(["Hel", "lo, "].map(|text| Turn::new().text(text).breaks_off()));
    let other = other([Turn::says("world")]);
    let settings = ContinueSettings::default().to(other, "b").allow_paid();
    let reply = around(&acme, settings).chat(&hello()).await.expect("an answer");
    assert_eq!(reply.text(), "Hello, world");
    assert_eq!(reply.seams.iter().map(|seam| &*seam.model).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn model_that_is_to_rest_is_passed_by() {
    let limited = Error::new(ErrorKind::RateLimited, "slow down")
        .with_retry(RetryAdvice::After(Duration::from_secs(30)));
    let broken = || Turn::new().text("Hello, ").breaks_with(limited.clone());
    let acme = acme([broken()]);
    let other = other([Turn::says("world")]);
    let settings = ContinueSettings::default().to(other, "b").allow_paid();
    let reply = around(&acme, settings).chat(&hello()).await.expect("an answer");
    assert_eq!((reply.text(), acme.requests().len()), ("Hello, world", 1));

    let alone = around(&acme, ContinueSettings::default()).chat(&hello()).await.expect_err("no model left");
    assert_eq!(
        (alone.kind(), alone.retry().after()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(30)))
    );
    assert!(alone.message().contains("no model is left"), "{alone}");
    assert_eq!(acme.requests().len(), 2);
}

#[tokio::test]
async fn free_answer_is_not_gone_on_with_by_a_billed_model() {
    let lists = || Ok(catalogue(&[("a", Listed::Free), ("b", Listed::Paid), ("c", Listed::Free)]));
    let make = || {
        let acme = ScriptedProvider::new([Turn::new().text("Hello, ").breaks_off()]);
        let other = ScriptedProvider::new([Turn::says("world")]);
        let (acme, other) = (acme.with_catalogue(lists()), other.with_catalogue(lists()));
        (Arc::new(acme.with_descriptor(&ACME)), Arc::new(other.with_descriptor(&OTHER)))
    };
    let to = |other: &Arc<ScriptedProvider>, model: &str| {
        ContinueSettings::default().other_models_only().to(other.clone(), model)
    };
    let (acme, other) = make();
    for (way, outcome) in both_ways(&*around(&acme, to(&other, "b")), &hello()).await {
        let error = outcome.expect_err(way);
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{way}");
        assert!(error.message().contains("no continuation to \"b\""), "{way}: {error}");
        assert!(error.next_step().is_some_and(|step| step.contains("ContinueSettings::allow_paid")), "{way}");
        assert_eq!(other.requests().len(), 0, "{way}");
    }
    for settings in [to(&other, "b").allow_paid(), to(&other, "b").to(other.clone(), "c")] {
        let reply = around(&acme, settings).chat(&hello()).await.expect("an answer");
        assert_eq!(reply.text(), "Hello, world");
    }
}

#[tokio::test]
async fn refused_continuation_ends_in_the_error_of_the_broken_answer() {
    let broken = || Turn::new().text("Hello, ").breaks_off();
    let refusal = || Turn::refuses(Error::new(ErrorKind::InvalidRequest, "no prefill here"));
    let provider = acme([broken(), refusal(), broken(), refusal()]);
    for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
        let error = outcome.expect_err(way);
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{way}");
        assert!(error.message().contains("no prefill here"), "{way}: {error}");
        assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::InvalidRequest)], "{way}");
        assert_eq!(error.partial().map(|partial| partial.text()), Some("Hello, "), "{way}");
    }
}

#[tokio::test]
async fn error_before_any_text_is_returned_as_it_is() {
    let turns = [
        Turn::fails(ErrorKind::Server),
        Turn::new().breaks_off(),
        Turn::new().reasoning("Hm.").breaks_off(),
        Turn::new().text(" \n").breaks_off(),
    ];
    for turn in turns {
        let provider = acme([turn.clone()]);
        let direct = both_ways(&*provider, &hello()).await;
        let layered = both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await;
        for ((way, direct), (_, layered)) in direct.into_iter().zip(layered) {
            let (direct, layered) = (direct.expect_err(way), layered.expect_err(way));
            assert_eq!(
                (direct.kind(), direct.message()),
                (layered.kind(), layered.message()),
                "{way} {turn:?}"
            );
        }
        assert_eq!(provider.requests().len(), 4, "{turn:?}");
    }
}

#[tokio::test]
async fn answers_that_are_more_than_text_are_not_gone_on_with() {
    let signed = || {
        let mut detail = ReasoningDetail::new();
        detail.set("type", DetailValue::Text("reasoning.text".to_owned()));
        detail.set("signature", DetailValue::Text("c2ln".to_owned()));
        detail
    };
    let broken = || Turn::new().text("Hello");
    let unfit_answers = [
        (broken().tool_call("get_time", "{\"ci").breaks_off(), "tool calls"),
        (broken().refusal("I will not").breaks_off(), "not text alone"),
        (broken().apply(move |answer| answer.reasoning_details_mut().push(signed())).breaks_off(), "signed"),
        (
            broken()
                .apply(|answer| answer.set_finish_reason("length"))
                .breaks_with(Error::new(ErrorKind::Connection, "gone")),
            "finished",
        ),
    ];
    for (turn, why) in unfit_answers {
        let provider = acme([turn]);
        for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
            let error = outcome.expect_err(way);
            assert!(error.message().contains("not continued") && error.message().contains(why), "{error}");
        }
        assert_eq!(provider.requests().len(), 2, "{why}");
    }
}

#[tokio::test]
async fn requests_for_more_than_text_are_not_gone_on_with() {
    let mut detail = ReasoningDetail::new();
    detail.set("type", DetailValue::Text("reasoning.encrypted".to_owned()));
    let mut turn = provider_core::AssistantMessage::default();
    turn.reasoning_details = Some(vec![detail]);
    let in_loop = hello().message(turn.clone()).tool_result("call_1", "noon");
    let unfit = [
        (hello().response_format(ResponseFormat::JsonObject), "structured"),
        (hello().tool_choice(ToolChoice::Required), "tool call"),
        (in_loop.clone(), "signed"),
        (hello().modalities(["text", "image"]), "more than text"),
    ];
    for (request, why) in unfit {
        let provider = acme([Turn::new().text("{").breaks_off()]);
        for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &request).await {
            let error = outcome.expect_err(way);
            assert!(error.message().contains("not continued") && error.message().contains(why), "{error}");
        }
        assert_eq!(provider.requests().len(), 2, "{why}");
    }
    let fits = [
        hello().response_format(ResponseFormat::Text),
        hello().modalities(["text"]),
        hello().tool(Tool::function("get_time", "The time", serde_json::json!({}))),
        in_loop.user("Thanks. And now?"),
    ];
    for request in fits {
        let provider = acme([Turn::new().text("Hel").breaks_off(), Turn::says("lo")]);
        let reply = around(&provider, ContinueSettings::default()).chat(&request).await.expect("an answer");
        assert_eq!(reply.text(), "Hello");
    }
}

#[tokio::test]
async fn errors_of_other_kinds_are_returned_as_they_are() {
    for kind in [ErrorKind::ContentPolicy, ErrorKind::InvalidResponse, ErrorKind::PaymentRequired] {
        let provider = acme([Turn::new().text("Hello").breaks_with(Error::new(kind, "no"))]);
        for (way, outcome) in both_ways(&*around(&provider, ContinueSettings::default()), &hello()).await {
            let error = outcome.expect_err(way);
            assert_eq!((error.kind(), error.message()), (kind, "no"), "{way}");
        }
        assert_eq!(provider.requests().len(), 2);
    }
}

#[tokio::test]
async fn callers_own_prefix_stays_in_front() {
    let provider = acme([Turn::new().text("llo, ").breaks_off(), Turn::says("world")]);
    let request = hello().assistant("He");
    let reply = around(&provider, ContinueSettings::default()).chat(&request).await.expect("an answer");
    assert_eq!(reply.text(), "llo, world");
    assert_eq!(provider.requests().iter().map(prefix).collect::<Vec<_>>(), [Some("He"), Some("Hello,")]);
}

#[tokio::test]
async fn repeated_text_is_cut_where_it_is_exact_and_long() {
    const SKY: &str = "The sky is blue, because the air scatters short waves";
    let pieces = |text: &str| {
        let pieces = text.as_bytes().chunks(5).map(|piece| std::str::from_utf8(piece).unwrap().to_owned());
        pieces.fold(Turn::new(), Turn::text).finish("stop")
    };
    let again = format!("{SKY} more.");
    let cases = [
        (&*again, format!("{SKY} more."), SKY.len()),
        (&again[10..], format!("{SKY} more."), SKY.len() - 10),
        (&again[30..], format!("{SKY}{}", &again[30..]), 0),
    ];
    for (rest, text, repeated) in cases {
        let broken = || Turn::new().text(SKY).breaks_off();
        let provider = acme([broken(), pieces(rest), broken(), pieces(rest)]);
        let layered = around(&provider, ContinueSettings::default());
        for (way, outcome) in both_ways(&*layered, &hello()).await {
            let reply = outcome.expect(way);
            assert_eq!(reply.text(), text, "{way}");
            assert_eq!(reply.seams[0].repeated, repeated, "{way}");
        }
        let provider = acme([broken(), pieces(rest)]);
        let shown = events(&*around(&provider, ContinueSettings::default()), &hello()).await;
        let shown: String =
            shown.iter().filter(|event| !event.starts_with('|') && *event != "end").cloned().collect();
        assert_eq!(shown, text, "events and answer agree");
    }
}

#[tokio::test]
async fn rest_may_call_tools() {
    let rest = Turn::new().text(" look.").tool_call("get_time", "{}").finish("tool_calls");
    let provider = acme([Turn::new().text("Let me").breaks_off(), rest]);
    let stream = around(&provider, ContinueSettings::default()).stream(&hello()).await.expect("a stream");
    let reply = stream.collect().await.expect("an answer");
    assert_eq!(reply.text(), "Let me look.");
    let calls: Vec<_> = reply.tool_calls().iter().map(|call| (&*call.id, &*call.name)).collect();
    assert_eq!(calls, [("call_2_0", "get_time")]);
}

#[tokio::test]
async fn layer_that_is_off_is_the_provider() {
    let provider: Arc<dyn LlmProvider> = acme([]);
    let off = [
        ContinueSettings::off(),
        ContinueSettings::default().budget_capacity(0),
        ContinueSettings::default().other_models_only(),
    ];
    for settings in off {
        let layered = ContinueLayer::new(settings.clone()).layer(provider.clone());
        assert!(Arc::ptr_eq(&layered, &provider), "{settings:?}");
    }
}

#[tokio::test]
async fn budget_is_shared_by_all_calls_of_a_layer() {
    let provider = acme([Turn::new().text("Hello").breaks_off()]);
    let settings = ContinueSettings::default().max_seams(1).budget_capacity(2).budget_deposit(0.0);
    let layer = ContinueLayer::new(settings);
    let (one, other) = (layer.layer(provider.clone()), layer.clone().layer(provider.clone()));
    for (layered, has_budget) in [(&one, true), (&other, true), (&one, false)] {
        let before = provider.requests().len();
        let error = layered.chat(&hello()).await.expect_err("broken");
        assert_eq!(error.message().contains("too many answers"), !has_budget, "{error}");
        assert_eq!(provider.requests().len() - before, 1 + usize::from(has_budget));
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_bounds_all_parts_together() {
    let slow = |text: &str| Turn::new().text(text).wait(Duration::from_secs(6));
    let turns = || [slow("Hello, ").breaks_off(), slow("world").finish("stop")];
    let provider = acme(turns().into_iter().chain(turns()));
    let layered = around(&provider, ContinueSettings::default().deadline(Duration::from_secs(10)));
    for (way, outcome) in both_ways(&*layered, &hello()).await {
        let error = outcome.expect_err(way);
        assert_eq!(error.timeout(), Some(TimeoutPhase::Deadline), "{way}: {error}");
        assert_eq!((error.provider(), error.model()), (Some("acme"), Some("a")), "{way}");
        assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Interrupted)], "{way}");
        let text = error.partial().expect("what came").text();
        assert!(text.starts_with("Hello, "), "{way}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_ends_the_wait_for_the_next_part() {
    let provider =
        acme([Turn::new().text("Hello, ").breaks_off(), Turn::new().accepts_after(Duration::from_secs(60))]);
    let layered = around(&provider, ContinueSettings::default().deadline(Duration::from_secs(10)));
    let error = layered.stream(&hello()).await.expect("a stream").collect().await.expect_err("late");
    assert_eq!(error.timeout(), Some(TimeoutPhase::Deadline));
    assert_eq!(story(error.attempts()), [("acme", "a", ErrorKind::Interrupted)]);
    assert_eq!(error.partial().map(|partial| partial.text()), Some("Hello, "));
    assert_eq!(provider.open(), 0, "the request for the next part is dropped");
}

#[tokio::test(start_paused = true)]
async fn deadline_of_the_retries_inside_is_the_end() {
    let provider = acme([Turn::new().text("Hello").stalls(), Turn::says(", world")]);
    let retry = RetrySettings::default().deadline(Duration::from_secs(5));
    let layered = Stack::new(provider.clone())
        .layer(RetryLayer::new(retry))
        .layer(ContinueLayer::new(ContinueSettings::default()))
        .build();
    let error = layered.stream(&hello()).await.expect("a stream").collect().await.expect_err("late");
    assert_eq!(error.timeout(), Some(TimeoutPhase::Deadline));
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn layers_inside_see_a_call_for_each_part() {
    // One permit: the next part gets it only if the broken one has given it back.
    let provider =
        acme([Turn::new().text("Hello, ").stalls(), Turn::fails(ErrorKind::Overloaded), Turn::says("world")]);
    let layered = Stack::new(provider.clone())
        .layer(TimeoutLayer::new(TimeoutSettings::default().idle(Duration::from_secs(5))))
        .layer(LimitLayer::new(LimitSettings::off().max_concurrency(1)))
        .layer(RetryLayer::new(RetrySettings::default()))
        .layer(ContinueLayer::new(ContinueSettings::default()))
        .build();
    let reply = layered.stream(&hello()).await.expect("a stream").collect().await.expect("an answer");
    assert_eq!(reply.text(), "Hello, world");
    let failed = [("acme", "a", ErrorKind::Timeout), ("acme", "a", ErrorKind::Overloaded)];
    assert_eq!(story(&reply.attempts), failed);
    assert_eq!((provider.most_open(), provider.open()), (1, 0));
}

#[tokio::test]
async fn fallback_inside_answers_for_the_next_part_as_well() {
    let acme = acme([Turn::new().text("Hello, ").breaks_off(), Turn::fails(ErrorKind::Server)]);
    let other = other([Turn::says("world")]);
    let fallback = FallbackSettings::default().to(other, "b").allow_paid();
    let layered = Stack::new(acme)
        .layer(FallbackLayer::new(fallback))
        .layer(ContinueLayer::new(ContinueSettings::default()))
        .build();
    let reply = layered.stream(&hello()).await.expect("a stream").collect().await.expect("an answer");
    assert_eq!((reply.text(), &*reply.requested), ("Hello, world", "a"));
    let failed = [("acme", "a", ErrorKind::Interrupted), ("acme", "a", ErrorKind::Server)];
    assert_eq!(story(&reply.attempts), failed);
    assert_eq!(reply.seams[0].model, "b");
}

#[tokio::test]
async fn dropping_the_stream_closes_the_part_under_way() {
    let provider = acme([Turn::new().text("Hello, ").breaks_off(), Turn::new().text("world").stalls()]);
    let layered = around(&provider, ContinueSettings::default());
    let mut stream = layered.stream(&hello()).await.expect("a stream");
    while !matches!(stream.next().await, Some(Ok(Event::Text(text))) if &*text == "world") {}
    assert_eq!(stream.so_far().text(), "Hello, world");
    assert_eq!((provider.requests().len(), provider.open()), (2, 1));
    let error = stream.into_response().expect_err("not read to its end");
    assert_eq!(error.partial().map(|partial| partial.text()), Some("Hello, world"));
    assert_eq!(provider.open(), 0);
}
