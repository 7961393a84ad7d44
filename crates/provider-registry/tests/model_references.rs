//! Tests of resolving the text of a model reference.

mod support;

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Catalogue, ErrorKind, ProviderDescriptor};
use provider_registry::{Listing, ModelRef, SelectedModel, Workspace};
use provider_testing::ScriptedProvider;
use tokio::time::Instant;

use support::{OLLAMA, OPENROUTER, describe, fetches, listing, unreachable, workspace};

fn is_listed(model: &SelectedModel) -> bool {
    matches!(model.listing(), Listing::Listed(listed) if listed.id == model.id())
}

/// `prod` is an OpenRouter, `local` an Ollama.
fn two_kinds() -> Workspace {
    let listed = [
        "openai/gpt-4o",
        "openrouter/auto",
        "meta-llama/llama-3.2-3b-instruct:free",
        "~anthropic/claude-opus-latest",
    ];
    workspace([("prod", &listing(&OPENROUTER, &listed)), ("local", &listing(&OLLAMA, &["llama3.1:8b"]))])
}

#[tokio::test]
async fn a_listed_id_is_the_model_of_whoever_lists_it() {
    let workspace = two_kinds();
    let cases = [
        ("openai/gpt-4o", "prod"),
        ("openrouter/auto", "prod"),
        ("meta-llama/llama-3.2-3b-instruct:free", "prod"),
        ("~anthropic/claude-opus-latest", "prod"),
        ("llama3.1:8b", "local"),
    ];
    for (text, instance) in cases {
        let model = workspace.model(text).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new(instance, text));
        assert!(is_listed(&model), "{text}: {:?}", model.listing());
        assert_eq!(model.was_rewritten_from(), None, "{text}");
    }
}

#[tokio::test]
async fn unlisted_id_goes_to_the_provider_that_claims_it() {
    let workspace = two_kinds();
    for text in ["openai/gpt-4o:nitro", "openai/gpt-4@preset/x", "@preset/x", "openrouter/free"] {
        let model = workspace.model(text).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new("prod", text));
        assert_eq!(*model.listing(), Listing::Unlisted, "{text}");
        assert_eq!(model.was_rewritten_from(), None, "{text}");
    }
}

#[tokio::test]
async fn model_of_an_unknown_provider_is_advised_without_it() {
    let error = two_kinds().model("nowhere:openai/none").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.message().contains("to try it without a list, write prod:openai/none"), "{error}");
}

#[tokio::test]
async fn unlisted_id_that_none_claims_goes_nowhere_among_several() {
    for text in ["llama3", "gpt-4o", "a:b", "prod/openai", "OpenAI/GPT-4o"] {
        let error = two_kinds().model(text).await.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some(text)), "{error}");
        assert!(error.message().contains(&format!("to try it without a list, write prod:{text}")), "{error}");
        // Unless the workspace names the provider for them.
        let named = two_kinds().unlisted_models("prod");
        assert_eq!(*named.model(text).await.unwrap().reference(), ModelRef::new("prod", text));
        let closed = two_kinds().unlisted_models("local");
        assert_eq!(
            closed.model(text).await.unwrap_err().kind(),
            ErrorKind::NotFound,
            "it takes listed ids alone"
        );
    }
    let unknown = two_kinds().unlisted_models("prodd").model("llama3").await.unwrap_err();
    assert!(unknown.message().contains("no provider called \"prodd\""), "{unknown}");
}

#[tokio::test]
async fn id_behind_its_provider_is_taken_byte_for_byte() {
    for id in [" a b ", "x\ty", "ä"] {
        let model = two_kinds().model(&format!("local:{id}")).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new("local", id));
    }
}

