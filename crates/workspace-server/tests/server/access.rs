//! The access of tokens to routes.

use serde_json::Value;
use workspace_store::{Actor, NewWorkspace, Role};

use crate::support::Host;

#[tokio::test]
async fn token_opens_its_own_workspace_alone() {
    let host = Host::start().await;
    host.store.create_workspace(NewWorkspace::new("other"), &Actor::new("tests")).await.expect("a workspace");
    let token = host.token("acme", Role::Viewer).await;
    let get = |path: &str| {
        let request = host.http.get(format!("{}{path}", host.url)).bearer_auth(&token);
        async { request.send().await.expect("an answer") }
    };
    let answer = get("/api/v1/workspaces/acme").await;
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["data"]["id"], "acme");
    assert_eq!(get("/api/v1/workspaces/other").await.status(), 404);
    assert_eq!(get("/api/v1/workspaces/none").await.status(), 404);
    host.stop().await;
}
