//! Every link and every file that the texts of the repository name leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders at the top of the repository: a name that begins with one of them is a path.
const TOP: [&str; 6] = [".ci/", "crates/", "docs/", "examples/", "fuzz/", "tests/"];

/// How the names of files end, as far as texts name them. A folder ends in a slash.
const ENDINGS: [&str; 6] = ["/", ".rs", ".md", ".toml", ".lock", ".sh"];

/// Folders that only a run of something makes.
const MADE: [&str; 1] = ["fuzz/artifacts"];

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for path in texts() {
        let text = read(&path);
        for link in text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            assert!(target.exists(), "{}: {link} is not there", path.display());
            if !anchor.is_empty() {
                let there = anchors(&read(&target));
                assert!(there.contains(anchor), "{}: {link} is none of {there:?}", path.display());
            }
        }
    }
    assert!(links > 60, "only {links}");
}

/// The names under which a page's headings can be linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let named = |character: char| match character {
        ' ' => Some('-'),
        _ if character.is_alphanumeric() || character == '-' || character == '_' => {
            Some(character.to_ascii_lowercase())
        }
        _ => None,
    };
    headings
        .map(|heading| heading.trim_start_matches('#').trim().chars().filter_map(named).collect())
        .collect()
}

#[test]
fn files_that_texts_name_exist() {
    let places = places();
    let (mut names, mut wrong) = (0, Vec::new());
    for path in texts() {
        let mut places = places.clone();
        places.push(path.parent().expect("a folder").to_owned());
        let exists = |name: &str| places.iter().any(|place| place.join(name).exists());
        let text = read(&path);
        // Blocks show commands and code; their names are the reader's.
        let prose = text.split("```").step_by(2);
        for name in prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)) {
            let page = path.display();
            if is_path(name) {
                names += 1;
                if !exists(name) && !MADE.contains(&name) {
                    wrong.push(format!("{page}: `{name}` is not there"));
                }
            } else if name.contains('/') && (exists(name) || exists(&format!("{name}.rs"))) {
                // Once the file is gone, a name of this form could not be told from the id of a model.
                wrong.push(format!("{page}: `{name}` lacks its end: `.rs`, or `/` for a folder"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names > 50, "only {names}");
}

/// Whether a piece of code in a text is the path of a file or a folder. Commands, types and ids of models are
/// none.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_top = TOP.iter().any(|top| span.starts_with(top));
    let is_named = !span.starts_with(['/', '.']) && ENDINGS.iter().any(|ending| span.ends_with(ending));
    span.chars().all(plain) && (is_top || is_named)
}

/// The folders that names are seen from: the top, the crates together, and the sources of each.
fn places() -> Vec<PathBuf> {
    let crates = root().join("crates");
    let sources = entries(&crates).into_iter().map(|path| path.join("src"));
    [root(), crates.clone()].into_iter().chain(sources).collect()
}

/// The Markdown files at the top and below `docs/`.
pub(super) fn texts() -> Vec<PathBuf> {
    let docs = root().join("docs");
    let pages = [entries(&root()), entries(&docs), entries(&docs.join("decisions"))].concat();
    pages.into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

pub(super) fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a text")
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}
