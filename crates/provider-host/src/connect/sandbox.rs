//! The sandbox inside this program.

use std::time::Duration;

use openrouter_sandbox::Sandbox;

use super::plan::Plan;
use crate::exit::Failure;

/// The providers that speak with the sandbox.
const PROVIDERS: [&str; 2] = [openrouter_provider::ID, openai_compatible_provider::ID];
/// The settings that the sandbox has of its own.
const SETTINGS: [&str; 2] = ["api_key", "base_url"];
/// The sandbox's time per token: slow enough to watch a stream, quick enough to wait for it.
const TOKEN_DELAY: Duration = Duration::from_millis(15);

/// Starts the sandbox for these providers.
///
/// # Errors
/// When a provider cannot speak with it, a flag gives it a key or a base URL, or no port is free.
pub(super) async fn start(plan: &Plan) -> Result<Sandbox, Failure> {
    for (number, one) in plan.chosen.iter().enumerate() {
        if !PROVIDERS.contains(&one.provider.id) {
            let problem =
                format!("there is no sandbox for {}, only for {}", one.provider.id, PROVIDERS.join(" and "));
            return Err(Failure::Usage(problem));
        }
        if let Some((key, _)) = plan.given.of(number).find(|(key, _)| SETTINGS.contains(key)) {
            let problem =
                format!("--sandbox has a {key} of its own; leave out the flag that sets {}.{key}", one.id);
            return Err(Failure::Usage(problem));
        }
    }
    let sandbox = Sandbox::builder().token_delay(TOKEN_DELAY).start().await;
    sandbox.map_err(|error| Failure::Io("cannot start the sandbox".to_owned(), error))
}

/// The note that the sandbox answers, and which variables it ignores.
pub(super) fn note(plan: &Plan) -> String {
    let mut unused: Vec<&str> = Vec::new();
    for one in &plan.chosen {
        let fields = SETTINGS.into_iter().filter_map(|key| one.field(key)?.env);
        for variable in fields.filter(|name| plan.environment.has(name)) {
            if !unused.contains(&variable) {
                unused.push(variable);
            }
        }
    }
    let note = "this is the built-in sandbox: answers are made up, and nothing is billed";
    match unused.as_slice() {
        [] => note.to_owned(),
        [one] => format!("{note}; {one} is not used"),
        several => format!("{note}; {} are not used", several.join(" and ")),
    }
}
