//! The README and the pages are there to be pasted from: each of their Rust blocks compiles in an empty crate
//! outside of the workspace, with the dependencies that the text names and no others.
//!
//! Cargo fetches nothing: the crates use the workspace's lock file, and what it locks was there to build this
//! test. They are kept below the target directory, so only the first run takes long.

#![allow(clippy::expect_used, reason = "tests fail by panicking, their helpers too")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates that a page names for its reader and that this workspace does without. A block that uses one of
/// them is left out.
const NOT_HERE: &[&str] = &["opentelemetry", STORE, "workspace-store"];

/// The store brings a database along, which takes long to build: its own tests run the block of its page.
const STORE: &str = "workspace_store";

#[test]
fn the_blocks_of_the_readme_compile_with_what_it_names() {
    let readme = Text::read("readme", &root().join("README.md"));
    assert!(readme.programs().len() >= 3, "the README has lost its examples");
    check("readme", &[(&readme, readme.dependencies())]);
}

#[test]
fn the_blocks_of_a_page_compile_with_what_it_and_the_readme_name() {
    let readme = Text::read("readme", &root().join("README.md"));
    let pages = pages();
    let crates: Vec<_> = pages
        .iter()
        .filter(|page| !page.programs().is_empty())
        .map(|page| {
            let mut dependencies = readme.dependencies();
            dependencies.extend(page.dependencies());
            (page, dependencies)
        })
        .collect();
    assert!(crates.len() >= 12, "only {} pages show something", crates.len());
    check("pages", &crates);
}

/// A text with blocks in it.
struct Text {
    name: String,
    text: String,
}

impl Text {
    fn read(name: &str, path: &Path) -> Self {
        Self { name: name.to_owned(), text: fs::read_to_string(path).expect("a readable text") }
    }

    /// The Rust blocks that can be compiled here, each with a `main`.
    fn programs(&self) -> Vec<String> {
        let blocks = self.blocks("rust").into_iter().filter(|block| is_here(block));
        let main = |block: &str| if block.contains("fn main()") { "" } else { "\nfn main() {}\n" };
        blocks.map(|block| format!("#![allow(dead_code)]\n{block}{}", main(&block))).collect()
    }

    /// The lines under `[dependencies]` of the TOML blocks, by the name of the crate.
    fn dependencies(&self) -> BTreeMap<String, String> {
        let blocks = self.blocks("toml");
        let tables = blocks.iter().filter_map(|block| block.strip_prefix("[dependencies]\n"));
        let lines = tables.flat_map(str::lines).filter(|line| is_here(line));
        lines.filter_map(|line| Some((line.split_once(" = ")?.0.to_owned(), line.to_owned()))).collect()
    }

    /// The fenced blocks of a language, whatever stands behind its name.
    fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let block =
                lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
            if info.split(',').next() == Some(language) {
                blocks.push(block);
            }
        }
        blocks
    }
}

fn is_here(text: &str) -> bool {
    !NOT_HERE.iter().any(|name| text.contains(name))
}

/// Makes a workspace of a crate for each text, with a program for each of its blocks, and has cargo check it.
fn check(name: &str, crates: &[(&Text, BTreeMap<String, String>)]) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pasted");
    let workspace = home.join(name);
    // A block that is gone from a text must not be compiled again.
    let _ = fs::remove_dir_all(&workspace);
    // Paths in the texts are seen from the root of the repository.
    let seen_from_here = format!("path = \"{}/crates/", root().display());
    for (text, dependencies) in crates {
        let folder = workspace.join(&text.name);
        fs::create_dir_all(folder.join("src/bin")).expect("a folder");
        let dependencies: Vec<&str> = dependencies.values().map(String::as_str).collect();
        let dependencies = dependencies.join("\n").replace("path = \"crates/", &seen_from_here);
        let name = &text.name;
        write(
            &folder.join("Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n"),
        );
        for (number, program) in text.programs().iter().enumerate() {
            write(&folder.join(format!("src/bin/{name}_{}.rs", number + 1)), program);
        }
    }
    write(&workspace.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n");
    fs::copy(root().join("Cargo.lock"), workspace.join("Cargo.lock")).expect("copied");

    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--workspace", "--bins", "--offline", "--manifest-path"]);
    cargo.arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(home.join("target"));
    let output = cargo.output().expect("cargo starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "what {name} shows does not compile:\n{told}");
    assert!(!told.contains("warning: "), "what {name} shows compiles with warnings:\n{told}");
}

/// The pages of `docs/`.
fn pages() -> Vec<Text> {
    let entries = fs::read_dir(root().join("docs")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    pages.sort();
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().to_lowercase();
    pages.iter().map(|path| Text::read(&name(path), path)).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}
