//! The catalogue on disk: exact, offline, and never in the way.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, their helpers too")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use provider_core::{
    AliasTarget, Catalogue, Effort, Error, ErrorKind, LlmProvider, Model, Price, PriceOverride, Prices,
    ReasoningOptions, RequestLimits, TimeOfDay,
};
use provider_layers::{CachedCatalogue, CatalogueCache, CatalogueCacheSettings, CatalogueOrigin};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;

use support::{Listed, OTHER, Scripted, catalogue, folder};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn listing(list: Catalogue) -> Arc<Scripted> {
    Scripted::listing(Ok(list), Duration::ZERO)
}

fn offline() -> Arc<Scripted> {
    Scripted::listing(Err(Error::new(ErrorKind::Connection, "nobody answers")), Duration::ZERO)
}

fn cache(provider: &Arc<Scripted>, file: &Path) -> CatalogueCache {
    CatalogueCache::new(provider.clone(), CatalogueCacheSettings::default().disk(file))
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Changes something in a file that a cache has written.
fn edit(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut content = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut content);
    fs::write(file, content.to_string()).unwrap();
}

fn fetched_before(file: &Path, age: Duration) {
    let fetched = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age;
    edit(file, |content| content["fetched_ms"] = u64::try_from(fetched.as_millis()).unwrap().into());
}

/// A catalogue with something in every field, and what floats and reformatting would spoil.
fn intricate() -> Catalogue {
    let mut model = Model::default();
    model.id = "acme/π:free".to_owned();
    model.name = "A \"quoted\"\nname".to_owned();
    model.canonical_slug = Some("acme/pi-2026".to_owned());
    model.description = Some(String::new());
    model.created = Some(u64::MAX);
    model.context_length = Some(0);
    model.max_completion_tokens = Some(1);
    model.input_modalities = vec!["text".into(), "image".into()];
    model.output_modalities = vec!["text".into()];
    model.supported_parameters = vec!["tools".into()];
    let fixed = |text: &str| Some(Price::Fixed(text.parse().unwrap()));
    model.pricing.prompt = fixed("0.00011915000000000001");
    model.pricing.completion = fixed("0.000000000000000000000001");
    model.pricing.request = fixed("0.1");
    model.pricing.image = fixed("12345678901.000000000000000000000001");
    model.pricing.input_cache_read = fixed("0");
    model.pricing.input_cache_write = fixed("0.3");
    model.pricing.internal_reasoning = Some(Price::Varies);
    model.pricing.discount = Some(0.25);
    let mut night = Prices::default();
    night.completion = fixed("0.0000000001000000000000000001");
    let (from, until) = (TimeOfDay::from_hhmm(1630).unwrap(), TimeOfDay::END_OF_DAY);
    model.pricing.overrides =
        vec![PriceOverride::new(night).above_prompt_tokens(200_000).between(from, until)];
    model.hugging_face_id = Some("acme/pi".to_owned());
    model.knowledge_cutoff = Some("2024-10-01".to_owned());
    model.top_provider_context_length = Some(8192);
    model.is_moderated = Some(false);
    let mut limits = RequestLimits::default();
    limits.prompt_tokens = Some(7);
    model.per_request_limits = Some(limits);
    model.modality = Some("text+image->text".to_owned());
    model.tokenizer = Some("GPT".to_owned());
    model.instruct_type = Some("chatml".to_owned());
    model.default_parameters.temperature = Some(0.7);
    model.default_parameters.top_k = Some(40);
    model.supported_voices = vec!["alloy".into()];
    let mut reasoning = ReasoningOptions::default();
    reasoning.mandatory = true;
    reasoning.default_effort = Some(Effort::Other("utter".to_owned()));
    reasoning.supported_efforts = Some(vec![Effort::XHigh, Effort::Low]);
    model.reasoning = Some(reasoning);
    model.expiration_date = Some("2026-12-31".to_owned());
    let mut target = AliasTarget::default();
    target.slug = "acme/pi-2027".to_owned();
    model.alias_target = Some(target);
    model.details_link = Some("/details".to_owned());
    model.batch_only = true;
    model.raw =
        Some(r#"{ "id" : "acme/π:free", "n": 1e-30, "n2": 12345678901234567890.10 }"#.parse().unwrap());
    Catalogue::new(vec![model, Model::default()], Some(700))
}

#[tokio::test]
async fn list_is_read_as_it_was_written() {
    let file = folder("round_trip").join("new/folder/acme.json");
    let list = intricate();
    let first = cache(&listing(list.clone()), &file);
    assert_eq!(first.get().await.unwrap().origin, CatalogueOrigin::Network);
    assert!(first.disk_error().is_none());

    let provider = offline();
    let second = cache(&provider, &file);
    assert!(second.peek().is_none(), "no file is read to peek");
    let read = second.get().await.unwrap();
    assert_eq!(*read.catalogue, list);
    assert_eq!((read.origin, read.is_stale()), (CatalogueOrigin::Disk, false));
    assert!(read.age() < HOUR);
    assert_eq!(second.get().await.unwrap().origin, CatalogueOrigin::Disk);
    assert_eq!(provider.fetches(), 0);

    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(r#""prompt":{"fixed":0.00011915000000000001}"#), "{text}");
    let Value::Object(content) = serde_json::from_str(&text).unwrap() else { panic!("an object: {text}") };
    let mut keys: Vec<&String> = content.keys().collect();
    keys.sort();
    assert_eq!(keys, ["catalogue", "fetched_ms", "format", "provider"], "and nothing else");
    assert_eq!(files(file.parent().unwrap()), ["acme.json"], "nothing is left lying around");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let file = folder("owner").join("inner/acme.json");
    cache(&listing(intricate()), &file).get().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
}

#[tokio::test]
async fn old_file_serves_while_the_service_is_down() {
    let file = folder("offline").join("acme.json");
    cache(&listing(catalogue(&[("a", Listed::Paid)])), &file).get().await.unwrap();
    fetched_before(&file, 3 * HOUR);
    let provider = offline();
    let away = cache(&provider, &file);
    let stale = away.get().await.unwrap();
    assert_eq!((&*stale.catalogue.models[0].id, stale.is_stale()), ("a", true));
    assert!(stale.age() >= 3 * HOUR && stale.age() < 4 * HOUR);
    while provider.fetches() == 0 || away.peek().unwrap().refresh_error.is_none() {
        tokio::task::yield_now().await;
    }

    fetched_before(&file, 25 * HOUR);
    let error = cache(&offline(), &file).get().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "but not for ever");
}

#[tokio::test]
async fn unusable_file_is_replaced() {
    let file = folder("damaged").join("acme.json");
    let old = catalogue(&[("old", Listed::Paid)]);
    type Damage = (&'static str, fn(&Path));
    let damages: [Damage; 10] = [
        ("not there", |file| fs::remove_file(file).unwrap()),
        ("empty", |file| fs::write(file, "").unwrap()),
        ("no JSON", |file| fs::write(file, [0xff, 0x00]).unwrap()),
        ("cut short", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() - 10]).unwrap();
        }),
        ("something else", |file| fs::write(file, "[1, 2]").unwrap()),
        ("another version", |file| edit(file, |content| content["format"] = 2.into())),
        ("another provider", |file| edit(file, |content| content["provider"] = "other".into())),
        ("from the future", |file| edit(file, |content| content["fetched_ms"] = u64::MAX.into())),
        ("from tomorrow", |file| {
            edit(file, |content| {
                content["fetched_ms"] = (content["fetched_ms"].as_u64().unwrap() + 86_400_000).into();
            });
        }),
        ("no price", |file| {
            edit(file, |content| {
                content["catalogue"]["models"][0]["pricing"]["prompt"]["fixed"] = "free".into()
            });
        }),
    ];
    for (what, damage) in damages {
        cache(&listing(old.clone()), &file).refresh().await.unwrap();
        damage(&file);
        let provider = listing(catalogue(&[("new", Listed::Paid)]));
        let fetched = cache(&provider, &file);
        assert_eq!(fetched.get().await.unwrap().catalogue.models[0].id, "new", "{what}");
        assert_eq!((provider.fetches(), fetched.disk_error()), (1, None), "{what}");
        assert_eq!(cache(&offline(), &file).get().await.unwrap().catalogue.models[0].id, "new", "{what}");
    }
}

