//! The types that take a value of any type: what each of them makes of it.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use lenient_json::{
    Count, Flag, FromJson, Raw, Text, Texts, UnixSeconds, first, from_str, integer, number, object,
};

/// The value as this type takes it.
fn read<'a, T: FromJson<'a>>(json: &'a str) -> T {
    from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn counts_are_whole_numbers_however_they_are_written() {
    for (json, count) in [
        ("7", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("7.0", Some(7)),
        ("1e3", Some(1_000)),
        ("\" 14.0 \"", Some(14)),
        ("8999999999999999.0", Some(8_999_999_999_999_999)),
        // A float of that size does not count in ones any more.
        ("9e15", None),
        ("1e999", None),
        ("7.5", None),
        ("-1", None),
        ("-0.5", None),
        ("\"\"", None),
        ("\"seven\"", None),
        ("true", None),
        ("null", None),
        ("[7]", None),
        ("{\"a\":7}", None),
    ] {
        assert_eq!(read::<Count>(json).0, count, "{json}");
    }
}

#[test]
fn seconds_are_those_that_a_fraction_lies_in() {
    for (json, seconds) in [
        ("1764300000", Some(1_764_300_000)),
        ("1764300000.9", Some(1_764_300_000)),
        ("\"1700000000.9\"", Some(1_700_000_000)),
        ("-1", None),
        ("\"yesterday\"", None),
    ] {
        assert_eq!(read::<UnixSeconds>(json).0, seconds, "{json}");
    }
}

#[test]
fn flags_are_words_and_the_numbers_0_and_1() {
    for (json, flag) in [
        ("true", Some(true)),
        ("1", Some(true)),
        ("\" True \"", Some(true)),
        ("false", Some(false)),
        ("0", Some(false)),
        ("\"FALSE\"", Some(false)),
        ("2", None),
        ("\"yes\"", None),
        ("null", None),
        ("[true]", None),
    ] {
        assert_eq!(read::<Flag>(json).0, flag, "{json}");
    }
}

#[test]
fn texts_are_strings_and_digits() {
    for (json, text) in [
        ("\"a\\nb\"", Some("a\nb")),
        ("\"\"", Some("")),
        ("-1.50", Some("-1.50")),
        ("true", None),
        ("null", None),
        ("[\"a\"]", None),
    ] {
        assert_eq!(read::<Text<'_>>(json).0.as_deref(), text, "{json}");
        assert_eq!(read::<Text<'_>>(json).filled(), text.filter(|text| !text.is_empty()), "{json}");
    }
    for (json, texts) in
        [("[\"a\",\"\",7,null,{}]", &["a", "7"][..]), ("\"a\"", &["a"]), ("7", &[]), ("null", &[])]
    {
        assert_eq!(read::<Texts>(json).0, texts, "{json}");
    }
}

#[test]
fn numbers_are_finite() {
    for (json, float, whole) in [
        ("1.5", Some(1.5), None),
        ("-3", Some(-3.0), Some(-3)),
        ("\" -3.0 \"", Some(-3.0), Some(-3)),
        ("9e15", Some(9e15), None),
        ("1e999", None, None),
        ("\"NaN\"", None, None),
        ("\"inf\"", None, None),
        ("null", None, None),
    ] {
        let raw: Raw<'_> = read(json);
        assert_eq!((number(raw), integer(raw)), (float, whole), "{json}");
    }
}

#[test]
fn raw_values_know_their_type() {
    let kinds = |json| {
        let raw: Raw<'_> = read(json);
        (raw.is_string(), raw.is_list(), raw.is_object(), raw.is_blank(), raw.inside())
    };
    assert_eq!(kinds("\"a\\n\""), (true, false, false, false, Some("a\\n")));
    assert_eq!(kinds("\"\""), (true, false, false, true, Some("")));
    assert_eq!(kinds("null"), (false, false, false, true, None));
    assert_eq!(kinds("[1]"), (false, true, false, false, None));
    assert_eq!(kinds("{\"a\":1}"), (false, false, true, false, None));
    assert_eq!(kinds("-7"), (false, false, false, false, Some("-7")));
    assert_eq!(kinds("true"), (false, false, false, false, None));
}

object! {
    struct Item<'a> {
        id: Text<'a> = "id",
        size: Option<Count> = "size",
    }
}

#[test]
fn objects_take_any_value_and_keep_unknown_fields() {
    let item: Item<'_> = read(r#"{"id":1,"size":null,"x":[1],"y":null,"x":2,"id":"b"}"#);
    assert_eq!((item.id.as_str(), item.size), ("b", None), "the last value counts");
    assert_eq!(item.unknown, [("x".into(), "[1]"), ("x".into(), "2")], "without the nulls");
    for no_object in ["7", "[{\"id\":1}]", "null", "\"a\""] {
        let item: Item<'_> = read(no_object);
        assert!(item.id.0.is_none() && item.unknown.is_empty(), "{no_object}");
    }
}

#[test]
fn one_object_stands_for_a_list() {
    let ids = |json| {
        let mut ids = Vec::new();
        read::<Raw<'_>>(json).for_each(|item: Item<'_>| ids.push(item.id.as_str().to_owned()));
        ids
    };
    assert_eq!(ids(r#"[{"id":"a"},7,{"id":"b"}]"#), ["a", "", "b"]);
    assert_eq!(ids(r#"{"id":"a"}"#), ["a"]);
    assert!(ids("7").is_empty() && ids("null").is_empty());

    /// The first item with an id.
    #[derive(Debug)]
    struct First<'a>(Option<Item<'a>>);
    impl<'a> FromJson<'a> for First<'a> {
        fn from_json(reader: &mut lenient_json::Reader<'a>) -> Option<Self> {
            first(reader, |item: &Item<'a>| item.id.filled().is_some()).map(First)
        }
    }
    let id = |json| read::<First<'_>>(json).0.map(|item| item.id.as_str().to_owned());
    assert_eq!(id(r#"[{"id":""},{"id":"a"},{"id":"b"}]"#).as_deref(), Some("a"));
    assert_eq!(id(r#"{"id":"a"}"#).as_deref(), Some("a"));
    assert_eq!((id(r#"{"id":""}"#), id("[]"), id("7")), (None, None, None));
}
