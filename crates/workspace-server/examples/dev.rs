//! Serves a workspace whose OpenRouter is the sandbox, for the clients of `tests/outside/run`. Prints its URL
//! and a token as JSON, and serves until it is killed.

use openrouter_provider as _;
use openrouter_sandbox::Sandbox;
use provider_registry::Registry;
use workspace_server::{Server, ServerSettings};
use workspace_store::{Actor, MasterKey, NewProvider, NewToken, NewWorkspace, Role, Store};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let key = MasterKey::dev_file(folder.path().join("master.key"))?;
    let store = Store::open(&format!("sqlite:{}", folder.path().join("host.db").display()), key).await?;
    let sandbox = Sandbox::builder().start().await?;
    let registry = Registry::discover()?;
    let host = Actor::new("dev");
    store.create_workspace(NewWorkspace::new("dev"), &host).await?;
    let settings = [("api_key", "sk-or-v1-sandbox"), ("base_url", sandbox.base_url()), ("max_attempts", "1")];
    store.add_provider("dev", &registry, NewProvider::new("OpenRouter", settings), &host).await?;
    let token = store.create_token("dev", NewToken::new("dev", Role::Member), &host).await?;
    let server = Server::new(store, registry, ServerSettings::new(folder.path().join("runs.spill")))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!(
        "{}",
        serde_json::json!({
            "url": format!("http://{address}"),
            "openai": format!("http://{address}/w/dev/v1"),
            "token": token.text.expose(),
        })
    );
    server.serve(listener, std::future::pending()).await?;
    Ok(())
}
