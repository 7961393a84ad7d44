//! The guide shows this crate as it is.

#[test]
fn guide_shows_the_provider_and_its_test_whole() {
    let guide = include_str!("../../../docs/writing-a-provider.md");
    for file in [include_str!("../src/lib.rs"), include_str!("conformance.rs")] {
        assert!(guide.contains(file), "docs/writing-a-provider.md shows something else than\n{file}");
    }
    let lines = include_str!("../src/lib.rs").lines().count();
    assert!(lines < 100 && guide.contains(&format!("a whole provider of {lines} lines")), "{lines} lines");
}
