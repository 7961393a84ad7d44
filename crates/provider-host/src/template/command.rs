//! `template`: lists, shows and edits templates.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

use super::{Template, file, folder, names};
use crate::cli::{ConnectArgs, TemplateArgs, TemplateCommand};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::output::Output;
use crate::output::number::UNKNOWN;
use crate::output::table::{Look, Table};

/// The beginning of a new template.
const NEW: &str = "\
description = \"\"
# model = \"openai/gpt-4o\"
# system = \"\"
prompt = \"\"\"
{{input}}\"\"\"
# schema = \"answer.json\"
# defaults = { name = \"value\" }
# parameters = { temperature = 0 }
";

#[derive(Serialize)]
struct Listed {
    folder: String,
    templates: Vec<ListedTemplate>,
}

#[derive(Serialize)]
struct ListedTemplate {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    parameters: Vec<String>,
    /// The problem with its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub(crate) fn run(args: &TemplateArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let Some(config) = connect.kept.config() else {
        return Err(Failure::Usage("there is no configuration".to_owned()));
    };
    let folder = folder(config)?;
    match &args.command {
        TemplateCommand::List => list(&folder, args.json, output),
        TemplateCommand::Show { name } => {
            Template::read(&folder, name)?;
            let path = file(&folder, name)?;
            let text = std::fs::read_to_string(&path);
            let text = text.map_err(|error| Failure::Io(format!("cannot read {}", path.display()), error))?;
            match args.json {
                true => Ok(output.write_json(&listed(&folder, name))?),
                false => Ok(output.write_untrusted(&text)?),
            }
        }
        TemplateCommand::Edit { name } => edit(&folder, name, output),
        TemplateCommand::Path { name } => {
            let path = match name {
                Some(name) => file(&folder, name)?,
                None => folder,
            };
            Ok(output.write(&format!("{}\n", path.display()))?)
        }
    }
}

fn listed(folder: &Path, name: &str) -> ListedTemplate {
    let name = name.to_owned();
    match Template::read(folder, &name) {
        Ok(template) => ListedTemplate {
            parameters: template.parameters().into_iter().map(str::to_owned).collect(),
            name,
            description: template.description,
            model: template.model,
            problem: None,
        },
        Err(failure) => {
            let problem = failure.to_error().map(|error| error.message().to_owned());
            ListedTemplate { name, description: None, model: None, parameters: Vec::new(), problem }
        }
    }
}

fn list(folder: &Path, is_json: bool, output: Output) -> Result<(), Failure> {
    let templates: Vec<ListedTemplate> = names(folder).iter().map(|name| listed(folder, name)).collect();
    if is_json {
        return Ok(output.write_json(&Listed { folder: folder.display().to_string(), templates })?);
    }
    if templates.is_empty() {
        output.note("there is no template; `asq template edit NAME` begins one");
        return Ok(());
    }
    let or_none = |text: String| if text.is_empty() { UNKNOWN.to_owned() } else { text };
    let mut table = Table::new().left("NAME").left("MODEL").left("PARAMETERS").left("DESCRIPTION");
    for template in templates {
        let model = template.model.unwrap_or_default();
        let description = template.description.unwrap_or_default();
        table.row([
            template.name,
            or_none(model),
            or_none(template.parameters.join(" ")),
            or_none(description),
        ]);
        if let Some(problem) = template.problem {
            table.below(&problem, Look::Wrong);
        }
    }
    Ok(output.write(&table.render(output.columns, output.out))?)
}

fn edit(folder: &Path, name: &str, output: Output) -> Result<(), Failure> {
    let path = file(folder, name)?;
    let environment = Environment::of_this_program();
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|variable| environment.value(variable));
    let Some(editor) = editor else {
        return Err(Failure::Usage(format!(
            "set VISUAL or EDITOR to an editor; the file is {}",
            path.display()
        )));
    };
    let made = |error| Failure::Io(format!("cannot make {}", path.display()), error);
    std::fs::create_dir_all(folder).map_err(made)?;
    if !path.exists() {
        std::fs::write(&path, NEW).map_err(made)?;
    }
    // An editor may come with arguments, as in `code --wait`.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(editor);
    let status = Command::new(program).args(words).arg(&path).status();
    let status = status.map_err(|error| Failure::Io(format!("cannot start the editor {program}"), error))?;
    if !status.success() {
        return Err(Failure::Usage(format!("the editor {program} failed")));
    }
    Template::read(folder, name)?;
    output.note(&format!("{} is fine", path.display()));
    Ok(())
}
