use super::*;
use crate::Catalogue;

fn model(id: &str, name: &str) -> Model {
    Model { id: id.to_owned(), name: name.to_owned(), ..Model::default() }
}

fn catalogue() -> Catalogue {
    let models = [
        ("openai/gpt-4o", "OpenAI: GPT-4o"),
        ("openai/gpt-4o-mini", "OpenAI: GPT-4o-mini"),
        ("openai/o4-mini", "OpenAI: o4 Mini"),
        ("openai/gpt-4o:batch", "OpenAI: GPT-4o (batch)"),
        ("anthropic/claude-sonnet-4.5", "Anthropic: Claude Sonnet 4.5"),
        ("anthropic/claude-3.5-sonnet", "Anthropic: Claude 3.5 Sonnet"),
        ("~anthropic/claude-opus-latest", "Anthropic: Claude Opus Latest"),
        ("google/gemini-2.5-pro", "Google: Gemini 2.5 Pro"),
        ("meta-llama/llama-3.3-70b-instruct", "Meta: Llama 3.3 70B Instruct"),
        ("mistralai/mistral-large", "Mistral Large"),
        ("qwen/qwen3-max", "Qwen: 通义千问 Max"),
    ];
    let mut models: Vec<Model> = models.map(|(id, name)| model(id, name)).into();
    models[3].batch_only = true;
    Catalogue::new(models, None)
}

fn ids<'a>(catalogue: &'a Catalogue, query: &ModelQuery) -> Vec<&'a str> {
    catalogue.select(query).iter().map(|model| model.id.as_str()).collect()
}

#[test]
fn words_are_found_however_they_are_typed() {
    let catalogue = catalogue();
    for (text, wanted) in [
        ("gpt-4o", &["openai/gpt-4o", "openai/gpt-4o-mini"][..]),
        ("openai/gpt-4o", &["openai/gpt-4o", "openai/gpt-4o-mini"]),
        ("gpt4o", &["openai/gpt-4o", "openai/gpt-4o-mini"]),
        ("mini GPT", &["openai/gpt-4o-mini"]),
        ("mini", &["openai/o4-mini", "openai/gpt-4o-mini", "google/gemini-2.5-pro"]),
        ("sonnet claude", &["anthropic/claude-3.5-sonnet", "anthropic/claude-sonnet-4.5"]),
        ("sonet 4.5", &["anthropic/claude-sonnet-4.5"]),
        ("antropic opus", &["~anthropic/claude-opus-latest"]),
        ("anhtropic opus", &["~anthropic/claude-opus-latest"]),
        ("clade opsu", &["~anthropic/claude-opus-latest"]),
        ("cldsnt", &["anthropic/claude-sonnet-4.5"]),
        ("4oopenai", &[]),
        ("emini2.5", &[]),
        ("claude3.5sonnet", &["anthropic/claude-3.5-sonnet"]),
        ("llama3.3", &["meta-llama/llama-3.3-70b-instruct"]),
        ("mistrl", &["mistralai/mistral-large"]),
        ("千问", &["qwen/qwen3-max"]),
        ("gpt-4o-2", &[]),
        ("claude gpt", &[]),
        ("gpt-5", &[]),
        ("xyz", &[]),
        ("/", &["openai/gpt-4o", "openai/o4-mini", "qwen/qwen3-max"]),
    ] {
        let found = ids(&catalogue, &ModelQuery::new(text));
        if text == "/" {
            assert_eq!(found.len(), 10);
            assert_eq!(found[..1], wanted[..1], "the shortest first");
        } else {
            assert_eq!(found, wanted, "{text:?}");
        }
    }
}

#[test]
fn strong_fits_come_before_weak_ones() {
    let models =
        ["a/s-o-n-net", "a/sonet-x", "a/my-xsonnets", "a/sonnets", "a/sonnet"].map(|id| model(id, ""));
    let catalogue = Catalogue::new(models.into(), None);
    let wanted = ["a/sonnet", "a/sonnets", "a/my-xsonnets", "a/s-o-n-net", "a/sonet-x"];
    assert_eq!(ids(&catalogue, &ModelQuery::new("sonnet")), wanted);
    let models = [("b/other", "B: Llama"), ("meta/llama-70b", "M"), ("a/x-llamas", "A")]
        .map(|(id, name)| model(id, name));
    let catalogue = Catalogue::new(models.into(), None);
    let wanted = ["meta/llama-70b", "b/other", "a/x-llamas"];
    assert_eq!(ids(&catalogue, &ModelQuery::new("llama")), wanted, "the id counts more than the name");
    // Two words of which one fits weakly, against one that fits twice.
    let models = ["zzz/sonet-sonet-claude", "b/claudette-sonnetic"].map(|id| model(id, ""));
    let catalogue = Catalogue::new(models.into(), None);
    assert_eq!(ids(&catalogue, &ModelQuery::new("claude sonnet"))[0], "b/claudette-sonnetic");
}