#[tokio::test]
async fn catalogue_says_for_its_instance_whether_unlisted_ids_are_taken() {
    let catalogue = |accepts| Ok(Catalogue::new(Vec::new(), None).with_unlisted_models(accepts));
    let (open, closed) = (listing(&OLLAMA, &[]), listing(&OPENROUTER, &[]));
    open.set_catalogue(catalogue(true));
    closed.set_catalogue(catalogue(false));
    let to = |id| workspace([("open", &open), ("closed", &closed)]).unlisted_models(id);
    let model = to("open").model("any").await.unwrap();
    assert_eq!((model.reference(), model.listing()), (&ModelRef::new("open", "any"), &Listing::Unlisted));
    assert_eq!(to("closed").model("any").await.unwrap_err().kind(), ErrorKind::NotFound);

    // Without the catalogue, the descriptor has the word.
    let sole = workspace([("closed", &closed)]);
    assert_eq!(*sole.model_offline("any").unwrap().reference(), ModelRef::new("closed", "any"));
    sole.instance("closed").unwrap().catalogue().await.unwrap();
    assert_eq!(sole.model_offline("any").unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn provider_before_the_first_colon_decides() {
    let workspace = two_kinds();
    let cases = [
        ("prod:openai/gpt-4o", "prod", "openai/gpt-4o"),
        ("openrouter:openai/gpt-4o", "prod", "openai/gpt-4o"),
        ("ollama:openai/gpt-4o", "local", "openai/gpt-4o"),
        ("local:llama3.1:8b", "local", "llama3.1:8b"),
        ("prod:a/b:free:nitro", "prod", "a/b:free:nitro"),
        ("prod:prod:x", "prod", "prod:x"),
        ("prod:openrouter/openai/gpt-4o", "prod", "openrouter/openai/gpt-4o"),
        ("prod::", "prod", ":"),
    ];
    for (text, instance, id) in cases {
        let model = workspace.model(text).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new(instance, id), "{text}");
        assert_eq!(*model.listing(), Listing::NotChecked, "{text}");
        assert_eq!(model.was_rewritten_from(), None, "{text}: the form is the proper one");
    }
}

#[tokio::test]
async fn provider_before_a_slash_is_removed() {
    let workspace = two_kinds();
    let cases = [
        ("openrouter/openai/gpt-4o", "prod", "openai/gpt-4o"),
        ("prod/openai/gpt-4o", "prod", "openai/gpt-4o"),
        ("openrouter/openrouter/auto", "prod", "openrouter/auto"),
        ("openrouter/~anthropic/claude-opus-latest", "prod", "~anthropic/claude-opus-latest"),
        ("openrouter/openai/gpt-4o:nitro", "prod", "openai/gpt-4o:nitro"),
        ("openrouter/openai/gpt-4@preset/x", "prod", "openai/gpt-4@preset/x"),
        ("openrouter/@preset/x", "prod", "@preset/x"),
        ("ollama/library/llama3.1:8b", "local", "library/llama3.1:8b"),
        ("local/llama3.1:8b", "local", "llama3.1:8b"),
        ("ollama/llama3.1:8b", "local", "llama3.1:8b"),
    ];
    for (text, instance, id) in cases {
        let model = workspace.model(text).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new(instance, id), "{text}");
        assert_eq!(model.was_rewritten_from(), Some(text));
    }
    assert!(is_listed(&workspace.model("openrouter/openai/gpt-4o").await.unwrap()));
}

#[tokio::test]
async fn a_listed_id_is_never_rewritten() {
    let gateway = listing(&OPENROUTER, &["openrouter/openai/gpt-4o"]);
    let model = workspace([("prod", &gateway)]).model("openrouter/openai/gpt-4o").await.unwrap();
    assert_eq!(model.id(), "openrouter/openai/gpt-4o");
    assert_eq!(model.was_rewritten_from(), None);
}

#[tokio::test]
async fn an_author_is_no_provider_even_where_one_has_that_id() {
    static OPENAI: ProviderDescriptor = describe("openai", "OpenAI");
    let workspace = workspace([
        ("openrouter", &listing(&OPENROUTER, &["openai/gpt-4o"])),
        ("openai", &listing(&OPENAI, &["gpt-4o"])),
    ]);
    for text in ["openai/gpt-4o", "openai/gpt-4o:nitro", "openai/gpt-4@preset/x"] {
        let model = workspace.model(text).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new("openrouter", text));
        assert_eq!(model.was_rewritten_from(), None, "{text}");
    }
}

