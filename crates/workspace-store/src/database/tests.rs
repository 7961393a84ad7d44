use super::*;

#[test]
fn urls_name_a_file_or_postgres() {
    let path = |url| sqlite_path(url).unwrap();
    assert_eq!(path("sqlite:data/store.db"), Some(PathBuf::from("data/store.db")));
    assert_eq!(path("sqlite:///var/lib/store.db"), Some(PathBuf::from("/var/lib/store.db")));
    assert_eq!(path("postgres://u:secret@localhost/x"), None);
    for url in ["", "store.db", "mysql://u:secret@h/x", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro"] {
        let refused = sqlite_path(url).unwrap_err();
        assert!(matches!(refused, StoreError::Url(_)), "{url}");
        assert!(!refused.to_string().contains("secret"), "{url}");
    }
}
