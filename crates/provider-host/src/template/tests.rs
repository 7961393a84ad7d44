use std::path::Path;

use super::{Filled, Template};
use crate::exit::Failure;

fn template(text: &str) -> Template {
    Template::parse("t", text, Path::new("/t")).unwrap()
}

fn filled(template: &Template, given: &[(&str, &str)], input: Option<&str>) -> Result<Filled, String> {
    let given: Vec<_> = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    template.fill(&given, input).map_err(|failure| match failure {
        Failure::Usage(problem) => problem,
        other => panic!("{other:?}"),
    })
}

#[test]
fn template_fills_parameters_defaults_and_input() {
    let review = template(
        "system = 'You review {{ language }}.'\nprompt = 'Look for {{focus}} in {{input}}: {{language}}'\n\
         defaults = { focus = 'bugs' }\nschema = 's.json'\nparameters = { temperature = 0 }",
    );
    assert_eq!(review.flags, ["--temperature=0", "--json-schema=/t/s.json"]);
    let all = filled(&review, &[("language", "Rust")], Some("{{focus}}")).unwrap();
    assert_eq!(all.system.as_deref(), Some("You review Rust."));
    // A value is not looked through.
    assert_eq!(all.prompt, "Look for bugs in {{focus}}: Rust");
    for (given, said) in [
        (&[][..], "the template t needs -p language=…"),
        (&[("langage", "x")], "has no parameter \"langage\" (is language meant?)"),
        (&[("language", "a"), ("language", "b")], "gets language twice"),
    ] {
        let problem = filled(&review, given, None).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
}

#[test]
fn input_without_a_place_goes_behind_the_prompt() {
    let plain = template("prompt = 'Summarise: {a: {{{}}}, { { x } }'");
    assert_eq!(plain.parameters().len(), 0, "{:?}", plain.parameters());
    assert_eq!(filled(&plain, &[], Some("text")).unwrap().prompt, "Summarise: {a: {{{}}}, { { x } }\n\ntext");
    assert_eq!(filled(&template("system = 'Be brief.'"), &[], Some("Hi")).unwrap().prompt, "Hi");
}

#[test]
fn wrong_template_is_refused_by_its_key() {
    for (text, said) in [
        ("promt = 'x'", "is prompt meant?"),
        ("prompt = 1", "prompt: must be a text"),
        ("prompt = 'x'\ndefaults = { a = 1 }", "defaults.a: there is no {{a}}"),
        ("parameters = { temprature = 1 }", "is temperature meant?"),
    ] {
        let problem = Template::parse("t", text, Path::new("/t")).unwrap_err();
        assert!(problem.contains(said), "{problem}");
    }
}
