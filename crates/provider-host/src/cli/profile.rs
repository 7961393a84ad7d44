//! What the profile adds to the flags of a command: the model, its aliases, parameters.

use super::{ChatArgs, Cli, Command};
use crate::config::Profile;
use crate::exit::Failure;
use crate::params::Params;

impl Cli {
    /// Adds what the profile has, where no flag says otherwise.
    ///
    /// # Errors
    /// When the command lacks a model, or has two prompts.
    pub(crate) fn add(&mut self, profile: &Profile) -> Result<(), Failure> {
        match &mut self.command {
            Command::Chat(args) => {
                add_to_params(&mut args.params, profile)?;
                args.settle(profile)
            }
            Command::Compare(args) => {
                for model in &mut args.models {
                    *model = expanded(profile, model);
                }
                add_to_params(&mut args.params, profile)
            }
            _ => Ok(()),
        }
    }
}

impl ChatArgs {
    /// Says which argument is the model and which the prompt.
    fn settle(&mut self, profile: &Profile) -> Result<(), Failure> {
        let (first, second) = (self.first.take(), self.second.take());
        let goes_on = self.latest || self.conversation.is_some();
        let has_default = profile.model.is_some() || goes_on;
        let (model, prompt) = match (self.named_model.take(), first, second) {
            (Some(_), Some(_), Some(_)) => {
                let problem = "with -m there is one more argument, the prompt; put it into quotes";
                return Err(Failure::Usage(problem.to_owned()));
            }
            (Some(model), prompt, None) => (Some(model), prompt),
            (None, Some(one), None) if has_default && !names_model(profile, &one) => (None, Some(one)),
            (None, model, prompt) | (Some(_), model, prompt @ Some(_)) => (model, prompt),
        };
        // A conversation has a model of its own.
        let model = model.or_else(|| profile.model.clone().filter(|_| !goes_on));
        self.prompt = prompt;
        self.model = match model {
            Some(model) => expanded(profile, &model),
            None if goes_on => String::new(),
            None => {
                return Err(Failure::Usage(
                    "there is no model: name one, as in `asq chat openai/gpt-4o`, or set `model` in a profile of \
                     the configuration"
                        .to_owned(),
                ));
            }
        };
        Ok(())
    }
}

/// Whether a single argument is a model: an alias, or one word with `/` or `:` in it.
fn names_model(profile: &Profile, text: &str) -> bool {
    profile.aliases.contains_key(text) || text.contains(['/', ':']) && !text.contains(char::is_whitespace)
}

/// The model that an alias stands for.
fn expanded(profile: &Profile, model: &str) -> String {
    profile.aliases.get(model).map_or(model, String::as_str).to_owned()
}

fn add_to_params(params: &mut Params, profile: &Profile) -> Result<(), Failure> {
    let defaults = Params::of_lines(&profile.parameters).map_err(Failure::Usage)?;
    params.fill(defaults);
    if params.system().is_none() {
        params.set_system(profile.system.clone());
    }
    params.expand_fallbacks(|model| expanded(profile, model));
    Ok(())
}
