//! The allocations of a streamed answer from the socket to the caller, HTTP included, for the provider alone
//! and with the layers that a registry puts around it. A count does not depend on the machine.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::sync::Arc;

use allocation_counter::measure;
use openrouter_provider::Limits;
use provider_core::{Event, LlmProvider};
use provider_registry::Registry;
use provider_tests::{Answers, Reply, ScriptedServer, openrouter, request};
use tokio::runtime::{Builder, Runtime};

const END: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A chunk as the service sends them, with this in its delta.
fn chunk(delta: &str) -> String {
    let head = r#""id":"gen-1760532574-2dAHZE6zUiSaYyanMrUf","provider":"OpenAI","model":"openai/gpt-4o","object":"chat.completion.chunk","created":1760532574"#;
    let tail =
        r#""finish_reason":null,"native_finish_reason":null,"logprobs":null}],"system_fingerprint":"fp_1"}"#;
    format!(
        "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",{delta}}},{tail}\n\n"
    )
}

/// The cost of reading a stream, in blocks and bytes.
#[derive(Clone, Copy, Debug)]
struct Cost {
    blocks: f64,
    bytes: f64,
}

/// A server on a thread of its own, since what is counted is what the reading thread allocates.
struct Server {
    scripted: ScriptedServer,
    thread: Runtime,
}

impl Server {
    /// Streams each of these as an HTTP chunk, and then the end of an answer.
    fn of(pieces: impl Iterator<Item = String>) -> Self {
        let mut reply = Reply::events("");
        reply.pieces = pieces.chain([END.to_owned()]).map(String::into_bytes).collect();
        let thread = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a thread");
        let scripted = thread.block_on(ScriptedServer::always(reply)).expect("a free port");
        Self { scripted, thread }
    }

    /// Returns the cost of a stream on a warm connection, for the provider alone and with the standard
    /// layers. The stream has so many events.
    fn costs(self, events: usize) -> [Cost; 2] {
        let registry = Registry::discover().expect("no duplicates");
        let values = [("api_key", "sk-or-v1-abc"), ("base_url", &*self.scripted.url())];
        let bare: Arc<dyn LlmProvider> = Arc::new(openrouter(&self.scripted, Limits::default()));
        let standard = registry.connect("openrouter", values).expect("good settings");
        let costs = [bare, standard].map(|provider| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(provider.warm_up()).expect("a connection");
            let measured = measure(|| runtime.block_on(read(&*provider, events)));
            Cost { blocks: measured.count_total as f64, bytes: measured.bytes_total as f64 }
        });
        self.thread.shutdown_background();
        costs
    }
}

async fn read(provider: &dyn LlmProvider, events: usize) {
    let mut stream = provider.stream(&request()).await.expect("a stream");
    let mut seen = 0;
    while let Some(event) = stream.next().await {
        if !matches!(event.expect("a good stream"), Event::Finished(_)) {
            seen += 1;
        }
    }
    assert_eq!(seen, events);
    stream.into_response().expect("an answer");
}

/// Returns the cost of one more chunk, from the difference between a long stream and a short one. Both are so
/// long that the buffers of the HTTP client have grown to their size.
fn per_chunk(delta: impl Fn(usize) -> String) -> [Cost; 2] {
    let (short, long) = (5_000, 15_000);
    let costs = |chunks| Server::of((0..chunks).map(|number| chunk(&delta(number)))).costs(chunks);
    let [few, many] = [costs(short), costs(long)];
    let more = (long - short) as f64;
    std::array::from_fn(|at| Cost {
        blocks: (many[at].blocks - few[at].blocks) / more,
        bytes: (many[at].bytes - few[at].bytes) / more,
    })
}

#[test]
fn a_short_piece_of_text_costs_no_allocation() {
    for cost in per_chunk(|_| r#""content":" word\n""#.to_owned()) {
        assert!(cost.blocks < 0.3 && cost.bytes < 60.0, "{cost:?} per chunk");
    }
}