#[tokio::test]
async fn list_survives_a_failed_write() {
    let folder = folder("unwritable");
    fs::write(folder.join("file"), "").unwrap();
    fs::create_dir(folder.join("acme.json")).unwrap();
    for path in [folder.join("file/acme.json"), folder.join("acme.json"), folder.join("..")] {
        let cache = cache(&listing(catalogue(&[("a", Listed::Paid)])), &path);
        assert_eq!(cache.get().await.unwrap().catalogue.models[0].id, "a");
        let error = cache.disk_error().expect("an error");
        assert_eq!((error.kind(), error.provider()), (ErrorKind::Config, Some("acme")));
        assert!(error.message().contains(&format!("{path:?}")), "{error}");
    }
    let mut left = files(&folder);
    left.sort();
    assert_eq!(left, ["acme.json", "file"]);
}

#[tokio::test]
async fn first_callers_share_one_reading() {
    let file = folder("many").join("acme.json");
    cache(&listing(intricate()), &file).get().await.unwrap();
    let provider = offline();
    let cache = Arc::new(cache(&provider, &file));
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let cache = cache.clone();
        callers.spawn(async move { cache.get().await.unwrap().catalogue });
    }
    let lists = callers.join_all().await;
    assert!(lists.iter().all(|list| Arc::ptr_eq(list, &lists[0])), "one list for all");
    assert_eq!(provider.fetches(), 0);
}

