use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, ErrorKind, RetryAdvice};

/// The answer, or a sentence for the person who asked.
pub async fn failures(openrouter: &OpenRouter, request: &ChatRequest) -> Result<String, String> {
    let error = match openrouter.chat(request).await {
        Ok(reply) => return Ok(reply.text().to_owned()),
        Err(error) => error,
    };
    eprintln!("{error}"); // one line for the log, without secrets
    if let Some(partial) = error.partial() {
        eprintln!("{:?} was paid for {:?}", partial.usage.cost, partial.text());
    }
    let told = match (error.kind(), error.retry()) {
        (ErrorKind::ContextLength, _) => "This conversation is too long for the model.".to_owned(),
        (ErrorKind::PaymentRequired, RetryAdvice::Never) => "There is no money left for this.".to_owned(),
        (_, RetryAdvice::Never) => format!("This cannot be answered: {}.", error.message()),
        (_, advice) => match advice.after() {
            Some(wait) => format!("Please try again in {} s.", wait.as_secs()),
            None => "Please try again.".to_owned(),
        },
    };
    Err(match error.next_step() {
        Some(step) => format!("{told} Next step: {step}."),
        None => told,
    })
}