#[tokio::test]
async fn an_instance_comes_before_a_kind_of_the_same_name() {
    let workspace =
        workspace([("openrouter", &listing(&OPENROUTER, &[])), ("test", &listing(&OPENROUTER, &[]))]);
    let model = workspace.model("openrouter:openai/gpt-4o").await.unwrap();
    assert_eq!(model.reference().provider, "openrouter");
}

#[tokio::test]
async fn invalid_reference_is_refused() {
    let workspace = two_kinds();
    let cases = [
        ("", "is no model reference"),
        (" ", "is no model reference"),
        (" openai/gpt-4o", "white space"),
        ("openai/gpt-4o\n", "white space"),
        ("openai / gpt-4o", "white space"),
        ("openai/gpt\u{0}4o", "is no model reference"),
        ("openrouter:", "names no model after the colon"),
        ("prod:", "names no model after the colon"),
    ];
    for (text, words) in cases {
        let error = workspace.model(text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{text:?}");
        assert!(error.message().contains(words) && error.message().contains(&format!("{text:?}")), "{error}");
    }
}

#[tokio::test]
async fn an_empty_workspace_says_that_it_is() {
    let error = Workspace::new("acme").model("openai/gpt-4o").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("workspace \"acme\" has no provider of language models"), "{error}");
}

#[test]
fn a_search_can_be_sent_to_another_thread() {
    fn sendable(_: impl Send) {}
    sendable(two_kinds().model("openai/gpt-4o"));
}

// Texts that fit several instances, and texts that fit none.

#[tokio::test]
async fn ambiguous_text_lists_the_full_forms() {
    let listed = ["openai/gpt-4o"];
    let two_openrouters =
        workspace([("test", &listing(&OPENROUTER, &listed)), ("prod", &listing(&OPENROUTER, &listed))]);
    let two_that_list =
        workspace([("openrouter", &listing(&OPENROUTER, &listed)), ("local", &listing(&OLLAMA, &listed))]);
    let cases = [
        (&two_that_list, "openai/gpt-4o", "write one of: local:openai/gpt-4o, openrouter:openai/gpt-4o"),
        (&two_openrouters, "openai/gpt-4o", "write one of: prod:openai/gpt-4o, test:openai/gpt-4o"),
        (
            &two_openrouters,
            "openrouter:openai/gpt-4o",
            "write one of: prod:openai/gpt-4o, test:openai/gpt-4o",
        ),
        (
            &two_openrouters,
            "openrouter/openai/gpt-4o",
            "write one of: prod:openai/gpt-4o, test:openai/gpt-4o",
        ),
        (&two_openrouters, "@preset/x", "write one of: prod:@preset/x, test:@preset/x"),
    ];
    for (workspace, text, forms) in cases {
        let error = workspace.model(text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{text}: {error}");
        assert!(error.message().ends_with(forms), "{error}");
    }
}

#[tokio::test]
async fn the_forms_of_an_ambiguous_error_can_be_written() {
    let both = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("prod", &both), ("test", &both)]);
    let error = workspace.model("openai/gpt-4o").await.unwrap_err();
    let forms = error.message().split_once("write one of: ").unwrap().1;
    for form in forms.split(", ") {
        assert_eq!(workspace.model(form).await.unwrap().reference().to_string(), form);
    }
}

