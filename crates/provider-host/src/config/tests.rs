use std::path::Path;

use super::file::parse;
use super::{Config, Environment, LogLevel, Origin, Setting};

fn problem(text: &str) -> String {
    let Err(crate::exit::Failure::Usage(problem)) = parse(text, Path::new("c.toml")) else {
        panic!("it is read: {text}");
    };
    problem
}

#[test]
fn file_has_profiles_with_all_their_parts() {
    let text = r#"
        profile = "work"
        log = "figures"
        data = "store"

        [profiles.work]
        model = "fast"
        system = "Be brief."
        workspace = "acme"
        aliases = { fast = "openrouter:openai/gpt-4o-mini" }
        parameters = { temperature = 0.2, max_tokens = 500, stop = ["a", "b"], zdr = true }

        [profiles.work.providers.openrouter]
        api_key = { env = "WORK_KEY" }

        [profiles.work.providers.local]
        kind = "openai-compatible"
        preset = "ollama"
        not_billed = true
    "#;
    let file = parse(text, Path::new("/etc/c.toml")).unwrap();
    assert_eq!((file.profile.as_deref(), file.log), (Some("work"), Some(LogLevel::Figures)));
    assert_eq!(file.data.as_deref(), Some(Path::new("/etc/store")), "beside the file");
    let work = &file.profiles["work"];
    assert_eq!(work.aliases["fast"], "openrouter:openai/gpt-4o-mini");
    let flags = ["--max-tokens=500", "--stop=a", "--stop=b", "--temperature=0.2", "--zdr"];
    assert_eq!(work.parameters, flags);
    let openrouter = &work.providers["openrouter"];
    assert_eq!(openrouter.kind, "openrouter");
    assert_eq!(openrouter.settings["api_key"], Setting::Variable("WORK_KEY".to_owned()));
    assert_eq!(work.providers["local"].kind, "openai-compatible");
    assert_eq!(work.providers["local"].settings["not_billed"], Setting::Value("true".to_owned()));
}

#[test]
fn unknown_key_is_refused_with_the_nearest() {
    for (text, said) in [
        ("profle = 'x'", "unknown key \"profle\"; is profile meant?"),
        ("[profiles.x]\nmodle = 'x'", "[profiles.x] unknown key \"modle\"; is model meant?"),
        (
            "[profiles.x.parameters]\ntemprature = 1",
            "[profiles.x.parameters] unknown key \"temprature\"; is temperature meant?",
        ),
        ("[profiles.x]\nzzz = 1", "there are model, system, workspace, aliases, parameters, providers"),
        ("log = 'some'", "log: must be all, figures or off"),
        ("log = 1", "log: must be a text, and is a number"),
        ("[profiles.x.parameters]\ntemperature = 9", "must be a number from 0 to 2"),
        ("[profiles.x.providers.y]\nz = []", "profiles.x.providers.y.z: must be a text, a number"),
        ("[profiles.x.providers.y]\nz = { evn = 'A' }", "is env meant?"),
        ("profiles = 1", "profiles: must be a section"),
        ("= 1", "c.toml: "),
    ] {
        let told = problem(text);
        assert!(told.contains(said), "{text}: {told}");
    }
}

#[test]
fn flag_goes_before_variable_and_variable_before_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    std::fs::write(
        &file,
        "profile='a'\nlog='off'\n[profiles.a]\nworkspace='of-a'\n[profiles.b]\n[profiles.c]",
    )
    .unwrap();
    let named = |profile: Option<&str>, variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Environment = variables.collect();
        Config::read(Some(&file), profile, &environment).unwrap()
    };
    let config = named(None, &[]);
    assert_eq!((config.profile.value.name.as_str(), &config.profile.origin), ("a", &Origin::File));
    assert_eq!((config.workspace.value.as_str(), &config.log.value), ("of-a", &LogLevel::Off));
    let variables = [("ASQ_PROFILE", "b"), ("ASQ_LOG", "all"), ("HOST_DATA", "/d"), ("ASQ_WORKSPACE", "w")];
    let config = named(None, &variables);
    assert_eq!(config.profile.value.name, "b");
    assert_eq!(
        (config.log.value, config.data.as_ref().unwrap().value.as_path()),
        (LogLevel::All, Path::new("/d"))
    );
    assert_eq!(config.workspace.origin, Origin::Variable("ASQ_WORKSPACE".to_owned()));
    assert_eq!(named(Some("c"), &variables).profile.value.name, "c");
}
