//! The profile and the template add to the flags of a command: the model, its aliases, parameters.

use super::{ChatArgs, Cli, Command};
use crate::config::{Config, Profile};
use crate::exit::Failure;
use crate::output::text;
use crate::params::Params;
use crate::template::{Template, folder};

/// The most columns of a prompt that an error quotes.
const MAX_QUOTED_COLUMNS: usize = 60;

impl Cli {
    /// Adds what the template and the profile have, where no flag says otherwise.
    ///
    /// # Errors
    /// When the command lacks a model, has two prompts, or a template that cannot be read.
    pub(crate) fn add(&mut self, config: &Config) -> Result<(), Failure> {
        let profile = &config.profile.value;
        match &mut self.command {
            Command::Chat(args) => {
                if let Some(name) = &args.prompt_args.template {
                    let template = Template::read(&folder(config)?, name)?;
                    args.params.fill(Params::of_lines(&template.flags).map_err(Failure::Usage)?);
                    args.template = Some(template);
                }
                let has_system = args.params.system().is_some();
                let of_template = args.template.as_ref().is_some_and(|template| template.system.is_some());
                add_to_params(&mut args.params, profile)?;
                if of_template && !has_system {
                    // That of the template is filled in with the prompt.
                    args.params.set_system(None);
                }
                args.settle(profile)
            }
            Command::Compare(args) => {
                let is_text = |text: &String| text.contains(char::is_whitespace);
                if names_model(profile, &args.prompt)
                    && let Some(text) = args.models.iter().find(|text| is_text(text))
                {
                    return Err(Failure::Usage(format!(
                        "{:?} is read as the prompt and {text:?} as a model: the prompt comes first, as in `asq compare \
                         {text:?} {}`",
                        args.prompt, args.prompt
                    )));
                }
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
        let of_template = self.template.as_ref().and_then(|template| template.model.clone());
        let default = of_template.or_else(|| profile.model.clone().filter(|_| !goes_on));
        let has_default = default.is_some() || goes_on;
        if !self.rest.is_empty() {
            let words = first.iter().chain(&second).chain(&self.rest).map(String::as_str);
            return Err(unquoted(profile, self.named_model.as_deref(), has_default, words.collect()));
        }
        if let (None, Some(model), Some(prompt)) = (&self.named_model, &first, &second)
            && !names_model(profile, model)
        {
            self.doubtful = Some((model.clone(), prompt.clone()));
        }
        let (model, prompt) = match (self.named_model.take(), first, second) {
            (Some(model), Some(one), Some(two)) => {
                return Err(unquoted(profile, Some(&model), has_default, vec![&one, &two]));
            }
            (Some(model), prompt, None) => (Some(model), prompt),
            (None, Some(one), None) if has_default && !names_model(profile, &one) => (None, Some(one)),
            (None, model, prompt) | (Some(_), model, prompt @ Some(_)) => (model, prompt),
        };
        // A conversation has a model of its own.
        let model = model.or(default);
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

/// The failure of a prompt whose words are arguments of their own: what is read as what, and the fix.
fn unquoted(profile: &Profile, named: Option<&str>, has_default: bool, words: Vec<&str>) -> Failure {
    let first = words.first().copied().unwrap_or_default();
    let (flag, model, prompt) = match named {
        Some(model) => ("-m ", Some(model), words.as_slice()),
        None if names_model(profile, first) => ("", Some(first), words.get(1..).unwrap_or_default()),
        None => ("", None, words.as_slice()),
    };
    let read = match model {
        Some(model) => {
            format!("{model} is the model, and {} arguments are left for one prompt", prompt.len())
        }
        None => format!("there are {} arguments, and {first:?} is no model", prompt.len()),
    };
    let model = model.or((!has_default).then_some("openai/gpt-4o"));
    let model = model.map_or_else(String::new, |model| format!("{flag}{model} "));
    Failure::Usage(format!(
        "{read}: put the prompt into quotes, as in `asq chat {model}{:?}`",
        text::cut(&prompt.join(" "), MAX_QUOTED_COLUMNS)
    ))
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