#[tokio::test]
async fn unknown_model_suggests_up_to_three_ids() {
    let listed = [
        "openai/gpt-4o",
        "openai/gpt-4o-mini",
        "openai/gpt-4",
        "openai/gpt-5",
        "anthropic/claude-3.5-sonnet",
        "llama3.1:8b",
    ];
    let workspace = workspace([("local", &listing(&OLLAMA, &listed))]);
    let cases = [
        ("openai/gpt-4p", "; similar: local:openai/gpt-4o, local:openai/gpt-4, local:openai/gpt-5"),
        ("anthropic/claude-3-5-sonet", "; similar: local:anthropic/claude-3.5-sonnet"),
        ("OpenAI/GPT-4o", "; similar: local:openai/gpt-4o, local:openai/gpt-4, local:openai/gpt-5"),
        ("claude-3.5-sonnet", "; similar: local:anthropic/claude-3.5-sonnet"),
        ("lama3.1:8b", "; similar: local:llama3.1:8b"),
        ("something/else-entirely", "has the model \"something/else-entirely\""),
    ];
    for (text, hint) in cases {
        let error = workspace.model(text).await.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some(text)));
        assert!(error.message().ends_with(hint), "{error}");
    }
    // A text without an author is compared with the slug alone.
    let error = workspace.model("gpt-5x").await.unwrap_err();
    assert!(error.message().contains("local:openai/gpt-5"), "{error}");
}

#[tokio::test]
async fn unknown_provider_before_a_colon_suggests_the_one_of_a_similar_id() {
    let listed = listing(&OLLAMA, &["large", "llama3:8b"]);
    let workspace = workspace([("borealis", &listed), ("tundra", &listing(&OLLAMA, &["small"]))]);
    let cases = [
        ("boreal:x", "; \"boreal\" is no provider here, but \"borealis\" is: write borealis:x"),
        ("Tundro:small", "; \"Tundro\" is no provider here, but \"tundra\" is: write tundra:small"),
        // Half of all ids have a colon of their own.
        ("llama3:9b", "has the model \"llama3:9b\"; similar: borealis:llama3:8b"),
        ("somewhere:x", "has the model \"somewhere:x\""),
    ];
    for (text, hint) in cases {
        let error = workspace.model(text).await.unwrap_err();
        assert_eq!((error.kind(), error.model()), (ErrorKind::NotFound, Some(text)));
        assert!(error.message().ends_with(hint), "{error}");
    }
}

// Catalogues.

#[tokio::test]
async fn old_or_forgotten_catalogue_is_fetched_again() {
    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let mut workspace = Workspace::new("acme").catalogue_lifetime(Duration::ZERO);
    workspace.add_provider("old", provider.clone()).unwrap();
    workspace.model("openai/gpt-4o").await.unwrap();
    workspace.model("openai/gpt-4o").await.unwrap();
    assert_eq!(fetches(&provider), 2);

    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let mut workspace = Workspace::new("acme");
    workspace.add_provider("forgotten", provider.clone()).unwrap();
    workspace.model("openai/gpt-4o").await.unwrap();
    workspace.instance("forgotten").unwrap().forget_catalogue();
    workspace.model("openai/gpt-4o").await.unwrap();
    assert_eq!(fetches(&provider), 2);
}

#[tokio::test]
async fn a_catalogue_is_fetched_once_for_many_searches() {
    let (open, closed) = (listing(&OPENROUTER, &["openai/gpt-4o"]), listing(&OLLAMA, &["qwen3"]));
    let workspace = workspace([("prod", &open), ("local", &closed)]);
    for text in ["openai/gpt-4o", "qwen3", "@preset/x", "openrouter/openai/gpt-4o", "openai/gpt-4o"] {
        workspace.model(text).await.unwrap();
    }
    workspace.instance("prod").unwrap().catalogue().await.unwrap();
    assert_eq!((fetches(&open), fetches(&closed)), (1, 1));
}

#[tokio::test]
async fn reference_in_two_fields_fetches_nothing() {
    let provider = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("prod", &provider)]);
    let model = workspace.instance("prod").unwrap().model("openai/gpt-4o");
    assert_eq!(*model.reference(), ModelRef::new("prod", "openai/gpt-4o"));
    assert_eq!(*model.listing(), Listing::NotChecked);
    workspace.model("prod:openai/gpt-4o").await.unwrap();
    workspace.model("openrouter:openai/gpt-4o").await.unwrap();
    workspace.model("prod:").await.unwrap_err();
    assert_eq!(fetches(&provider), 0);
}

