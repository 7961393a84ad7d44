//! The macro that makes a test of each case.

/// Makes a `#[test]` of each case: `conformance::law::one_end`, `conformance::bad_day::silent`, ….
///
/// ```
/// # use std::sync::Arc;
/// # use provider_core::{Error, LlmProvider};
/// # use provider_conformance::At;
/// # fn connect(at: At) -> Result<Arc<dyn LlmProvider>, Error> {
/// #     Ok(Arc::new(openrouter_provider::OpenRouter::builder().values(at.values()).build()?))
/// # }
/// use provider_conformance::{ChatCompletions, Kit, conformance_tests};
///
/// fn kit() -> Kit {
///     Kit::new(|at| async { connect(at) }).wire(ChatCompletions)
/// }
///
/// conformance_tests!(kit);
/// # fn main() {}
/// ```
///
/// The argument is the name of a function in the same module that makes the [`Kit`](crate::Kit). Each test
/// has a tokio runtime of its own, and asks the provider as it is and behind the standard layers.
///
/// A case that is skipped passes, and prints why: `cargo test conformance -- --show-output` shows it. One
/// more test, `conformance::report`, runs only when it is asked for, runs the whole kit, and prints
/// how many cases were kept and which were skipped:
/// `cargo test conformance::report -- --ignored --show-output`.
#[macro_export]
macro_rules! conformance_tests {
    ($kit:ident) => {
        $crate::conformance_tests! { @groups $kit
            law { text_in_pieces one_end one_end_after_an_error keep_alives empty_pieces blank_pieces
                after_the_end cut_anywhere spellings opened_at_the_head live so_far usage usage_on_the_way
                made_by thoughts tool_calls whole_call reused_index length filtered cut_off_call
                whole_equals_streamed whole_thoughts whole_tool_calls }
            bad_day { refused closed reset half_a_head not_http silent silent_behind_the_head
                silent_in_the_stream silent_in_a_frame keep_alives_for_ever endless_frame endless_answer
                endless_body endless_error closed_in_the_stream reset_in_the_stream no_end bad_chunk
                garbage_in_the_middle all_kept cut_off_body empty only_the_end web_page web_page_of_a_gateway
                compressed redirect redirect_loop }
            said { authentication payment permission model_not_found invalid_request context_length
                rate_limited overloaded server words status long_words gateway_without_words
                retry_after_seconds retry_after_date odd_retry_after refused_at_once error_in_the_stream
                usage_behind_an_error error_in_a_success part_of_a_failed_body }
            secrets { in_the_words in_the_code in_plain_text in_a_header in_a_redirect in_a_frame in_garbage
                in_the_answer escaped in_the_list_of_models in_the_check in_debug in_a_header_alone }
            leaving { nothing_sent_on_connect dropped_stream dropped_stream_call dropped_chat dropped_list
                dropped_provider connection_used_again slow_reader asked_once asked_once_for_a_list
                asked_each_time }
            lists { ids ids_of_all long_list empty_list no_chat_for_a_list garbage web_page empty_body endless
                silent silent_in_the_list wrong_key broken_service redirect check_passes
                check_with_a_wrong_key check_without_a_service check_of_a_web_page check_sends_the_key
                check_is_free silent_check silent_warm_up warm_up_is_free warm_up_that_failed }
            descriptor { id label unique_keys labelled_fields secret_fields key_destinations defaults capabilities registered
                values_not_repeated extension_of_another_type extension_behind_layers }
            settings { white_space_around_the_key white_space_around_the_url slash_behind_the_url
                path_of_the_url line_break_in_the_key url_that_is_none not_a_number }
            sent { tool_choice parallel_tool_calls response_format reasoning temperature top_p top_k top_a
                min_p frequency_penalty presence_penalty repetition_penalty seed stop max_tokens
                max_completion_tokens logit_bias logprobs top_logprobs verbosity prediction modalities audio
                service_tier prompt_cache_key prompt_cache_options user metadata model text system developer
                assistant conversation name tools tool_result empty_tool_result image media extra zero
                not_finite nothing_added foreign_extra foreign_thoughts own_thoughts }
            parallel { streams_stay_apart chats_stay_apart all_at_once dropped_one_of_many failed_one_of_many
                }
        }
    };
    (@groups $kit:ident $($group:ident { $($case:ident)* })*) => {
        mod conformance {
            #[test]
            fn every_skip_names_a_case() {
                super::$kit().assert_skips();
            }

            #[test]
            #[ignore = "runs the whole kit once more, to print what was kept and what was skipped"]
            fn report() {
                super::$kit().print_report();
            }

            $(mod $group {
                $(#[test]
                fn $case() {
                    super::super::$kit().assert_case(concat!(stringify!($group), ": ", stringify!($case)));
                })*
            })*
        }
    };
}
