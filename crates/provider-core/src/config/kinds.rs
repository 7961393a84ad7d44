//! The check of a value against its kind: one place for the settings of every provider and every layer.

use std::time::Duration;

use url::Url;

use super::{ConfigField, FieldKind, items};

/// Checks that a value is of its field's kind, and that nothing came along when it was copied. `is_variable`
/// says that the value is an environment variable's.
///
/// # Errors
/// The fault and how to mend it, without the value.
pub(super) fn check(field: &ConfigField, value: &str, is_variable: bool) -> Result<(), String> {
    check_copied(field, value, is_variable)?;
    match field.kind {
        FieldKind::Secret | FieldKind::Text => Ok(()),
        FieldKind::Url => check_url(field, value),
        FieldKind::Select if field.options.is_empty() || field.options.contains(&value) => Ok(()),
        FieldKind::Select => Err(format!("must be one of: {}", field.options.join(", "))),
        FieldKind::List => check_list(field, value),
        FieldKind::Bool => flag(value).map(drop).ok_or("must be true or false".to_owned()),
        FieldKind::Integer => {
            value.parse::<i64>().map(drop).map_err(|_| "must be a whole number, such as 3".to_owned())
        }
        FieldKind::Number => number(value).map(drop).ok_or("must be a number, such as 2.5".to_owned()),
        FieldKind::Duration => {
            duration(value).map(drop).ok_or("must be a number of seconds above 0, such as 90".to_owned())
        }
        FieldKind::Json => {
            let json = serde_json::from_str::<serde::de::IgnoredAny>(value);
            json.map(drop).map_err(|cause| format!("is no JSON: {cause}"))
        }
    }
}

/// The truth value that a text spells.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The number that a text spells.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The span of time that a text spells in seconds; none that is not above zero.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let span = Duration::try_from_secs_f64(number(text)?).ok()?;
    Some(span).filter(|span| !span.is_zero())
}

fn check_list(field: &ConfigField, value: &str) -> Result<(), String> {
    if items(value).next().is_none() || value.contains(['[', ']', '{', '}', '"']) {
        let example = if field.placeholder.is_empty() { "first, second" } else { field.placeholder };
        return Err(format!("must be names with commas between them, such as {example}"));
    }
    match items(value).all(|name| field.options.is_empty() || field.options.contains(&name)) {
        true => Ok(()),
        false => Err(format!("must have no other names than these: {}", field.options.join(", "))),
    }
}

fn check_url(field: &ConfigField, value: &str) -> Result<(), String> {
    let example = if field.placeholder.is_empty() { "https://example.com" } else { field.placeholder };
    if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!("has white space or a control character inside; write something like {example}"));
    }
    let url =
        Url::parse(value).map_err(|cause| format!("is no URL ({cause}); write something like {example}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is no http or https URL; write something like {example}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "has a user name or password in it, which would be shown and sent along; remove it".to_owned()
        );
    }
    Ok(())
}

/// The characters that texts are quoted with.
const QUOTES: &[char] = &['"', '\'', '`', '“', '”', '„', '‘', '’', '‚', '«', '»'];

/// Checks what copying a value into a form or an env file leaves around it: quotation marks (`docker
/// --env-file` hands them on), the name in front, a variable in place of its value.
fn check_copied(field: &ConfigField, value: &str, is_variable: bool) -> Result<(), String> {
    let names = field.env.into_iter().chain([field.key]);
    if names.into_iter().any(|name| begins_with_name(value, name)) {
        return Err("begins with its own name; leave out everything up to the value itself".to_owned());
    }
    // A text that a person typed may be anything, and a JSON text has quotation marks of its own.
    let is_free = match field.kind {
        FieldKind::Text => !is_variable,
        FieldKind::Json => serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok(),
        _ => false,
    };
    if is_free {
        Ok(())
    } else if value.len() > 1 && value.starts_with(QUOTES) && value.ends_with(QUOTES) {
        Err("is in quotation marks; leave them out".to_owned())
    } else if is_reference(value) {
        Err("is the name of a variable, which nobody replaced by its value; write the value itself"
            .to_owned())
    } else {
        Ok(())
    }
}