#[test]
fn a_long_piece_of_text_costs_one_allocation() {
    let text = "lorem ipsum ".repeat(16);
    for cost in per_chunk(|_| format!(r#""content":"{text}""#)) {
        assert!(cost.blocks < 1.1, "{cost:?} per chunk");
    }
}

#[test]
fn a_piece_of_arguments_costs_no_allocation() {
    let call = |number| match number {
        0 => {
            r#""tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]"#
        }
        _ => r#""tool_calls":[{"index":0,"function":{"arguments":"\"a\": 123,"}}]"#,
    };
    for cost in per_chunk(|number| format!(r#""content":null,{}"#, call(number))) {
        assert!(cost.blocks < 0.3 && cost.bytes < 80.0, "{cost:?} per chunk");
    }
}

#[test]
fn a_piece_of_thoughts_costs_no_allocation() {
    let detail = r#"{"type":"reasoning.text","text":"hm, ","format":"anthropic-claude-v1","index":0}"#;
    for cost in per_chunk(|_| format!(r#""content":"","reasoning":"hm, ","reasoning_details":[{detail}]"#)) {
        assert!(cost.blocks < 0.3 && cost.bytes < 80.0, "{cost:?} per chunk");
    }
}

/// Chunks that are not like the one before are read in full, and that costs little more.
#[test]
fn chunks_that_differ_cost_little() {
    let delta = |number: usize| match number % 2 {
        0 => r#""content":" word""#.to_owned(),
        _ => r#""reasoning":"hm, ""#.to_owned(),
    };
    for cost in per_chunk(delta) {
        assert!(cost.blocks < 1.0 && cost.bytes < 100.0, "{cost:?} per chunk");
    }
}

/// Four times the answer takes four times the memory, in many pieces and in one.
#[test]
fn memory_grows_with_the_answer() {
    let arguments = |pieces| {
        let piece = chunk(r#""tool_calls":[{"index":0,"function":{"arguments":"0123456789"}}]"#);
        Server::of(std::iter::repeat_n(piece, pieces)).costs(pieces)
    };
    let image = |mib: usize| {
        let url = format!("data:image/png;base64,{}", "iVBORw0K".repeat(mib << 17));
        let image = format!(r#""images":[{{"type":"image_url","image_url":{{"url":"{url}"}}}}]"#);
        Server::of(std::iter::once(chunk(&image))).costs(1)
    };
    for (few, many) in arguments(2_000).into_iter().zip(arguments(8_000)) {
        assert!(many.bytes < few.bytes * 4.3, "{few:?} became {many:?}");
    }
    for (small, large) in image(1).into_iter().zip(image(4)) {
        assert!(large.bytes < small.bytes * 4.5, "{small:?} became {large:?}");
    }
}

/// Returns the cost of one more round of something.
fn per_round(rounds: impl Fn(usize)) -> Cost {
    let [_, few, many] = [8, 16, 48].map(|count| measure(|| rounds(count)));
    let per_round = |few: u64, many: u64| (many - few) as f64 / 32.0;
    Cost {
        blocks: per_round(few.count_total, many.count_total),
        bytes: per_round(few.bytes_total, many.bytes_total),
    }
}

/// Runs something to its end on a runtime without sockets.
fn run<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

/// The provider alone, and with the standard layers.
fn bare_and_standard(answers: Answers) -> [Arc<dyn LlmProvider>; 2] {
    [Arc::new(answers.openrouter()), answers.standard()]
}

/// The cost of a whole answer, from the request to the bytes that an HTTP client gets, and from the bytes
/// that it gives to the answer. The ceilings may only fall.
#[test]
fn a_whole_answer_costs_few_allocations() {
    let request = request();
    for (provider, most) in bare_and_standard(Answers::whole()).into_iter().zip([40.0, 44.0]) {
        let cost = per_round(|rounds| {
            run(async {
                for _ in 0..rounds {
                    provider.chat(&request).await.expect("an answer");
                }
            });
        });
        assert!(cost.blocks <= most && cost.bytes < 13_000.0, "{cost:?} per answer");
    }
}

/// The same for a stream of 20 words.
#[test]
fn a_short_stream_costs_few_allocations() {
    for (provider, most) in bare_and_standard(Answers::stream(20)).into_iter().zip([54.0, 61.0]) {
        let cost = per_round(|rounds| {
            run(async {
                for _ in 0..rounds {
                    read(&*provider, 20).await;
                }
            });
        });
        assert!(cost.blocks <= most && cost.bytes < 14_500.0, "{cost:?} per stream");
    }
}

/// A row of the catalogue has 36 fields and 20 words in 1.7 KB. It is kept whole beside what was read of it,
/// and its body was received whole.
#[test]
fn a_model_of_a_catalogue_costs_few_allocations() {
    let cost = |models: usize| {
        let answers = Answers::models(models);
        let provider = answers.openrouter();
        let row = answers.models_json().len() as f64 / models as f64;
        let read = || assert_eq!(run(provider.models()).expect("a catalogue").models.len(), models);
        (measure(read), row)
    };
    let ((few, _), (many, row)) = (cost(128), cost(512));
    let per_model = |few: u64, many: u64| (many - few) as f64 / 384.0;
    let blocks = per_model(few.count_total, many.count_total);
    let rows = per_model(few.bytes_total, many.bytes_total) / row;
    assert!(blocks < 15.1 && rows < 5.0, "{blocks} blocks and {rows} times the row for a model");
}

/// A stream keeps its own state while its reader waits, and the answer so far with a quarter of room.
#[test]
fn an_open_stream_keeps_little_beside_its_answer() {
    for provider in bare_and_standard(Answers::stream(8_000)) {
        for words in [1, 100, 1_240, 2_000, 7_000] {
            let mut stream = None;
            let kept = measure(|| {
                stream = Some(run(async {
                    let mut stream = provider.stream(&request()).await.expect("a stream");
                    for _ in 0..words {
                        stream.next().await.expect("an event").expect("a good stream");
                    }
                    stream
                }));
            });
            let text = words as i64 * " word".len() as i64;
            // Up to a page the text doubles its room.
            let most = 5_060 + if text < 4 << 10 { text * 2 } else { text * 5 / 4 };
            assert!(kept.bytes_current <= most, "{} bytes for {text} bytes of text", kept.bytes_current);
        }
    }
}
