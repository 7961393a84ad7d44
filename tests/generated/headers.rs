//! Headers of any text, up to the socket.

use openrouter_provider::{OpenRouter, OpenRouterOptions};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use provider_core::{ChatRequest, ErrorKind};
use provider_tests::{Reply, ScriptedServer};
use wire_properties::{headers, lines};

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![4 => "[a-zA-Z-]{1,12}", 1 => "x-[ -~]{0,9}", 1 => any::<String>(), 1 => Just("Host".to_owned())];
    let value = prop_oneof![4 => "[!-~]([ -~]{0,12}[!-~])?", 1 => any::<String>(), 1 => "[a-z]{0,4}\r?\n?x-evil: [a-z]{0,4}"];
    (name, value)
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn headers_are_refused_or_sent_as_they_are(pairs in prop::collection::vec(header(), 0..4)) {
        headers(&lines(&pairs));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_is_what_was_set_and_nothing_else() {
    let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
    let server = ScriptedServer::always(Reply::json(200, answer)).await.expect("a free port");
    let client = OpenRouter::builder().api_key("k").base_url(server.url()).build().expect("good settings");
    let runtime = tokio::runtime::Handle::current();
    let (client, url) = (&client, server.url());
    let ask = |options: OpenRouterOptions| {
        let request = ChatRequest::new("a/b").user("Hello").options(options);
        let answer = tokio::task::block_in_place(|| runtime.block_on(client.chat(&request)));
        answer.map(|_| server.requests().pop().expect("a request").headers)
    };
    let always = ask(OpenRouterOptions::new()).expect("an answer");
    let mut accepted = 0;
    let outcome = TestRunner::new(super::cases()).run(&header(), |(name, value)| {
        match ask(OpenRouterOptions::new().header(&name, &value)) {
            Ok(sent) => {
                let mut sent = sent;
                let place = sent.iter().position(|(key, _)| *key == name.to_ascii_lowercase());
                let added = sent.remove(place.expect("the header arrives"));
                prop_assert_eq!(
                    (added.1.as_str(), sent),
                    (value.trim(), always.clone()),
                    "{} at {}",
                    name,
                    url
                );
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{}", error),
        }
        Ok(())
    });
    outcome.expect("every case");
    accepted += server.requests().len();
    assert!(accepted > 50, "{accepted} requests were sent");
}