#[tokio::test]
async fn sole_open_provider_needs_no_catalogue() {
    let provider = unreachable(&OPENROUTER);
    let workspace = workspace([("prod", &provider)]);
    let model = workspace.model("openai/gpt-4o").await.unwrap();
    assert_eq!(*model.reference(), ModelRef::new("prod", "openai/gpt-4o"));
    assert_eq!(*model.listing(), Listing::NotChecked);
    let model = workspace.model("openrouter/openai/gpt-4o").await.unwrap();
    assert_eq!((model.id(), model.listing()), ("openai/gpt-4o", &Listing::NotChecked));
}

#[tokio::test]
async fn offline_a_model_is_found_without_a_fetch() {
    let provider = listing(&OPENROUTER, &["openrouter/some/alias"]);
    let sole = workspace([("openrouter", &provider)]);
    for (text, id, is_rewritten) in [
        ("openrouter:openai/gpt-4o", "openai/gpt-4o", false),
        ("openai/gpt-4o", "openai/gpt-4o", false),
        ("openrouter/auto", "openrouter/auto", false),
        ("openrouter/openai/gpt-4o", "openai/gpt-4o", true),
        ("openrouter/some/alias", "some/alias", true),
    ] {
        let model = sole.model_offline(text).unwrap();
        assert_eq!((model.id(), model.was_rewritten_from().is_some()), (id, is_rewritten), "{text}");
    }
    assert_eq!(fetches(&provider), 0);
    assert_eq!(sole.model_offline("gpt 4o").unwrap_err().kind(), ErrorKind::NotFound);

    // A catalogue that is in memory decides as in `model`.
    sole.instance("openrouter").unwrap().catalogue().await.unwrap();
    let model = sole.model_offline("openrouter/some/alias").unwrap();
    assert_eq!((model.id(), model.was_rewritten_from()), ("openrouter/some/alias", None));

    // Another provider may list it.
    let both = workspace([("openrouter", &provider), ("ollama", &listing(&OLLAMA, &["llama3"]))]);
    let error = both.model_offline("llama3").unwrap_err();
    assert!(error.to_string().contains("ollama:llama3"), "{error}");
}

#[tokio::test]
async fn failed_fetch_is_the_error_for_listed_ids() {
    let workspace = workspace([("local", &unreachable(&OLLAMA))]);
    let error = workspace.model("llama3.1:8b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!((error.provider(), error.model()), (Some("local"), Some("llama3.1:8b")), "{error}");
}

#[tokio::test]
async fn down_provider_hides_no_listed_model() {
    let open = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("prod", &open), ("local", &unreachable(&OLLAMA))]);
    assert!(is_listed(&workspace.model("openai/gpt-4o").await.unwrap()));
}

#[tokio::test]
async fn model_of_a_down_provider_goes_to_no_other() {
    let open = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("prod", &open), ("local", &unreachable(&OLLAMA))]);
    let error = workspace.model("llama3.1:8b").await.unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Connection, Some("local")), "{error}");
    assert!(error.is_retryable(), "the list may be there the next time");
    assert!(workspace.model("prod:llama3.1:8b").await.is_ok(), "unless it is asked for");
}