/// Whether a value begins with a name as in `NAME=value`, `export NAME=value` or `name: value`.
fn begins_with_name(value: &str, name: &str) -> bool {
    let value = value.strip_prefix("export ").unwrap_or(value).trim_start();
    let (Some(start), Some(rest)) = (value.get(..name.len()), value.get(name.len()..)) else { return false };
    start.eq_ignore_ascii_case(name) && rest.trim_start().starts_with(['=', ':'])
}

/// Whether a value is `$NAME`, `${NAME}`, `$(command)`, `%NAME%` or `{{ name }}`.
fn is_reference(value: &str) -> bool {
    let within = |open: &str, close: &str| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| !inner.is_empty())
    };
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    within("${", "}")
        || within("$(", ")")
        || within("{{", "}}")
        || value.strip_prefix('$').is_some_and(is_name)
        || value.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: FieldKind, value: &str) -> Option<String> {
        check(&ConfigField::new("region", "Region", kind).env("ACME_REGION"), value, false).err()
    }

    #[test]
    fn every_kind_takes_its_values_alone() {
        use FieldKind::{Bool, Duration, Integer, Json, List, Number, Url};
        let cases: [(FieldKind, &[&str], &[&str]); 7] = [
            (
                Url,
                &["https://a.example/b", "http://[::1]:80", "https://例え.jp"],
                &[
                    "not a url at all",
                    "a.example",
                    "ftp://a",
                    "https://",
                    "file:///x",
                    "https://u:p@a.example",
                    "https://u@a.example",
                    "https://:p@a.example",
                ],
            ),
            (Bool, &["yes", "OFF", "1"], &["maybe", "2", ""]),
            (Integer, &["3", "-3"], &["3.0", "three", "1e3", "99999999999999999999"]),
            (Number, &["3", "-2.5", "1e3"], &["2,5", "NaN", "inf", "two"]),
            (Duration, &["90", "0.5"], &["0", "-1", "90 s", "1m", "NaN", "inf", "1e300", "1e-300"]),
            (List, &["a", "a, b/c", "a\nb,"], &[",", "[\"a\"]", "\"a\", \"b\"", "{a}"]),
            (Json, &["{}", "\"text\"", "[1]"], &["{", "{'a': 1}", "'{}'"]),
        ];
        for (kind, good, bad) in cases {
            for value in good {
                assert_eq!(problem(kind, value), None, "{kind:?} {value}");
            }
            for value in bad {
                assert!(problem(kind, value).is_some(), "{kind:?} {value}");
            }
        }
        let field = ConfigField::new("region", "Region", FieldKind::Select).options(&["eu", "us"]);
        assert_eq!(check(&field, "eu", false), Ok(()));
        assert_eq!(check(&field, "EU", false), Err("must be one of: eu, us".to_owned()));
        let field = ConfigField::new("regions", "Regions", FieldKind::List).options(&["eu", "us"]);
        assert_eq!(check(&field, "us, eu", false), Ok(()));
        assert_eq!(
            check(&field, "eu, asia", false),
            Err("must have no other names than these: eu, us".to_owned())
        );
    }

    #[test]
    fn what_copying_leaves_around_a_value_is_named() {
        for value in ["\"eu\"", "'eu'", "“eu”", "„eu“", "`eu`", "'eu\""] {
            let said = problem(FieldKind::Secret, value).expect(value);
            assert!(said.contains("quotation marks"), "{value}: {said}");
            assert_eq!(problem(FieldKind::Text, value), None, "a person may want {value}");
            let field = ConfigField::new("region", "Region", FieldKind::Text);
            assert!(check(&field, value, true).is_err(), "{value} in a variable");
        }
        for value in [
            "ACME_REGION=eu",
            "export ACME_REGION=eu",
            "acme_region: eu",
            "region = eu",
            "ACME_REGION=\"eu\"",
        ] {
            let said = problem(FieldKind::Text, value).expect(value);
            assert!(said.contains("its own name"), "{value}: {said}");
        }
        for value in [
            "$ACME_REGION",
            "${ACME_REGION}",
            "${ACME_REGION:-eu}",
            "%ACME_REGION%",
            "{{ region }}",
            "$(cat region)",
        ] {
            let said = problem(FieldKind::Secret, value).expect(value);
            assert!(said.contains("name of a variable"), "{value}: {said}");
        }
        for value in ["$ecret", "50%", "\"", "region", "regional", "{}"] {
            assert_eq!(problem(FieldKind::Secret, value), None, "{value}");
        }
    }
}
