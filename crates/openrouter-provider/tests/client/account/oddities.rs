//! Answers that are not quite what was agreed: values of the wrong type, missing ones, pages, gateways,
//! records that come late.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fault_server::Script;
use openrouter_provider::{Limits, ModelsQuery};
use provider_core::{ErrorKind, Price, TimeOfDay, TimeOfWeek, Weekday};

use super::{answered, paths, server};
use crate::support::openrouter;

/// The service's answer when there is nothing.
const NOT_FOUND: &str = r#"{"error":{"code":404,"message":"Not Found"}}"#;

#[tokio::test]
async fn all_pages_of_a_catalogue_are_fetched() {
    let server = server(|request| match request.path.as_str() {
        "/models/user" => Script::json(
            200,
            r#"{"data":[{"id":"a/1"}],"total_count":3,"links":{"next":"/api/v1/models?offset=1"}}"#,
        ),
        "/models/user?offset=1" => Script::json(
            200,
            r#"{"data":[{"id":"a/2"},{"name":"no id"},7],"links":{"next":"https://elsewhere.example/api/v1/models?offset=2"}}"#,
        ),
        _ => Script::json(200, r#"{"data":[{"id":"a/3"}],"links":{"next":null}}"#),
    })
    .await;
    let catalogue = openrouter(&server, Limits::default()).models().await.expect("models");
    let ids: Vec<&str> = catalogue.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!((ids, catalogue.total_count), (vec!["a/1", "a/2", "a/3"], Some(3)));
    assert_eq!(paths(&server), ["/models/user", "/models/user?offset=1", "/models/user?offset=2"]);
}

#[tokio::test]
async fn later_pages_keep_the_filters_and_there_is_an_end() {
    let pages = server(|request| match request.path.as_str() {
        "/models?q=a&zdr=true" => {
            Script::json(200, r#"{"data":[{"id":"a/1"}],"links":{"next":"/api/v1/models?offset=1&limit=1"}}"#)
        }
        _ => Script::json(200, r#"{"data":[],"links":{"next":"/api/v1/models?offset=2"}}"#),
    })
    .await;
    let query = ModelsQuery::new().q("a").zdr();
    let catalogue = openrouter(&pages, Limits::default()).search_models(&query).await.expect("models");
    assert_eq!(catalogue.models.len(), 1);
    assert_eq!(paths(&pages), ["/models?q=a&zdr=true", "/models?q=a&zdr=true&offset=1&limit=1"]);

    let (endless, client) =
        answered(r#"{"data":[{"id":"a/1"}],"links":{"next":"/api/v1/models?offset=1"}}"#).await;
    let error = client.search_models(&ModelsQuery::new()).await.expect_err("no end");
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert_eq!(endless.requests().len(), 100);
}

#[tokio::test]
async fn a_gateway_without_a_list_of_the_key_has_the_public_one() {
    for (status, body) in [(404, NOT_FOUND), (404, "<html>nothing</html>"), (405, ""), (404, "")] {
        let server = server(move |request| match request.path.as_str() {
            "/models/user" => Script::json(status, body),
            _ => Script::json(200, r#"{"data":[{"id":"a/b"}]}"#),
        })
        .await;
        let catalogue = openrouter(&server, Limits::default()).models().await.expect("models");
        assert_eq!(catalogue.models[0].id, "a/b");
        assert_eq!(paths(&server), ["/models/user", "/models"]);
    }
    for status in [400, 401, 403, 429, 500] {
        let server = server(move |_| Script::json(status, r#"{"error":{"message":"no"}}"#)).await;
        openrouter(&server, Limits::default()).models().await.expect_err("no list");
        assert_eq!(paths(&server), ["/models/user"], "{status} is no reason to ask elsewhere");
    }
}

#[tokio::test]
async fn a_record_is_waited_for_and_not_for_ever() {
    for (late, tries, found) in [(0, 1, true), (1, 2, true), (4, 5, true), (5, 5, false)] {
        let asked = AtomicUsize::new(0);
        let server = server(move |_| match asked.fetch_add(1, Ordering::SeqCst) < late {
            true => Script::json(404, r#"{"error":{"code":404,"message":"Generation gen-1 not found"}}"#),
            false => Script::json(200, r#"{"data":{"id":"gen-1","total_cost":"0.5"}}"#),
        })
        .await;
        let client = openrouter(&server, Limits::default().generation_wait(Duration::from_millis(15)));
        match client.generation("gen-1").await {
            Ok(record) => assert!(found && record.total_cost == "0.5".parse().ok()),
            Err(error) => {
                assert_eq!((found, error.kind(), error.status()), (false, ErrorKind::NotFound, Some(404)));
                assert!(error.message().contains("Generation gen-1 not found"), "{error}");
                assert_eq!(error.generation_id(), Some("gen-1"));
            }
        }
        assert_eq!(server.requests().len(), tries);
        assert!(paths(&server).iter().all(|path| path == "/generation?id=gen-1"));
    }
    let refusing = server(|_| Script::json(401, r#"{"error":{"code":401,"message":"no"}}"#)).await;
    let client = openrouter(&refusing, Limits::default());
    assert_eq!(client.generation("gen&a=b").await.expect_err("a bad key").kind(), ErrorKind::Authentication);
    assert_eq!(paths(&refusing), ["/generation?id=gen%26a%3Db"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_says_what_it_was() {
    let bodies = [
        ("", ErrorKind::InvalidResponse),
        ("[]", ErrorKind::InvalidResponse),
        ("null", ErrorKind::InvalidResponse),
        ("{}", ErrorKind::InvalidResponse),
        (r#"{"data":null}"#, ErrorKind::InvalidResponse),
        (r#"{"data":7}"#, ErrorKind::InvalidResponse),
        ("<html>login</html>", ErrorKind::InvalidResponse),
        (r#"{"error":{"code":429,"message":"slow down"}}"#, ErrorKind::RateLimited),
        (r#"{"data":null,"error":{"code":401,"message":"no"}}"#, ErrorKind::Authentication),
    ];
    for (body, kind) in bodies {
        let (_server, client) = answered(body).await;
        for (what, error) in [
            ("models", client.models().await.map(drop)),
            ("search_models", client.search_models(&ModelsQuery::new()).await.map(drop)),
            ("models_count", client.models_count().await.map(drop)),
            ("model", client.model("a/b").await.map(drop)),
            ("endpoints", client.endpoints("a/b").await.map(drop)),
            ("zdr_endpoints", client.zdr_endpoints().await.map(drop)),
            ("providers", client.providers().await.map(drop)),
            ("key", client.key().await.map(drop)),
            ("check", client.check().await.map(drop)),
            ("credits", client.credits().await.map(drop)),
            ("generation", client.generation("gen-1").await.map(drop)),
        ] {
            let error = error.expect_err(what);
            assert_eq!(
                (error.kind(), error.provider()),
                (kind, Some("openrouter")),
                "{what} {body:?}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_cost_only_themselves() {
    let row = r#"{"id":"a/b","name":7,"created":"1692901234","context_length":{},"architecture":"text->text",
        "top_provider":null,"per_request_limits":[],"supported_parameters":["tools",null,3,{"a":1}],
        "default_parameters":{"temperature":"0.7","top_k":null,"top_p":true},"supported_voices":"alloy",
        "reasoning":{"mandatory":"yes","supported_efforts":["high","hyper",null],"default_effort":"none"},
        "pricing":{"prompt":2.5e-6,"completion":"free","image":null,"discount":"0.5",
          "overrides":[{"min_prompt_tokens":"many","prompt":"9"},{"utc_start":2560,"prompt":"9"},7,
            {"min_prompt_tokens":1e2,"prompt":"0.000005","new_price":"1"},{"min_images":1,"prompt":"9"},
            {"utc_start":2200,"utc_end":"0400","prompt":0.000001},
            {"utc_days":[],"prompt":"9"},{"utc_days":["doomsday"],"prompt":"9"},{"utc_days":7,"prompt":"9"},
            {"utc_days":["Sunday","doomsday"],"utc_end":100,"prompt":"0.000002"}]},
        "expiration_date":false,"knowledge_cutoff":"","alias_target":"x","links":[],"benchmarks":{"x":1},"é":"\u00e9"}"#;
    let (_server, client) = answered(&format!(r#"{{"data":{row}}}"#)).await;
    let model = client.model("a/b").await.expect("a model");
    assert_eq!((model.id.as_str(), model.name.as_str(), model.created), ("a/b", "7", Some(1_692_901_234)));
    assert_eq!((model.context_length, model.modality.clone(), model.is_moderated), (None, None, None));
    assert_eq!(model.supported_parameters, ["tools", "3"]);
    assert_eq!((model.per_request_limits, model.default_parameters.temperature), (None, Some(0.7)));
    assert_eq!((model.default_parameters.top_p, &*model.supported_voices), (None, &["alloy".into()][..]));
    let reasoning = model.reasoning.as_ref().expect("options");
    assert!(!reasoning.mandatory && !reasoning.supports_max_tokens);
    let efforts = reasoning.supported_efforts.as_ref().expect("a list");
    assert_eq!(efforts.iter().map(|effort| effort.as_str()).collect::<Vec<_>>(), ["high", "hyper"]);
    assert_eq!((&model.expiration_date, &model.knowledge_cutoff, &model.alias_target), (&None, &None, &None));

    let price = |text: &str| text.parse().ok().map(Price::Fixed);
    assert_eq!((model.pricing.prompt, model.pricing.completion), (price("0.0000025"), None));
    assert_eq!(model.pricing.overrides.len(), 3, "conditions that cannot be understood do not hold");
    let at = |hhmm| TimeOfDay::from_hhmm(hhmm).expect("a time");
    for (tokens, time, expected) in [
        (100, 1200, "0.00000125"),
        (101, 1200, "0.0000025"),
        (101, 2200, "0.0000005"),
        (0, 359, "0.0000005"),
        (0, 400, "0.00000125"),
    ] {
        assert_eq!(model.pricing.in_force(tokens, at(time)).prompt, price(expected), "{tokens} {time}");
    }
    let sunday = TimeOfWeek::new(Weekday::Sunday, at(30));
    assert_eq!(model.pricing.in_force(0, sunday).prompt, price("0.000001"), "less the discount");
    assert_eq!(model.raw.as_ref().map(|raw| raw.get()), Some(row), "and all of it is kept");
}

#[tokio::test]
async fn odd_records_are_read_as_far_as_they_go() {
    let (_server, client) = answered(
        r#"{"data":{"id":null,"name":"N","architecture":{"modality":null,"input_modalities":null},"endpoints":[null,"x",
            {"name":"E","provider_name":"P","status":-3,"quantization":null,"pricing":{"prompt":"-1","completion":"0"},
             "latency_last_30m":{"p50":0.25,"p75":null,"p90":"0.5"},"throughput_last_30m":null,"uptime_last_5m":"99.5",
             "uptime_last_1d":null,"max_prompt_tokens":null,"new":[1]}]}}"#,
    )
    .await;
    let model = client.endpoints("a/b").await.expect("endpoints");
    assert_eq!((model.id.as_str(), model.endpoints.len()), ("", 1));
    let endpoint = &model.endpoints[0];
    assert_eq!((endpoint.status, endpoint.pricing.prompt), (Some(-3), Some(Price::Varies)));
    let latency = endpoint.latency_last_30m.expect("numbers");
    assert_eq!((latency.p50, latency.p75, latency.p90, latency.p99), (Some(0.25), None, Some(0.5), None));
    assert_eq!((endpoint.throughput_last_30m, endpoint.uptime_last_5m), (None, Some(99.5)));
    assert!(endpoint.raw.as_ref().is_some_and(|raw| raw.get().contains(r#""new":[1]"#)));

    let (_server, client) = answered(
        r#"{"data":[{"name":"A"},{"slug":"b","datacenters":["DE",null,"US"],"headquarters":null},{},null,3]}"#,
    )
    .await;
    let providers = client.providers().await.expect("providers");
    let names: Vec<_> =
        providers.iter().map(|provider| (provider.name.as_str(), provider.slug.as_str())).collect();
    assert_eq!(names, [("A", "A"), ("b", "b")]);
    assert_eq!(providers[1].datacenters, ["DE", "US"]);

    let (_server, client) =
        answered(r#"{"data":{"limit":"10","limit_remaining":9.75,"usage":null,"is_free_tier":"no","is_provisioning_key":true}}"#)
            .await;
    let key = client.key().await.expect("a record");
    assert_eq!((key.limit, key.limit_remaining), ("10".parse().ok(), "9.75".parse().ok()));
    assert_eq!((key.usage, key.is_free_tier, key.is_management_key), (None, None, Some(true)));

    let (_server, client) = answered(r#"{"data":{"total_credits":100.5,"total_usage":"100.75"}}"#).await;
    let credits = client.credits().await.expect("credits");
    assert_eq!(credits.remaining().map(|left| left.to_string()).as_deref(), Some("-0.25"));

    let (_server, client) = answered(r#"{"data":{"count":"150"}}"#).await;
    assert_eq!(client.models_count().await.expect("a number"), 150);
}

/// Each of the values of a record in turn is something odd, and nothing else is lost.
#[tokio::test]
async fn an_odd_value_in_a_record_costs_itself_alone() {
    let model = r#"{"id":"a/b","name":"N","created":1700000000.75,"context_length":1000,"supported_parameters":["tools"],
        "pricing":{"prompt":"0.5"},"default_parameters":{"temperature":0.5},"top_provider":{"is_moderated":true}}"#;
    let endpoint = r#"{"name":"E","provider_name":"P","status":0,"context_length":1000,"pricing":{"prompt":"0.5"},
        "uptime_last_5m":99.5,"latency_last_30m":{"p50":1},"supports_implicit_caching":true}"#;
    let endpoints = format!(r#"{{"id":"a/b","name":"N","created":1700000000.75,"endpoints":[{endpoint}]}}"#);
    let key = r#"{"label":"L","limit":10,"usage":0.5,"is_free_tier":true,"expires_at":"2027"}"#;
    let generation = r#"{"id":"gen-1","model":"m","latency":5,"tokens_prompt":7,"total_cost":0.5,"is_byok":true,"app_id":3}"#;
    let credits = r#"{"total_credits":1,"total_usage":0.5}"#;
    let documents = [
        ("model", model),
        ("endpoints", &*endpoints),
        ("key", key),
        ("generation", generation),
        ("credits", credits),
    ];
    let odd = [
        "NaN",
        "-Infinity",
        "1e999",
        "-1",
        "0.5",
        "\"-\"",
        "\"\"",
        "true",
        "\"TRUE\"",
        "null",
        "[]",
        "{}",
        "[null]",
    ];
    for (name, document) in documents {
        // Behind each colon there is a value, up to the comma or the end of what it is in.
        for (at, _) in document.match_indices(':') {
            let rest = &document[at + 1..];
            let length = rest.find([',', '}', ']']).expect("an end");
            if rest.starts_with(['{', '[']) {
                continue;
            }
            for odd in odd {
                let body = format!(r#"{{"data":{}{odd}{}}}"#, &document[..=at], &rest[length..]);
                let (_server, client) = answered(&body).await;
                let same = |kept: [bool; 3]| kept.into_iter().filter(|same| *same).count() >= 2;
                let kept = match name {
                    "model" => client.model("a/b").await.map(|model| {
                        same([model.name == "N", model.context_length == Some(1000), model.supports("tools")])
                    }),
                    "endpoints" => client.endpoints("a/b").await.map(|model| {
                        let endpoint = &model.endpoints[0];
                        same([model.name == "N", endpoint.name == "E", endpoint.context_length == Some(1000)])
                    }),
                    "key" => client.key().await.map(|key| {
                        let limit = key.limit == "10".parse().ok();
                        same([key.label.as_deref() == Some("L"), limit, key.is_free_tier == Some(true)])
                    }),
                    "generation" => client.generation("gen-1").await.map(|record| {
                        same([record.model == "m", record.tokens_prompt == Some(7), record.app_id == Some(3)])
                    }),
                    _ => client.credits().await.map(|credits| {
                        let one = credits.total_credits == "1".parse().ok();
                        one || credits.total_usage == "0.5".parse().ok()
                    }),
                };
                match kept {
                    Ok(kept) => assert!(kept, "{body}"),
                    // A model without an id cannot be asked for.
                    Err(error) => {
                        assert!(name == "model" && document[..at].ends_with("\"id\""), "{body}: {error}")
                    }
                }
            }
        }
    }
    let (_server, client) =
        answered(&format!(r#"{{"data":[{model},{{"id":"c/d","created":NaN}}],"total_count":2.0}}"#)).await;
    let catalogue = client.models().await.expect("models");
    assert_eq!((catalogue.models[0].created, catalogue.models.len()), (Some(1_700_000_000), 2));
    assert_eq!(catalogue.total_count, Some(2));
    let raw = catalogue.models[1].raw.as_ref().expect("the row").get();
    assert_eq!(raw, r#"{"id":"c/d","created":null}"#, "what is kept is JSON");
}

#[tokio::test]
async fn an_echo_of_the_key_is_taken_out() {
    let (_server, client) = answered(
        r#"{"data":{"id":"gen-1","label":"sk-or-v1-test","user_agent":"sk-or-v1-test","total_credits":1}}"#,
    )
    .await;
    let key = serde_json::to_string(&client.key().await.expect("a record")).expect("JSON");
    let record = serde_json::to_string(&client.generation("gen-1").await.expect("a record")).expect("JSON");
    let credits = serde_json::to_string(&client.credits().await.expect("credits")).expect("JSON");
    let (_server, client) = answered(r#"{"error":{"code":400,"message":"bad key sk-or-v1-test"}}"#).await;
    let errors = [
        client.model("a/b").await.expect_err("an error").to_string(),
        client.generation("sk-or-v1-test").await.expect_err("an error").to_string(),
    ];
    for text in [key, record, credits].iter().chain(&errors) {
        assert!(!text.contains("sk-or-v1-test"), "{text}");
    }
}
