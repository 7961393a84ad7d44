//! A server on a free port, with a workspace whose OpenRouter is the sandbox.

use http::Method;
use openrouter_provider as _;
use openrouter_sandbox::Sandbox;
use provider_http::AddressPolicy;
use provider_registry::Registry;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use workspace_server::{Server, ServerError, ServerSettings};
use workspace_store::{Actor, MasterKey, NewProvider, NewToken, NewWorkspace, Role, Store, StoreOptions};

pub(crate) const OPERATOR_KEY: &str = "operator-key-of-the-tests-0123456789";

/// A running server.
pub(crate) struct Host {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), ServerError>>,
    /// The database `host.db` and the file of its master key, `key`.
    pub(crate) folder: TempDir,
}

impl Host {
    /// Starts one with the workspace `acme`.
    pub(crate) async fn start() -> Self {
        Self::start_with(|settings| settings).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(ServerSettings) -> ServerSettings) -> Self {
        Self::start_on(StoreOptions::new(), change).await
    }

    pub(crate) async fn start_on(
        options: StoreOptions,
        change: impl FnOnce(ServerSettings) -> ServerSettings,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = MasterKey::dev_file(folder.path().join("key")).expect("a key");
        let url = format!("sqlite:{}", folder.path().join("host.db").display());
        let store = Store::open_with(&url, key, options).await.expect("a store");
        let sandbox = Sandbox::builder().start().await.expect("a sandbox");
        let registry = Registry::discover().expect("providers");
        let host = Actor::new("tests");
        store.create_workspace(NewWorkspace::new("acme"), &host).await.expect("a workspace");
        let settings = [("api_key", "sk-or-v1-sandbox"), ("base_url", sandbox.base_url())];
        let provider = NewProvider::new("OpenRouter", settings);
        store.add_provider("acme", &registry, provider, &host).await.expect("a provider");
        let addresses = AddressPolicy::public().allow_socket(sandbox.address());
        let settings = ServerSettings::new(folder.path().join("runs"));
        let settings = settings.operator_key(OPERATOR_KEY).addresses(addresses);
        let server = Server::new(store.clone(), registry, change(settings)).expect("a server");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(listener, async {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::new();
        Self { url, store, sandbox, http, stop: Some(stop), serving, folder }
    }

    /// Creates a workspace with the name Acme, whose OpenRouter is the sandbox.
    pub(crate) async fn workspace(&self, id: &str) {
        let (registry, by) = (Registry::discover().expect("providers"), Actor::new("tests"));
        self.store.create_workspace(NewWorkspace::new(id).name("Acme"), &by).await.expect("a workspace");
        let settings = [("api_key", "sk-or-v1-sandbox"), ("base_url", self.sandbox.base_url())];
        let provider = NewProvider::new("OpenRouter", settings);
        self.store.add_provider(id, &registry, provider, &by).await.expect("a provider");
    }

    /// Creates a token of a workspace.
    pub(crate) async fn token(&self, workspace: &str, role: Role) -> String {
        let new = NewToken::new(format!("the {role} of the tests"), role);
        let token = self.store.create_token(workspace, new, &Actor::new("tests")).await.expect("a token");
        token.text.expose().to_owned()
    }

    /// Tells the server to stop.
    pub(crate) fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Stops the server and waits until it has settled everything.
    pub(crate) async fn stop(mut self) {
        self.tell_to_stop();
        (&mut self.serving).await.expect("no panic").expect("a clean end");
    }
}

/// The bearer of a token, at the API.
pub(crate) struct Client<'a> {
    pub(crate) host: &'a Host,
    pub(crate) token: String,
}

impl<'a> Client<'a> {
    pub(crate) async fn of(host: &'a Host, role: Role) -> Self {
        Self { host, token: host.token("acme", role).await }
    }

    /// Sends a request to a path below `/api/v1/`, and returns status and envelope.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.host.http.request(method, format!("{}/api/v1/{path}", self.host.url));
        let request = body.iter().fold(request.bearer_auth(&self.token), |request, body| request.json(body));
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, None).await;
        assert_eq!(
            (status, &body["status"], &body["code"]),
            (200, &json!("success"), &json!("ok")),
            "{body}"
        );
        body["data"].clone()
    }

    /// The refusal must be for this field.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value, field: &str) -> Value {
        let (status, answer) = self.send(method, path, Some(body)).await;
        assert_eq!((status, answer["status"].as_str()), (422, Some("error")), "{answer}");
        assert_eq!(answer["data"]["problems"][0]["field"], field, "{answer}");
        answer
    }

    pub(crate) async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"].clone()
    }
}