#[tokio::test]
async fn forgotten_list_is_not_read_again() {
    let file = folder("forgotten").join("acme.json");
    cache(&listing(catalogue(&[("old", Listed::Paid)])), &file).get().await.unwrap();
    for asks_before in [false, true] {
        let forgetful = cache(&offline(), &file);
        if asks_before {
            forgetful.get().await.unwrap();
        }
        forgetful.forget();
        assert_eq!(forgetful.get().await.unwrap_err().kind(), ErrorKind::Connection);
    }
}

#[tokio::test]
async fn file_of_another_provider_is_not_read() {
    let file = folder("foreign").join("shared.json");
    cache(&listing(catalogue(&[("a", Listed::Paid)])), &file).get().await.unwrap();
    let other: Arc<dyn LlmProvider> =
        Scripted::with(&OTHER, &[], Err(Error::new(ErrorKind::Connection, "nobody answers")), Duration::ZERO);
    assert!(CatalogueCache::new(other, CatalogueCacheSettings::default().disk(&file)).get().await.is_err());
}

// Several who fetch at the same time.

fn first_model(cached: Option<CachedCatalogue>) -> Option<String> {
    Some(cached?.catalogue.models.first()?.id.clone())
}

/// A cache in this file, of a service that has this one model and takes so long to say so: one process of
/// several.
fn process(file: &Path, model: &str, takes: Duration) -> Arc<CatalogueCache> {
    let list = Ok(catalogue(&[(model, Listed::Paid)]));
    Arc::new(cache(&Scripted::listing(list, takes), file))
}

#[tokio::test(start_paused = true)]
async fn later_list_outlives_an_earlier_slower_one() {
    let file = folder("overlap").join("acme.json");
    let slow = process(&file, "earlier", Duration::from_secs(10));
    let quick = process(&file, "later", Duration::from_secs(1));
    let fetching = tokio::spawn({
        let slow = slow.clone();
        async move { slow.refresh().await.unwrap() }
    });
    sleep(Duration::from_secs(5)).await;
    quick.refresh().await.unwrap();
    fetching.await.unwrap();
    assert_eq!(first_model(slow.peek()).as_deref(), Some("later"), "in memory, too");
    for cache in [&slow, &quick, &Arc::new(cache(&offline(), &file))] {
        assert_eq!(first_model(cache.get().await.ok()).as_deref(), Some("later"));
    }
    assert_eq!((slow.disk_error(), files(file.parent().unwrap()).len()), (None, 1));

    // Asked for even later, it is the newer one again. The file's clock is not the one that is paused.
    fetched_before(&file, HOUR);
    slow.refresh().await.unwrap();
    assert_eq!(first_model(slow.peek()).as_deref(), Some("earlier"));
    assert_eq!(first_model(cache(&offline(), &file).get().await.ok()).as_deref(), Some("earlier"));
}

#[tokio::test(start_paused = true)]
async fn file_read_during_a_fetch_counts_if_newer() {
    for (takes, expected) in [(10, "in the file"), (2, "fetched")] {
        let file = folder("read_meanwhile").join("acme.json");
        let own = process(&file, "fetched", Duration::from_secs(takes));
        let fetching = tokio::spawn({
            let own = own.clone();
            async move { own.refresh().await.unwrap() }
        });
        sleep(Duration::from_secs(1)).await;
        process(&file, "in the file", Duration::ZERO).refresh().await.unwrap();
        if takes == 2 {
            // Older than the fetch.
            fetched_before(&file, HOUR);
        }
        assert_eq!(first_model(own.get().await.ok()).as_deref(), Some("in the file"));
        fetching.await.unwrap();
        assert_eq!(first_model(own.peek()).as_deref(), Some(expected));
        assert_eq!(first_model(cache(&offline(), &file).get().await.ok()).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn concurrent_writers_leave_a_whole_file() {
    let file = folder("crowd").join("acme.json");
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let cache = process(&file, &format!("m{number}"), Duration::from_millis(number % 5));
        writers.spawn(
            async move { cache.refresh().await.map(drop).and(cache.disk_error().map_or(Ok(()), Err)) },
        );
    }
    writers.join_all().await.into_iter().for_each(Result::unwrap);
    assert!(first_model(cache(&offline(), &file).get().await.ok()).is_some());
    assert_eq!(files(file.parent().unwrap()), ["acme.json"]);
}

#[tokio::test]
async fn older_file_does_not_replace_memory() {
    let file = folder("older").join("acme.json");
    let cache = cache(&listing(catalogue(&[("new", Listed::Paid)])), &file);
    cache.refresh().await.unwrap();
    edit(&file, |content| content["catalogue"]["models"][0]["id"] = "old".into());
    fetched_before(&file, Duration::from_secs(60));
    assert_eq!(cache.get().await.unwrap().catalogue.models[0].id, "new");
}
