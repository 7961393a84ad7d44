use super::*;

fn key(byte: u8) -> MasterKey {
    let mut bytes = [byte; KEY_LEN];
    bytes[0] = 0;
    MasterKey::from_bytes(Zeroizing::new(bytes))
}

const PLACE: Place<'_> = Place {
    purpose: Purpose::ProviderSecret,
    workspace: "acme",
    provider: "openrouter",
    field: "api_key",
    version: 1,
};

#[test]
fn sealed_secret_opens_in_its_place_alone() {
    let keys = MasterKeys::new(key(1));
    let sealed = keys.seal(&PLACE, b"sk-or-v1-abc").unwrap();
    assert_eq!(**keys.open(&PLACE, &sealed).unwrap(), *b"sk-or-v1-abc");
    let others = [
        Place { purpose: Purpose::KeyCheck, ..PLACE },
        Place { workspace: "acm", provider: "eopenrouter", ..PLACE },
        Place { workspace: "other", ..PLACE },
        Place { provider: "other", ..PLACE },
        Place { field: "headers", ..PLACE },
        Place { version: 2, ..PLACE },
    ];
    for place in others {
        let refused = keys.open(&place, &sealed).unwrap_err();
        assert!(matches!(refused, SealError::DoesNotOpen { .. }), "{place:?}");
    }
}

#[test]
fn changed_bits_do_not_open() {
    let keys = MasterKeys::new(key(1));
    let sealed = keys.seal(&PLACE, b"sk").unwrap();
    for at in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[at] ^= 1;
        assert!(keys.open(&PLACE, &changed).is_err(), "byte {at}");
        let cut = Sealed { bytes: sealed.bytes[..at].to_vec(), ..sealed.clone() };
        assert!(keys.open(&PLACE, &cut).is_err(), "cut at {at}");
    }
}

#[test]
fn other_key_is_named_and_previous_key_opens() {
    let old = MasterKeys::new(key(1));
    let sealed = old.seal(&PLACE, b"sk").unwrap();
    let refused = MasterKeys::new(key(2)).open(&PLACE, &sealed).unwrap_err();
    assert!(matches!(&refused, SealError::UnknownKey { key_id, .. } if key_id == key(1).id()));
    let both = MasterKeys::new(key(2)).previous(key(1));
    assert_eq!(**both.open(&PLACE, &sealed).unwrap(), *b"sk");
    assert_eq!(both.seal(&PLACE, b"sk").unwrap().key_id, key(2).id());
}

#[test]
fn texts_of_keys_are_read_again() {
    let made = MasterKey::generate().unwrap();
    let read = MasterKey::parse(&format!(" {}\n", made.to_text().expose())).unwrap();
    assert_eq!((read.id(), &read.key), (made.id(), &made.key));
    assert_eq!(MasterKey::parse(&hex(&*made.key)).unwrap().id(), made.id());
    let zeros = "0".repeat(64);
    for text in ["", "short", &zeros, "not base64 at all, and not hexadecimal either"] {
        assert_eq!(MasterKey::parse(text).unwrap_err(), MasterKeyError::Malformed, "{text}");
    }
    assert!(!format!("{made:?}").contains(made.to_text().expose()));
}

#[test]
fn dev_file_is_made_once_and_others_cannot_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let made = MasterKey::dev_file(&path).unwrap();
    assert_eq!(MasterKey::dev_file(&path).unwrap().id(), made.id());
    assert_eq!(MasterKey::from_file(&path).unwrap().id(), made.id());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = MasterKey::dev_file(&path).unwrap_err();
        assert!(matches!(refused, MasterKeyError::ReadableByOthers { .. }));
    }
}

#[test]
fn missing_variable_is_named() {
    let refused = MasterKey::from_env("WORKSPACE_STORE_TEST_UNSET").unwrap_err();
    assert_eq!(refused, MasterKeyError::Unset { variable: "WORKSPACE_STORE_TEST_UNSET".to_owned() });
}
