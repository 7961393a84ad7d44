//! The commands of a conversation, which begin with a slash.

use provider_core::Message;

use super::{Repl, messages};
use crate::chat::thread::Thread;
use crate::exit::Failure;
use crate::log;
use crate::output::text;
use crate::similar::nearest;
use crate::storage::{Storage, failed};

/// The commands, with what they take and what they do.
const COMMANDS: [(&str, &str, &str); 11] = [
    ("/model", "[MODEL]", "ask another model from now on, or say which is asked"),
    ("/system", "[TEXT]", "set the system prompt of a conversation that has not begun, or show it"),
    ("/attach", "FILE|URL", "attach an image, a sound, a video or a file to the next question"),
    ("/tools", "[FILE]", "offer the tools of a JSON file from now on; `/tools none` offers none"),
    ("/cost", "", "what this conversation has cost"),
    ("/retry", "", "ask the last question again, on a branch of its own"),
    ("/undo", "", "go back to before the last question"),
    ("/branch", "[N]", "list the branches of this conversation, or go to one"),
    ("/save", "FILE", "write the conversation as Markdown"),
    ("/help", "", "list the commands"),
    ("/exit", "", "end, as Ctrl-D does"),
];

/// A text that was typed.
#[derive(Debug, PartialEq)]
pub(super) enum Typed<'a> {
    Nothing,
    Exit,
    Prompt(&'a str),
    Command(Command<'a>),
    Wrong(String),
}

/// A command to obey.
#[derive(Debug, PartialEq)]
pub(super) enum Command<'a> {
    Model(Option<&'a str>),
    System(Option<&'a str>),
    Attach(&'a str),
    Tools(Option<&'a str>),
    Cost,
    Retry,
    Undo,
    Branch(Option<usize>),
    Save(&'a str),
    Help,
}

/// Tells commands from prompts. A prompt that begins with a slash has another one in front.
pub(super) fn parse(line: &str) -> Typed<'_> {
    let line = line.trim();
    if line.is_empty() {
        return Typed::Nothing;
    }
    if !line.starts_with('/') {
        return Typed::Prompt(line);
    }
    if let Some(prompt) = line.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
        return Typed::Prompt(prompt);
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    Typed::Command(match (name, rest) {
        ("/exit" | "/quit", _) => return Typed::Exit,
        ("/model", model) => Command::Model(model),
        ("/system", text) => Command::System(text),
        ("/attach", Some(file)) => Command::Attach(file),
        ("/tools", file) => Command::Tools(file),
        ("/cost", None) => Command::Cost,
        ("/retry", None) => Command::Retry,
        ("/undo", None) => Command::Undo,
        ("/branch", None) => Command::Branch(None),
        ("/branch", Some(number)) => match number.parse() {
            Ok(number) => Command::Branch(Some(number)),
            Err(_) => {
                return Typed::Wrong(
                    "/branch takes the number of a branch; without one it lists them".into(),
                );
            }
        },
        ("/save", Some(file)) => Command::Save(file),
        ("/help", None) => Command::Help,
        (name, _) => return Typed::Wrong(misused(name)),
    })
}

fn misused(name: &str) -> String {
    let mut names = COMMANDS.iter();
    match names.find(|(known, ..)| *known == name) {
        Some((_, "", _)) => format!("{name} takes nothing"),
        Some((_, takes, _)) => format!("{name} takes {takes}"),
        None => {
            let near = nearest(name, COMMANDS.iter().map(|(known, ..)| *known));
            let meant = near.map_or_else(String::new, |near| format!(" (is {near} meant?)"));
            format!(
                "there is no command {name}{meant}; /help lists them, and // begins a prompt with a slash"
            )
        }
    }
}

impl Repl<'_> {
    pub(super) async fn obey(&mut self, command: Command<'_>) -> Result<(), Failure> {
        match command {
            Command::Model(None) => self.output.note(&self.model),
            Command::Model(Some(model)) => {
                let aliases = self.connect.kept.profile().map(|profile| &profile.aliases);
                let meant = aliases.and_then(|aliases| aliases.get(model)).map_or(model, String::as_str);
                self.host.check_listed(&self.host.model(meant).await?).await;
                meant.clone_into(&mut self.model);
                self.output.note(&format!("{meant} is asked from now on"));
            }
            Command::System(None) => self.output.note(&self.system()),
            Command::System(Some(_)) if !self.thread.messages.is_empty() => {
                let problem = "the conversation has begun; its system prompt stays as it is";
                return Err(Failure::Usage(problem.to_owned()));
            }
            Command::System(Some(text)) => {
                self.params.set_system(Some(text.to_owned()));
                self.output.note("the system prompt is set");
            }
            Command::Attach(file) => {
                self.params.attach(file)?;
                self.output.note(&format!("{file} goes with the next question"));
            }
            Command::Tools(file) => {
                let said = match file {
                    None => match self.params.tools() {
                        Some(file) => format!("the tools of {} are offered", file.display()),
                        None => "no tools are offered".to_owned(),
                    },
                    Some("none") => {
                        self.params.set_tools(None);
                        "no tools are offered".to_owned()
                    }
                    Some(file) => {
                        self.params.set_tools(Some(file.into()));
                        // Reads it, so that a mistake is told now.
                        self.params.request("").inspect_err(|_| self.params.set_tools(None))?;
                        format!("the tools of {file} are offered")
                    }
                };
                self.output.note(&said);
            }
            Command::Cost => self.output.note(&self.told_cost()),
            Command::Retry => {
                let question = self.back()?;
                return self.turn(question).await;
            }
            Command::Undo => {
                self.back()?;
                self.output.note(&format!("back to {}", messages(self.thread.messages.len())));
            }
            Command::Branch(number) => return self.branch(number).await,
            Command::Save(file) => {
                let written = std::fs::write(file, self.markdown());
                written.map_err(|error| Failure::Usage(format!("/save {file}: {error}")))?;
                self.output.note(&format!("the conversation is in {file}"));
            }
            Command::Help => {
                let room = self.output.err_columns.unwrap_or(usize::MAX);
                for (name, takes, does) in COMMANDS {
                    let line = format!("{:<18} {does}", format!("{name} {takes}"));
                    self.output.remark(&(text::wrap(&line, room, 19).join("\n") + "\n"));
                }
                self.output.note(
                    "A line that ends in \\ goes on in the next one; \"\"\" stands around several lines.",
                );
            }
        }
        Ok(())
    }

    /// Goes back to before the last question, and returns it.
    fn back(&mut self) -> Result<Vec<Message>, Failure> {
        let (mut thread, question) = self
            .before
            .pop()
            .ok_or_else(|| Failure::Usage("there is no question to go back to".to_owned()))?;
        // The next question is another branch of the same conversation.
        thread.conversation.id.clone_from(&self.thread.conversation.id);
        self.thread = thread;
        Ok(question)
    }

    /// Lists the branches of the conversation, or goes to one of them.
    async fn branch(&mut self, number: Option<usize>) -> Result<(), Failure> {
        let Some(id) = self.thread.conversation.id.clone() else {
            return Err(Failure::Usage("nothing of this conversation is in the store yet".to_owned()));
        };
        let storage = self.connect.kept.storage().await?;
        let Storage { store, workspace, .. } = &storage;
        let leaves = store.branches(workspace, &id).await.map_err(failed)?;
        let Some(number) = number else {
            for (number, leaf) in leaves.iter().enumerate() {
                let here = if self.thread.conversation.last.as_ref() == Some(&leaf.id) { "*" } else { " " };
                let (who, said) = log::turn(&leaf.message);
                let line = format!("{here} {}  {who}: {}", number + 1, text::one_line(&said));
                let room = self.output.err_columns.unwrap_or(80);
                self.output.note(&text::cut(&line, room));
            }
            return Ok(());
        };
        let leaf = number.checked_sub(1).and_then(|index| leaves.get(index)).ok_or_else(|| {
            Failure::Usage(format!("there is no branch {number}; there are {}", leaves.len()))
        })?;
        self.thread = Thread::at(&storage, &id, &leaf.id).await?;
        self.before = self.thread.questions();
        let count = messages(self.thread.messages.len());
        self.output.note(&format!("on branch {number}, after {count}"));
        Ok(())
    }

    fn system(&self) -> String {
        let begun = self.thread.messages.iter().find_map(|message| match message {
            Message::System(said) => Some(said.content.text()),
            _ => None,
        });
        let text =
            if self.thread.messages.is_empty() { self.params.system().map(str::to_owned) } else { begun };
        text.unwrap_or_else(|| "there is no system prompt".to_owned())
    }

    fn markdown(&self) -> String {
        let turns = self.thread.messages.iter().map(log::turn);
        let turns = turns.map(|(who, said)| format!("## {who}\n\n{said}\n"));
        turns.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Command, Typed, parse};

    #[test]
    fn commands_are_told_from_prompts() {
        assert_eq!(parse("  "), Typed::Nothing);
        assert_eq!(parse("why / how"), Typed::Prompt("why / how"));
        assert_eq!(parse("//etc is what?"), Typed::Prompt("/etc is what?"));
        assert_eq!(parse("/model a/b"), Typed::Command(Command::Model(Some("a/b"))));
        assert_eq!(parse("/system Be brief."), Typed::Command(Command::System(Some("Be brief."))));
        assert_eq!(parse("/branch 2"), Typed::Command(Command::Branch(Some(2))));
        for (line, said) in [
            ("/modle x", "is /model meant?"),
            ("/attach", "/attach takes FILE|URL"),
            ("/undo 2", "/undo takes nothing"),
            ("/branch x", "the number of a branch"),
        ] {
            let Typed::Wrong(problem) = parse(line) else { panic!("{line}") };
            assert!(problem.contains(said), "{problem}");
        }
    }

    #[test]
    fn every_command_of_the_help_is_known() {
        for (name, takes, _) in COMMANDS {
            let with = format!("{name} 1");
            let line = if takes.is_empty() { name } else { &with };
            assert!(!matches!(parse(line), Typed::Wrong(_) | Typed::Prompt(_)), "{line}");
        }
    }
}
