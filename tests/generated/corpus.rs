//! The stored corpus of the fuzz targets.

use std::fs;
use std::path::{Path, PathBuf};

use wire_properties::ALL;

fn fuzz(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(folder)
}

/// The names in a folder, sorted, without their endings.
fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    let mut names: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    names
}

#[test]
fn every_stored_input_keeps_its_property() {
    for (name, property) in ALL {
        let folder = fuzz("corpus").join(name);
        let inputs = fs::read_dir(&folder).expect("a folder");
        let mut count = 0;
        for input in inputs {
            let path = input.expect("a file").path();
            println!("{}", path.display());
            property(&fs::read(&path).expect("a file that can be read"));
            count += 1;
        }
        assert!(count >= 10, "{count} inputs for {name}");
    }
}

#[test]
fn every_property_has_a_target_and_a_corpus() {
    let expected: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&fuzz("fuzz_targets")), expected);
    assert_eq!(names(&fuzz("corpus")), expected);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).expect("a manifest");
    assert_eq!(manifest.matches("[[bin]]").count(), expected.len());
}
