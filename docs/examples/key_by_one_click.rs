use openrouter_provider::OpenRouter;
use openrouter_provider::pkce::Authorization;
use provider_core::{ConfigValues, Error, ProviderContext};

/// `visit` sends the user's browser to an address, and returns the one that it comes back to.
pub async fn key_by_one_click(
    values: &ConfigValues, // none for the public service
    visit: impl AsyncFn(&str) -> String,
) -> Result<OpenRouter, Error> {
    let context = ProviderContext::new();
    let authorization = Authorization::start("http://localhost:3000/callback", values, &context)?;
    let redirected = visit(authorization.url()).await;
    let code = authorization.code(&redirected)?; // only of the answer to this very request
    let granted = authorization.exchange(code).await?;
    println!("a key of {:?}", granted.user_id);
    OpenRouter::from_values(values.clone().set("api_key", granted.key.expose()))
}
