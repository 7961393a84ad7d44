//! The faults, and the cases that have to notice each.

/// Declares [`Fault`] and its table.
macro_rules! faults {
    ($($fault:ident => $($case:literal)+,)*) => {
        /// A promise that the provider breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            /// None: the provider is built as one with a fault, and keeps all promises.
            Harmless,
            $($fault,)*
        }

        impl Fault {
            /// Every fault, and the cases that have to notice it.
            pub(crate) const ALL: &'static [(Fault, &'static [&'static str])] =
                &[$((Fault::$fault, &[$($case),+]),)*];
        }
    };
}

faults! {
    // The decoder.
    LosesADelta => "law: text_in_pieces",
    ForgetsTheReason => "law: one_end",
    ShowsKeepAlives => "law: keep_alives",
    ShowsEmptyDeltas => "law: empty_pieces",
    IgnoresTheEndMark => "law: after_the_end",
    CutsCharacters => "law: cut_anywhere",
    LosesUsage => "law: usage",
    NamesTheModelAsked => "law: made_by",
    LosesThoughts => "law: thoughts",
    JoinsCalls => "law: tool_calls",
    RespellsArguments => "law: tool_calls",
    CallsLengthAStop => "law: length",
    MendsCutOffCalls => "law: cut_off_call",
    EndOfBodyIsAnEnd => "bad_day: no_end",
    SkipsGarbage => "bad_day: garbage_in_the_middle",
    IgnoresErrorsInTheStream => "said: error_in_the_stream" "law: one_end_after_an_error",
    StopsAtAnError => "said: usage_behind_an_error",
    // The stream.
    WaitsForTheEnd => "law: live" "law: so_far",
    LosesBrokenAnswers => "bad_day: closed_in_the_stream" "bad_day: reset_in_the_stream" "bad_day: bad_chunk",
    RefusesInTheStream => "said: refused_at_once",
    ReadsInATask => "leaving: dropped_stream",
    ReadsAhead => "leaving: slow_reader",
    OneDropEndsAll => "parallel: dropped_one_of_many",
    // The whole answer.
    RewordsWholeAnswers => "law: whole_equals_streamed",
    LosesWholeThoughts => "law: whole_thoughts",
    LosesWholeCalls => "law: whole_tool_calls",
    TakesNothingForAnAnswer => "bad_day: empty" "bad_day: only_the_end",
    TakesHalfABody => "bad_day: cut_off_body",
    TakesErrorsForAnswers => "said: error_in_a_success",
    // Errors.
    ReadsCompressedBytes => "bad_day: compressed",
    GivesUpOnConnections => "bad_day: refused" "bad_day: closed",
    CallsConnectionsTimeouts => "bad_day: closed" "bad_day: reset" "bad_day: half_a_head" "bad_day: not_http",
    RetriesWebPages => "bad_day: web_page",
    QuotesWebPages => "bad_day: web_page_of_a_gateway",
    CallsBadKeysAServerError => "said: authentication" "lists: wrong_key",
    RetriesPayment => "said: payment",
    CallsPermissionInvalid => "said: permission",
    CallsMissingModelsInvalid => "said: model_not_found",
    CallsLongPromptsInvalid => "said: context_length",
    RetriesInvalidRequests => "said: invalid_request",
    GivesUpOnRateLimits => "said: rate_limited",
    CallsOverloadUnknown => "said: overloaded",
    GivesUpOnServerErrors => "said: server",
    LosesTheWords => "said: words",
    LosesTheStatus => "said: status",
    IgnoresRetryAfter => "said: retry_after_seconds",
    IgnoresRetryDates => "said: retry_after_date",
    // Limits.
    WaitsForEver => "bad_day: silent" "bad_day: silent_behind_the_head" "bad_day: silent_in_the_stream"
        "bad_day: silent_in_a_frame" "lists: silent" "lists: silent_check",
    WaitsForKeepAlives => "bad_day: keep_alives_for_ever",
    TakesAnyBytes => "bad_day: endless_frame" "bad_day: endless_answer" "bad_day: endless_body"
        "bad_day: endless_error" "lists: endless",
    // Origin and secrets.
    FollowsRedirects => "bad_day: redirect" "lists: redirect",
    LeaksInWords => "secrets: in_the_words" "secrets: in_plain_text" "secrets: in_a_redirect"
        "secrets: in_a_frame" "secrets: escaped" "secrets: in_the_list_of_models"
        "secrets: in_the_check",
    LeaksInDetails => "secrets: in_garbage",
    LeaksInCodes => "secrets: in_the_code",
    LeaksInHeaders => "secrets: in_a_header",
    LeaksInDebug => "secrets: in_debug",
    SendsKeyInUrl => "secrets: in_a_header_alone",
    SendsKeyTwice => "secrets: in_a_header_alone",
    // Connections.
    AsksOnConnect => "leaving: nothing_sent_on_connect",
    AsksInATask => "leaving: dropped_stream_call" "leaving: dropped_chat" "leaving: dropped_list",
    OutlivesItself => "leaving: dropped_provider",
    ConnectsForEachCall => "leaving: connection_used_again",
    Retries => "leaving: asked_once",
    RetriesLists => "leaving: asked_once_for_a_list",
    MixesCalls => "parallel: chats_stay_apart" "parallel: streams_stay_apart",
    OneFailureEndsAll => "parallel: failed_one_of_many",
    // Lists, the connection test, the connection ahead of time.
    LowersIds => "lists: ids",
    ListsTheFirstPage => "lists: ids_of_all",
    ChatsForAList => "lists: no_chat_for_a_list",
    ListsNothingForAnError => "lists: garbage" "lists: web_page" "lists: empty_body" "lists: broken_service",
    ChecksNothing => "lists: check_passes",
    PassesWrongKeys => "lists: check_with_a_wrong_key",
    PassesWithoutService => "lists: check_without_a_service" "lists: check_of_a_web_page",
    ChecksWithoutKey => "lists: check_sends_the_key",
    ChecksByChat => "lists: check_is_free",
    WarmsUpByChat => "lists: warm_up_is_free",
    NeedsTheWarmUp => "lists: warm_up_that_failed",
    // The description.
    UpperCaseId => "descriptor: id",
    NoDisplayName => "descriptor: label",
    TwoFieldsOneKey => "descriptor: unique_keys",
    FieldWithoutLabel => "descriptor: labelled_fields",
    KeyIsText => "descriptor: secret_fields",
    DefaultThatIsUnfit => "descriptor: defaults",
    CannotDoAnything => "descriptor: capabilities",
    NotRegistered => "descriptor: registered",
    RepeatsValues => "descriptor: values_not_repeated",
    ExtendsToEverything => "descriptor: extension_of_another_type" "descriptor: extension_behind_layers",
    // Settings.
    RefusesWhiteSpaceInKeys => "settings: white_space_around_the_key",
    RefusesWhiteSpaceInUrls => "settings: white_space_around_the_url",
    DoublesSlashes => "settings: slash_behind_the_url",
    CutsKeysAtLineBreaks => "settings: line_break_in_the_key",
    IgnoresBadUrls => "settings: url_that_is_none",
    TakesAnyNumber => "settings: not_a_number",
    // Requests.
    DropsToolChoice => "sent: tool_choice",
    DropsParallelToolCalls => "sent: parallel_tool_calls",
    DropsResponseFormat => "sent: response_format",
    DropsReasoning => "sent: reasoning",
    ClampsTemperature => "sent: temperature",
    DropsTopP => "sent: top_p",
    DropsTopK => "sent: top_k",
    RefusesTopANamelessly => "sent: top_a",
    DropsMinP => "sent: min_p",
    DropsFrequencyPenalty => "sent: frequency_penalty",
    DropsPresencePenalty => "sent: presence_penalty",
    DropsRepetitionPenalty => "sent: repetition_penalty",
    RoundsSeeds => "sent: seed",
    DropsStop => "sent: stop",
    RenamesMaxTokens => "sent: max_tokens",
    DropsMaxCompletionTokens => "sent: max_completion_tokens",
    DropsLogitBias => "sent: logit_bias",
    DropsLogprobs => "sent: logprobs",
    DropsTopLogprobs => "sent: top_logprobs",
    DropsVerbosity => "sent: verbosity",
    DropsPrediction => "sent: prediction",
    DropsModalities => "sent: modalities",
    DropsAudio => "sent: audio",
    DropsServiceTier => "sent: service_tier",
    DropsPromptCacheKey => "sent: prompt_cache_key",
    DropsPromptCacheOptions => "sent: prompt_cache_options",
    DropsUser => "sent: user",
    DropsMetadata => "sent: metadata",
    LowersTheModel => "sent: model",
    TrimsText => "sent: text",
    DropsSystem => "sent: system",
    DropsDeveloper => "sent: developer",
    DropsAssistant => "sent: assistant",
    DropsTools => "sent: tools",
    DropsToolResults => "sent: tool_result",
    DropsImages => "sent: image",
    DropsExtra => "sent: extra",
    DropsZero => "sent: zero",
    SendsNaNAsNull => "sent: not_finite",
    AddsMaxTokens => "sent: nothing_added",
    SendsForeignExtra => "sent: foreign_extra",
    SendsForeignThoughts => "sent: foreign_thoughts",
}
