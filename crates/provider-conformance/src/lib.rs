//! A kit that tests whether a provider keeps the promises of [`LlmProvider`](provider_core::LlmProvider).
//!
//! For authors of providers. The kit knows no single provider: it is given a constructor and the
//! [`Wire`] of the service, plays that service on the loopback device for each case, and asks the provider
//! as a host would. The [`Report`] has a line for each case:
//!
//! ```
//! # use std::sync::Arc;
//! # use provider_core::{Error, LlmProvider};
//! # use provider_conformance::At;
//! # fn connect(at: At) -> Result<Arc<dyn LlmProvider>, Error> {
//! #     Ok(Arc::new(openrouter_provider::OpenRouter::builder().values(at.values()).build()?))
//! # }
//! use provider_conformance::{ChatCompletions, Kit};
//!
//! # #[tokio::main]
//! # async fn main() {
//! let report = Kit::new(|at| async { connect(at) })
//!     .wire(ChatCompletions)
//!     .skip("sent: top_a", "the service has no such parameter")
//! #     .only("law")
//!     .run()
//!     .await;
//! println!("{}", report.to_markdown());
//! report.assert_all();
//! # }
//! ```
//!
//! [`conformance_tests!`] makes a `#[test]` of each case instead.
//!
//! # The provider to test
//!
//! The constructor is given the URL of a server, a key, and limits, in [`At`]. The limits matter: many cases
//! wait for bytes that never come, and end when the provider gives up. A provider that waits longer than
//! [`At::patience`], or reads more than a few times [`At::max_bytes`], fails them.
//!
//! # Another wire
//!
//! [`ChatCompletions`], [`Messages`] and [`JsonLines`] are ready-made. Any other service is a [`Wire`]: how a
//! piece of text, a keep-alive, an error or a list of models looks there, and where in a request's body each
//! parameter stands. The kit writes answers without the crates that read them, so that no mistake is made on
//! both sides. Some cases compare more than the required methods tell: [`Wire::messages`],
//! [`Wire::always_sent`], [`Wire::carries`] and [`Wire::spellings`] have defaults, with which those cases are
//! skipped or look at less. A list in pages is [`Wire::page`]; a service without a list is
//! [`Kit::unlisted`], and one without a key [`Kit::keyless`].
//!
//! A run begins with a chat. If the provider asks for something that is no chat on the wire, it ends with one
//! line that says so.
//!
//! # Time
//!
//! A run takes about ten times the [patience](Kit::patience), half a minute more if a case fails for lack of
//! time: that one runs again, alone, with four times the patience ([`Kit::without_second_run`] leaves this
//! out). The JSON of the report has the `seconds` of each case.
//!
//! # The cases
//!
//! Each case belongs to a promise: a bullet in the documentation of a method of `LlmProvider`, or of the
//! trait itself (`all`). Each is run twice, with the provider as it is and behind the standard layers of
//! `provider-layers`; those with a * once.
//!
//! A case is skipped, with the reason in the report, where the wire lacks what it needs, where the provider
//! lacks the capability, and where a [skip](Kit::skip) names it.
//!
//! | case | promise |
//! |---|---|
//! | `law: text_in_pieces` | stream: law |
//! | `law: one_end` | stream: law |
//! | `law: one_end_after_an_error` | stream: law |
//! | `law: keep_alives` | stream: law |
//! | `law: empty_pieces` | stream: law |
//! | `law: blank_pieces` | stream: law |
//! | `law: after_the_end` | stream: law |
//! | `law: cut_anywhere` | stream: bytes |
//! | `law: spellings` | stream: bytes |
//! | `law: opened_at_the_head`* | stream: accepted |
//! | `law: live` | stream: live |
//! | `law: so_far` | stream: collected |
//! | `law: usage` | stream: collected |
//! | `law: usage_on_the_way` | stream: collected |
//! | `law: made_by` | stream: collected |
//! | `law: thoughts` | stream: collected |
//! | `law: tool_calls` | stream: collected |
//! | `law: whole_call` | stream: collected |
//! | `law: reused_index` | stream: collected |
//! | `law: length` | stream: collected |
//! | `law: filtered` | stream: collected |
//! | `law: cut_off_call` | stream: collected |
//! | `law: whole_equals_streamed` | chat: same |
//! | `law: whole_thoughts` | chat: same |
//! | `law: whole_tool_calls` | chat: same |
//! | `bad_day: refused` | all: failure |
//! | `bad_day: closed` | all: failure |
//! | `bad_day: reset` | all: failure |
//! | `bad_day: half_a_head` | all: failure |
//! | `bad_day: not_http` | all: failure |
//! | `bad_day: silent` | all: bounded |
//! | `bad_day: silent_behind_the_head` | all: bounded |
//! | `bad_day: silent_in_the_stream` | all: bounded |
//! | `bad_day: silent_in_a_frame` | all: bounded |
//! | `bad_day: keep_alives_for_ever` | all: bounded |
//! | `bad_day: endless_frame` | all: bounded |
//! | `bad_day: endless_answer` | all: bounded |
//! | `bad_day: endless_body` | all: bounded |
//! | `bad_day: endless_error` | all: bounded |
//! | `bad_day: closed_in_the_stream` | stream: kept |
//! | `bad_day: reset_in_the_stream` | stream: kept |
//! | `bad_day: no_end` | stream: kept |
//! | `bad_day: bad_chunk` | stream: kept |
//! | `bad_day: garbage_in_the_middle` | stream: kept |
//! | `bad_day: all_kept` | stream: kept |
//! | `bad_day: cut_off_body` | chat: error |
//! | `bad_day: empty` | chat: error |
//! | `bad_day: only_the_end` | chat: error |
//! | `bad_day: web_page` | all: failure |
//! | `bad_day: web_page_of_a_gateway` | all: failure |
//! | `bad_day: compressed` | all: failure |
//! | `bad_day: redirect` | all: origin |
//! | `bad_day: redirect_loop` | all: bounded |
//! | `said: authentication` | all: failure |
//! | `said: payment` | all: failure |
//! | `said: permission` | all: failure |
//! | `said: model_not_found` | all: failure |
//! | `said: invalid_request` | all: failure |
//! | `said: context_length` | all: failure |
//! | `said: rate_limited` | all: failure |
//! | `said: overloaded` | all: failure |
//! | `said: server` | all: failure |
//! | `said: words` | all: failure |
//! | `said: status` | all: failure |
//! | `said: long_words` | all: failure |
//! | `said: gateway_without_words` | all: failure |
//! | `said: retry_after_seconds` | all: failure |
//! | `said: retry_after_date` | all: failure |
//! | `said: odd_retry_after` | all: failure |
//! | `said: refused_at_once` | stream: accepted |
//! | `said: error_in_the_stream` | stream: kept |
//! | `said: usage_behind_an_error` | stream: kept |
//! | `said: error_in_a_success` | chat: error |
//! | `said: part_of_a_failed_body` | chat: error |
//! | `secrets: in_the_words` | all: redacted |
//! | `secrets: in_the_code` | all: redacted |
//! | `secrets: in_plain_text` | all: redacted |
//! | `secrets: in_a_header` | all: redacted |
//! | `secrets: in_a_redirect` | all: redacted |
//! | `secrets: in_a_frame` | all: redacted |
//! | `secrets: in_garbage` | all: redacted |
//! | `secrets: in_the_answer` | all: redacted |
//! | `secrets: escaped` | all: redacted |
//! | `secrets: in_the_list_of_models` | all: redacted |
//! | `secrets: in_the_check` | all: redacted |
//! | `secrets: in_debug` | all: redacted |
//! | `secrets: in_a_header_alone` | all: origin |
//! | `leaving: nothing_sent_on_connect` | descriptor: settings |
//! | `leaving: dropped_stream` | all: dropped |
//! | `leaving: dropped_stream_call` | all: dropped |
//! | `leaving: dropped_chat` | all: dropped |
//! | `leaving: dropped_list` | all: dropped |
//! | `leaving: dropped_provider` | all: dropped |
//! | `leaving: connection_used_again` | all: apart |
//! | `leaving: slow_reader` | stream: live |
//! | `leaving: asked_once`* | all: once |
//! | `leaving: asked_once_for_a_list`* | all: once |
//! | `leaving: asked_each_time`* | all: once |
//! | `lists: ids` | models: listed |
//! | `lists: ids_of_all` | all_models: all |
//! | `lists: long_list` | models: listed |
//! | `lists: empty_list` | models: listed |
//! | `lists: no_chat_for_a_list` | models: listed |
//! | `lists: garbage` | models: unread |
//! | `lists: web_page` | models: unread |
//! | `lists: empty_body` | models: unread |
//! | `lists: endless` | all: bounded |
//! | `lists: silent` | all: bounded |
//! | `lists: silent_in_the_list` | all: bounded |
//! | `lists: wrong_key` | all: failure |
//! | `lists: broken_service` | all: failure |
//! | `lists: redirect` | all: origin |
//! | `lists: check_passes` | check: key |
//! | `lists: check_with_a_wrong_key` | check: key |
//! | `lists: check_without_a_service` | check: key |
//! | `lists: check_of_a_web_page` | check: key |
//! | `lists: check_sends_the_key` | check: key |
//! | `lists: check_is_free` | check: free |
//! | `lists: silent_check` | all: bounded |
//! | `lists: silent_warm_up` | all: bounded |
//! | `lists: warm_up_is_free` | warm_up: idle |
//! | `lists: warm_up_that_failed` | warm_up: idle |
//! | `descriptor: id`* | descriptor: described |
//! | `descriptor: label`* | descriptor: described |
//! | `descriptor: unique_keys`* | descriptor: described |
//! | `descriptor: labelled_fields`* | descriptor: described |
//! | `descriptor: secret_fields`* | descriptor: described |
//! | `descriptor: key_destinations`* | descriptor: described |
//! | `descriptor: defaults`* | descriptor: described |
//! | `descriptor: capabilities` | descriptor: described |
//! | `descriptor: registered`* | descriptor: registered |
//! | `descriptor: values_not_repeated`* | descriptor: settings |
//! | `descriptor: extension_of_another_type` | extension_by_id: exact |
//! | `descriptor: extension_behind_layers`* | extension_by_id: inner |
//! | `settings: white_space_around_the_key`* | descriptor: settings |
//! | `settings: white_space_around_the_url`* | descriptor: settings |
//! | `settings: slash_behind_the_url`* | descriptor: settings |
//! | `settings: path_of_the_url`* | descriptor: settings |
//! | `settings: line_break_in_the_key`* | descriptor: settings |
//! | `settings: url_that_is_none`* | descriptor: settings |
//! | `settings: not_a_number`* | descriptor: settings |
//! | `sent: tool_choice` | stream: sent |
//! | `sent: parallel_tool_calls` | stream: sent |
//! | `sent: response_format` | stream: sent |
//! | `sent: reasoning` | stream: sent |
//! | `sent: temperature` | stream: sent |
//! | `sent: top_p` | stream: sent |
//! | `sent: top_k` | stream: sent |
//! | `sent: top_a` | stream: sent |
//! | `sent: min_p` | stream: sent |
//! | `sent: frequency_penalty` | stream: sent |
//! | `sent: presence_penalty` | stream: sent |
//! | `sent: repetition_penalty` | stream: sent |
//! | `sent: seed` | stream: sent |
//! | `sent: stop` | stream: sent |
//! | `sent: max_tokens` | stream: sent |
//! | `sent: max_completion_tokens` | stream: sent |
//! | `sent: logit_bias` | stream: sent |
//! | `sent: logprobs` | stream: sent |
//! | `sent: top_logprobs` | stream: sent |
//! | `sent: verbosity` | stream: sent |
//! | `sent: prediction` | stream: sent |
//! | `sent: modalities` | stream: sent |
//! | `sent: audio` | stream: sent |
//! | `sent: service_tier` | stream: sent |
//! | `sent: prompt_cache_key` | stream: sent |
//! | `sent: prompt_cache_options` | stream: sent |
//! | `sent: user` | stream: sent |
//! | `sent: metadata` | stream: sent |
//! | `sent: model` | stream: sent |
//! | `sent: text` | stream: sent |
//! | `sent: system` | stream: sent |
//! | `sent: developer` | stream: sent |
//! | `sent: assistant` | stream: sent |
//! | `sent: conversation` | stream: sent |
//! | `sent: name` | stream: sent |
//! | `sent: tools` | stream: sent |
//! | `sent: tool_result` | stream: sent |
//! | `sent: empty_tool_result` | stream: sent |
//! | `sent: image` | stream: sent |
//! | `sent: media` | stream: sent |
//! | `sent: extra` | stream: sent |
//! | `sent: zero` | stream: sent |
//! | `sent: not_finite` | stream: sent |
//! | `sent: nothing_added` | all: once |
//! | `sent: foreign_extra` | stream: sent |
//! | `sent: foreign_thoughts` | stream: sent |
//! | `sent: own_thoughts` | stream: sent |
//! | `parallel: streams_stay_apart` | all: apart |
//! | `parallel: chats_stay_apart` | all: apart |
//! | `parallel: all_at_once` | all: apart |
//! | `parallel: dropped_one_of_many` | all: apart |
//! | `parallel: failed_one_of_many` | all: apart |
//!
//! The kit runs in one process, so it sets no environment variables: that a setting wins over its variable
//! ([`ConfigField::env`](provider_core::ConfigField::env)) is for a test of the provider's own.
//!
//! A parameter that the wire lacks has to be refused by its name; so the cases of `sent` hold for every
//! provider, whatever its wire can carry.

mod cases;
mod kit;
mod panics;
mod report;
mod tests_macro;
mod trial;
mod wire;

pub use cases::{Case, cases};
pub use kit::{At, Kit};
pub use report::{CaseReport, Outcome, Report};
pub use wire::{
    ChatCompletions, Failure, Hint, JsonLines, Messages, Piece, Reason, Route, SentCall, SentMessage,
    Spelling, Tokens, Wire,
};
