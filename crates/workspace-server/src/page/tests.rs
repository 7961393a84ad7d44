use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn all() -> impl Iterator<Item = &'static File> {
    DOCUMENT.iter().chain(FILES)
}

/// The rows of the table of texts: key, English, Korean.
fn texts() -> Vec<(String, Vec<String>)> {
    let source = FILES.iter().find(|file| file.name == "texts.js").expect("the texts").content;
    let (_, table) = source.split_once("const TEXTS = {").expect("the table");
    let (table, _) = table.split_once("\n};").expect("its end");
    let mut rows = Vec::new();
    // The row is JSON but for its key and a comma before the bracket.
    for row in table.split("],") {
        let Some((key, texts)) = row.split_once('[') else { continue };
        let key = key.trim().trim_end_matches(':').trim_matches('"').to_owned();
        let texts = format!("[{}]", texts.trim().trim_end_matches(','));
        rows.push((key, serde_json::from_str(&texts).unwrap_or_else(|error| panic!("{texts}: {error}"))));
    }
    rows
}

/// The words in quotation marks behind `opening` in the modules.
fn quoted_behind(opening: &str) -> BTreeSet<&'static str> {
    let calls = all().flat_map(|file| file.content.split(opening).skip(1));
    calls.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn table_has_every_file_of_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
    let in_folder: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    let in_table: BTreeSet<String> = all().map(|file| file.name.to_owned()).collect();
    assert_eq!(in_folder, in_table);
}

#[test]
fn page_is_below_100_kib_compressed() {
    let size: usize = SERVED.iter().map(|served| served.gzip.len()).sum();
    assert!((10 * 1024..100 * 1024).contains(&size), "{size} bytes");
}

#[test]
fn modules_import_files_of_the_table_alone() {
    let names: BTreeSet<&str> = FILES.iter().map(|file| file.name).collect();
    let imported = quoted_behind(" from \"./");
    assert!(imported.len() > 10, "{imported:?}");
    assert!(imported.is_subset(&names), "{:?}", imported.difference(&names));
    for name in quoted_behind("=\"/page/").into_iter().chain(quoted_behind(": \"/page/")) {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn page_names_no_address_elsewhere_and_no_inline_script() {
    for file in all() {
        for scheme in ["https://", "http://"] {
            for rest in file.content.split(scheme).skip(1) {
                let known = rest.starts_with("www.w3.org/"); // the names of XML
                assert!(known, "{}: {scheme}{}", file.name, rest.chars().take(40).collect::<String>());
            }
        }
        for word in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "<style"]
        {
            assert!(!file.content.contains(word), "{}: {word}", file.name);
        }
        assert!(!file.content.contains("<script>"), "{}", file.name);
    }
}

#[test]
fn every_text_is_in_both_languages() {
    let texts = texts();
    assert!(texts.len() > 200, "{}", texts.len());
    let mut keys = BTreeSet::new();
    for (key, pair) in &texts {
        assert!(keys.insert(key.as_str()), "{key} twice");
        assert_eq!(pair.len(), 2, "{key}");
        assert!(pair.iter().all(|text| !text.trim().is_empty()), "{key}");
        let places = |text: &str| {
            let names = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            names.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        assert_eq!(places(&pair[0]), places(&pair[1]), "{key}");
    }
    for key in quoted_behind(" t(\"").into_iter().chain(quoted_behind("(t(\"")) {
        assert!(keys.contains(key), "no text {key:?}");
    }
    for one in keys.iter().filter_map(|key| key.strip_suffix(".1")) {
        assert!(keys.contains(one), "no text {one:?}, of which there is one");
    }
}