#[tokio::test]
async fn ambiguity_stays_while_one_instance_is_down() {
    let up = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let workspace = workspace([("test", &up), ("prod", &unreachable(&OPENROUTER))]);
    let error = workspace.model("openai/gpt-4o").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    assert!(error.message().ends_with("write one of: prod:openai/gpt-4o, test:openai/gpt-4o"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn failed_fetch_counts_for_a_short_time() {
    let provider = unreachable(&OLLAMA);
    let workspace = workspace([("local", &provider)]);
    for _ in 0..3 {
        workspace.model("llama3.1:8b").await.unwrap_err();
    }
    assert_eq!(fetches(&provider), 1);
    provider.set_listing(["llama3.1:8b"]);
    tokio::time::advance(Workspace::FAILURE_TTL).await;
    assert!(is_listed(&workspace.model("llama3.1:8b").await.unwrap()));
    assert_eq!(fetches(&provider), 2);
}

#[tokio::test(start_paused = true)]
async fn silent_provider_holds_up_one_selection_for_a_bounded_time() {
    let open = listing(&OPENROUTER, &["openai/gpt-4o"]);
    let day = Duration::from_secs(86_400);
    let silent = ScriptedProvider::new([]).with_descriptor(&OLLAMA).with_listing_delay(day);
    let workspace = workspace([("prod", &open), ("local", &Arc::new(silent))]);
    for (text, seconds) in
        [("openai/gpt-4o", 3), ("openai/gpt-4o", 0), ("@preset/x", 0), ("openai/gpt-4o:nitro", 0)]
    {
        let begin = Instant::now();
        let model = workspace.model(text).await.unwrap();
        assert_eq!(
            (model.reference().provider.as_str(), begin.elapsed().as_secs()),
            ("prod", seconds),
            "{text}"
        );
    }
    // Whether it has this one is not known.
    let error = workspace.model("llama3").await.unwrap_err();
    assert_eq!((error.kind(), error.provider()), (ErrorKind::Timeout, Some("local")), "{error}");
}

// The text form of a reference.

/// Ids as OpenRouter's grammar has them: authors, slugs, aliases, variants, presets, routers.
struct Ids(u64);

impl Ids {
    /// A number below `limit`, the next of a fixed sequence (xorshift).
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn word(&mut self, letters: &[u8]) -> String {
        let length = 1 + self.below(12);
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }

    fn id(&mut self) -> String {
        match self.below(10) {
            0 => format!("openrouter/{}", self.one_of(&["auto", "free", "fusion", "bodybuilder"])),
            1 => format!("@preset/{}", self.word(b"abcxyz019-_")),
            2 => self.word(b"abcxyz019-_.:"),
            _ => {
                let alias = self.one_of(&["", "", "", "~"]);
                let author = match self.below(3) {
                    0 => self.one_of(&INSTANCES).to_owned(),
                    _ => self.word(b"abcxyz019-_"),
                };
                let slug = self.word(b"abcxyzABC019-_.");
                let variants: String = (0..self.below(3)).map(|_| self.variant()).collect();
                let preset = match self.below(4) {
                    0 => format!("@preset/{}", self.word(b"abcxyz019-_")),
                    _ => String::new(),
                };
                format!("{alias}{author}/{slug}{variants}{preset}")
            }
        }
    }

    fn variant(&mut self) -> String {
        let known = [":free", ":nitro", ":floor", ":online", ":thinking", ":extended", ":exacto"];
        match self.below(5) {
            0 => format!(":{}", self.word(b"abcxyz")),
            _ => self.one_of(&known).to_owned(),
        }
    }
}

/// Ids of instances, some of them words that ids of models have too.
const INSTANCES: [&str; 5] = ["prod", "openai", "free", "0", "a-b_c"];

#[tokio::test]
async fn every_reference_is_read_back_as_it_was_written() {
    let provider = listing(&OPENROUTER, &[]);
    let workspace = workspace(INSTANCES.map(|instance| (instance, &provider)));
    let mut ids = Ids(0x5EED);
    for _ in 0..5_000 {
        let id = ids.id();
        for instance in INSTANCES {
            let reference = ModelRef::new(instance, &id);
            let model = workspace.model(&reference.to_string()).await.unwrap();
            assert_eq!(*model.reference(), reference);
            assert_eq!(model.was_rewritten_from(), None);
        }
    }
    assert_eq!(fetches(&provider), 0);
}

#[tokio::test]
async fn every_id_alone_is_that_of_the_only_provider() {
    let workspace = workspace([("prod", &listing(&OPENROUTER, &[]))]);
    let mut ids = Ids(0xACE);
    for _ in 0..5_000 {
        let id = ids.id();
        // A provider's name in front of the first colon names the provider.
        if id.starts_with("prod:") {
            continue;
        }
        let model = workspace.model(&id).await.unwrap();
        assert_eq!(*model.reference(), ModelRef::new("prod", &id));
        assert_eq!(model.was_rewritten_from(), None, "{id}");
    }
}
