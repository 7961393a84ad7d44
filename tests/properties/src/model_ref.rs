//! Model references.

use std::sync::Arc;

use async_trait::async_trait;
use provider_core::{
    Catalogue, ChatRequest, ChatStream, ConnectionReport, Error, ErrorKind, LlmProvider, Model,
    ProviderDescriptor,
};
use provider_registry::{ModelRef, Workspace};

use crate::client::now;

const fn describe(id: &'static str) -> ProviderDescriptor {
    ProviderDescriptor::new(id, id, |_, _| Err(Error::new(ErrorKind::Config, "made by hand only")))
}

static OPENROUTER: ProviderDescriptor = describe("openrouter").accepts_unlisted_models();
static OLLAMA: ProviderDescriptor = describe("ollama");

/// A provider that lists models, or cannot be asked.
#[derive(Debug)]
struct Listing(&'static ProviderDescriptor, Option<&'static [&'static str]>);

#[async_trait]
impl LlmProvider for Listing {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream, Error> {
        Err(Error::new(ErrorKind::Server, "it only lists models"))
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        let ids = self.1.ok_or_else(|| Error::new(ErrorKind::Connection, "nobody answers"))?;
        let model = |id: &&str| {
            let mut model = Model::default();
            model.id.push_str(id);
            model
        };
        Ok(Catalogue::new(ids.iter().map(model).collect(), None))
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        Ok(ConnectionReport::default())
    }
}

const MODELS: &[&str] = &[
    "openai/gpt-4o",
    "openai/gpt-4o:nitro",
    "openrouter/auto",
    "ollama/llama",
    "llama",
    "a:b",
    "@preset/mine",
    "~anthropic/claude-opus-latest",
];

fn workspace(
    providers: &[(&str, &'static ProviderDescriptor, Option<&'static [&'static str]>)],
) -> Workspace {
    let mut workspace = Workspace::new("acme");
    for (id, descriptor, models) in providers {
        workspace.add_provider(id, Arc::new(Listing(descriptor, *models))).expect("an id of its own");
    }
    workspace
}

thread_local! {
    static WORKSPACES: [Workspace; 5] = [
        workspace(&[("openrouter", &OPENROUTER, Some(MODELS))]),
        workspace(&[("openrouter", &OPENROUTER, Some(MODELS)), ("ollama", &OLLAMA, Some(&["llama", "a:b"]))]),
        workspace(&[("prod", &OPENROUTER, Some(MODELS)), ("test", &OPENROUTER, None)]),
        workspace(&[("openai", &OLLAMA, Some(&["gpt-4o"])), ("meta", &OPENROUTER, Some(MODELS)), ("a", &OLLAMA, None)]),
        workspace(&[]),
    ];
}

/// Any text is refused, or finds a model whose id is in it byte for byte; written as provider and model it
/// finds the same one, and where several fit, each way out that the error offers is one.
pub fn model_ref(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    WORKSPACES.with(|workspaces| workspaces.iter().for_each(|workspace| check(workspace, &text)));
}

fn check(workspace: &Workspace, text: &str) {
    match now(workspace.model(text)) {
        Ok(selected) => {
            let reference = selected.reference();
            let ModelRef { provider, model } = reference;
            assert!(workspace.instance(provider).is_ok() && !model.is_empty(), "{reference:?}");
            let kind = workspace.instance(provider).map_or("", |instance| instance.descriptor().id);
            let front = text.strip_suffix(model.as_str()).expect("the id is at the end of the text");
            let named = [provider, kind].iter().any(|name| front == format!("{name}:"));
            let rewritten = [provider, kind].iter().any(|name| front == format!("{name}/"));
            assert!(front.is_empty() || named || rewritten, "{text:?} became {reference:?}");
            assert_eq!(selected.was_rewritten_from(), rewritten.then_some(text));
            let again = now(workspace.model(&reference.to_string())).expect("a full reference");
            assert_eq!(again.reference(), reference);
            assert_eq!(selected.request().model, *model);
            let json = serde_json::to_string(reference).expect("JSON");
            assert_eq!(serde_json::from_str::<ModelRef>(&json).expect("the same"), *reference);
        }
        Err(error) if error.kind() == ErrorKind::Ambiguous => {
            let (_, forms) = error.message().rsplit_once("write one of: ").expect("ways out");
            let forms: Vec<&str> = forms.split(", ").collect();
            assert!(forms.len() > 1, "{error}");
            for form in forms.iter().filter(|form| !form.ends_with(':')) {
                let found = now(workspace.model(form)).expect("a way out");
                assert_eq!(found.reference().to_string(), **form);
            }
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Connection), "{error}");
            assert!(!error.message().contains(char::is_control), "{error}");
        }
    }
}