#[test]
fn a_text_can_be_of_any_length_and_script() {
    let catalogue = catalogue();
    for text in ["", " ", "İ", "ẞ", "\u{0}", "a\u{301}", "-", "🗼🗼🗼🗼"] {
        catalogue.select(&ModelQuery::new(text));
    }
    assert!(ids(&catalogue, &ModelQuery::new("claude".repeat(5_000))).is_empty());
}

#[test]
fn without_a_text_the_order_is_the_providers() {
    let catalogue = catalogue();
    let all = ids(&catalogue, &ModelQuery::default());
    let listed: Vec<&str> = catalogue.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(all, listed.into_iter().filter(|id| !id.ends_with(":batch")).collect::<Vec<_>>());
    assert_eq!(ids(&catalogue, &ModelQuery::default().include_unselectable()).len(), 11);
    assert_eq!(ids(&catalogue, &ModelQuery::default().limit(2)), ["openai/gpt-4o", "openai/gpt-4o-mini"]);
}

#[test]
fn conditions_combine_and_what_is_unknown_meets_none() {
    let mut catalogue = catalogue();
    let price = |text: &str| Some(Price::Fixed(text.parse().unwrap()));
    let gpt = &mut catalogue.models[0];
    gpt.input_modalities = vec!["text".into(), "image".into()];
    gpt.output_modalities = vec!["text".into()];
    gpt.supported_parameters = vec!["tools".into()];
    gpt.context_length = Some(128_000);
    gpt.pricing.prompt = price("0.0000025");
    gpt.pricing.completion = price("0.00001");
    catalogue.models[7].pricing.prompt = Some(Price::Varies);
    catalogue.models[7].pricing.completion = Some(Price::Varies);
    let llama = &mut catalogue.models[8];
    llama.pricing.prompt = price("0");
    llama.pricing.completion = price("0");
    llama.context_length = Some(8_000);
    llama.output_modalities = vec!["embeddings".into()];

    let usd = |text: &str| text.parse::<Usd>().unwrap();
    let query = ModelQuery::default;
    let gpt = "openai/gpt-4o";
    for (query, wanted) in [
        (query().supports_input("image"), &[gpt][..]),
        (query().supports_input("image").supports_input("video"), &[]),
        (query().supports_output("text"), &[gpt]),
        (query().supports_output("image"), &[]),
        (query().supports("tools"), &[gpt]),
        (query().supports("tools").supports("seed"), &[]),
        (query().min_context(128_000), &[gpt]),
        (query().min_context(128_001), &[]),
        (query().max_prompt_price(usd("2.5")), &[gpt]),
        (query().max_prompt_price(usd("2.499999")), &[]),
        (query().max_completion_price(usd("10")), &[gpt]),
        (query().max_price(usd("9.99")), &[]),
        (query().free(), &[]),
        (query().free().include_unselectable(), &["meta-llama/llama-3.3-70b-instruct"]),
        (
            query().author("OpenAI").author("mistralai"),
            &[gpt, "openai/gpt-4o-mini", "openai/o4-mini", "mistralai/mistral-large"],
        ),
        (ModelQuery::new("latest").author("anthropic"), &["~anthropic/claude-opus-latest"]),
        (query().author("~anthropic"), &[]),
    ] {
        assert_eq!(ids(&catalogue, &query), wanted, "{query:?}");
    }
}

#[test]
fn orders_put_the_unknown_last_and_equals_by_id() {
    let price = |text: &str| Some(Price::Fixed(text.parse().unwrap()));
    let mut models = ["a/e", "a/d", "a/c", "a/b", "a/a"].map(|id| model(id, ""));
    for (model, amount) in models.iter_mut().zip(["3", "1", "1"]) {
        model.pricing.prompt = price(amount);
        model.pricing.completion = price("0");
    }
    models[3].pricing.prompt = Some(Price::Varies);
    models[3].pricing.completion = price("0");
    for (model, number) in models.iter_mut().zip([7, 9, 7]) {
        model.context_length = Some(number);
        model.created = Some(10 - number);
    }
    let catalogue = Catalogue::new(models.into(), None);
    for (sort, wanted) in [
        (ModelSort::Relevance, "a/e a/d a/c a/b a/a"),
        (ModelSort::Id, "a/a a/b a/c a/d a/e"),
        (ModelSort::Price, "a/c a/d a/e a/a a/b"),
        (ModelSort::Context, "a/d a/c a/e a/a a/b"),
        (ModelSort::Newest, "a/c a/e a/d a/a a/b"),
    ] {
        assert_eq!(ids(&catalogue, &ModelQuery::default().sort(sort)).join(" "), wanted, "{sort:?}");
    }
}
