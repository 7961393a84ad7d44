//! Master keys, and the sealing of secrets with keys that are derived from them.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use provider_core::Secret;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key that seals every secret of a store: 256 random bits, which the host keeps apart from the database.
///
/// Its text is base64 or hexadecimal. `Debug` shows its [id](Self::id) alone, and the memory is wiped on
/// drop.
#[derive(Clone)]
pub struct MasterKey {
    key: Zeroizing<[u8; KEY_LEN]>,
    id: String,
}

/// The length of all keys, in bytes.
const KEY_LEN: usize = 32;

/// The length of a nonce of XChaCha20-Poly1305, in bytes.
const NONCE_LEN: usize = 24;

impl MasterKey {
    /// Makes a new key from the random numbers of the operating system.
    ///
    /// # Errors
    /// [`MasterKeyError::NoRandomness`].
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        getrandom::fill(&mut *key).map_err(|_| MasterKeyError::NoRandomness)?;
        Ok(Self::from_bytes(key))
    }

    /// Reads a key from its text: 32 bytes in base64 (44 characters) or hexadecimal (64 digits).
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`], also for a key of one repeated byte.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let bytes = match text.len() {
            64 => hex_bytes(text),
            _ => STANDARD.decode(text).ok(),
        };
        let bytes = Zeroizing::new(bytes.ok_or(MasterKeyError::Malformed)?);
        let key = <[u8; KEY_LEN]>::try_from(bytes.as_slice()).map_err(|_| MasterKeyError::Malformed)?;
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(MasterKeyError::Malformed);
        }
        Ok(Self::from_bytes(Zeroizing::new(key)))
    }

    /// Reads a key from an environment variable. There is no other variable that it falls back to.
    ///
    /// # Errors
    /// [`MasterKeyError::Unset`], or as [`parse`](Self::parse).
    pub fn from_env(variable: &str) -> Result<Self, MasterKeyError> {
        match std::env::var(variable) {
            Ok(text) if !text.trim().is_empty() => Self::parse(&Zeroizing::new(text)),
            _ => Err(MasterKeyError::Unset { variable: variable.to_owned() }),
        }
    }

    /// Reads a key from a file that its owner alone can read.
    ///
    /// # Errors
    /// [`MasterKeyError::File`], [`MasterKeyError::ReadableByOthers`] (on Unix), or as
    /// [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, MasterKeyError> {
        let path = path.as_ref();
        check_owner_only(path)?;
        let text = std::fs::read_to_string(path).map_err(|cause| MasterKeyError::file(path, &cause))?;
        Self::parse(&Zeroizing::new(text))
    }

    /// Reads the key of a development machine from a file, and makes file and key if there is none. The file
    /// is readable by its owner alone. For production use [`from_env`](Self::from_env) or
    /// [`from_file`](Self::from_file): whoever copies the folder has the database and the key.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file) and [`generate`](Self::generate).
    pub fn dev_file(path: impl AsRef<Path>) -> Result<Self, MasterKeyError> {
        use std::io::Write as _;

        let path = path.as_ref();
        let key = Self::generate()?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        match options.open(path) {
            Ok(mut file) => {
                let text = Zeroizing::new(format!("{}\n", key.to_text().expose()));
                let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
                written.map(|()| key).map_err(|cause| MasterKeyError::file(path, &cause))
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => Self::from_file(path),
            Err(cause) => Err(MasterKeyError::file(path, &cause)),
        }
    }

    /// The name of the key, which is stored beside what it seals: 16 hexadecimal digits that tell nothing of
    /// the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key in base64, for a secret manager.
    pub fn to_text(&self) -> Secret {
        Secret::new(STANDARD.encode(*self.key))
    }

    fn from_bytes(key: Zeroizing<[u8; KEY_LEN]>) -> Self {
        let id = derive(&*key, "key id");
        Self { id: hex(&id[..8]), key }
    }

    fn cipher(&self, purpose: Purpose) -> XChaCha20Poly1305 {
        cipher(&derive(&*self.key, purpose.label()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The master keys of a store: the one that new secrets are sealed with, and those that older secrets may
/// still be sealed with.
///
/// To change the master key while hosts run: start each host with the new key as current and the old one as
/// previous, call [`Store::rewrap`](crate::Store::rewrap) once, then start each host without the old one.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

impl MasterKeys {
    /// One master key.
    pub fn new(current: MasterKey) -> Self {
        Self { current, previous: Vec::new() }
    }

    /// Adds a key that is only read with.
    #[must_use]
    pub fn previous(mut self, key: MasterKey) -> Self {
        self.previous.push(key);
        self
    }

    /// The key that new secrets are sealed with.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    pub(crate) fn find(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id == id)
    }

    /// Seals a secret with the current key, to be opened in this place alone.
    pub(crate) fn seal(&self, place: &Place<'_>, secret: &[u8]) -> Result<Sealed, SealError> {
        let sealed = seal(&self.current.cipher(place.purpose), secret, &place.associated_data())?;
        Ok(Sealed { key_id: self.current.id.clone(), bytes: sealed })
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let key = self.find(&sealed.key_id).ok_or_else(|| SealError::UnknownKey {
            place: place.to_string(),
            key_id: sealed.key_id.clone(),
        })?;
        let opened = open(&key.cipher(place.purpose), &sealed.bytes, &place.associated_data());
        opened.ok_or_else(|| SealError::DoesNotOpen { place: place.to_string() })
    }
}

impl From<MasterKey> for MasterKeys {
    fn from(key: MasterKey) -> Self {
        Self::new(key)
    }
}

/// A sealed secret: the id of its master key; nonce, ciphertext and tag.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) bytes: Vec<u8>,
}

/// The purposes that keys are derived for. No key serves two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A secret setting of a provider.
    ProviderSecret,
    /// The text that tells whether a master key is the database's.
    KeyCheck,
    /// A secret that waits for a browser to come back.
    PendingRequest,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Purpose::ProviderSecret => "provider secret",
            Purpose::KeyCheck => "key check",
            Purpose::PendingRequest => "pending request",
        }
    }
}

/// The place of a sealed secret. It is authenticated with the secret, so that a row that was copied to
/// another place does not open there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) workspace: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) field: &'a str,
    pub(crate) version: i64,
}

impl Place<'_> {
    /// Each part with its length in front, so that no two places have one text.
    fn associated_data(&self) -> Vec<u8> {
        let version = self.version.to_string();
        let mut data = Vec::new();
        for part in [self.purpose.label(), self.workspace, self.provider, self.field, &version] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of provider {:?} in workspace {:?}", self.field, self.provider, self.workspace)
    }
}

/// A key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// The variable is not set. A store does not open without a master key.
    Unset {
        /// The name of the variable.
        variable: String,
    },
    /// The text is not 32 bytes in base64 or hexadecimal, or one byte repeated.
    Malformed,
    /// The file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's word for it.
        cause: String,
    },
    /// Others than its owner can read the file.
    ReadableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// The secrets of this database are sealed with another key.
    Wrong {
        /// The id of the key that was given.
        given: String,
        /// The ids of the keys of the database.
        expected: Vec<String>,
    },
    /// The operating system gives no random numbers.
    NoRandomness,
}

impl MasterKeyError {
    fn file(path: &Path, cause: &std::io::Error) -> Self {
        MasterKeyError::File { path: path.to_owned(), cause: cause.to_string() }
    }
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterKeyError::Unset { variable } => {
                write!(f, "no master key: set {variable} to 32 random bytes in base64")
            }
            MasterKeyError::Malformed => {
                f.write_str("the master key is not 32 random bytes in base64 or hexadecimal")
            }
            MasterKeyError::File { path, cause } => {
                write!(f, "the master key's file {}: {cause}", path.display())
            }
            MasterKeyError::ReadableByOthers { path } => {
                write!(f, "others can read the master key's file; run chmod 600 {}", path.display())
            }
            MasterKeyError::Wrong { given, expected } => write!(
                f,
                "the secrets of this database are sealed with the master key {}, not {given}",
                expected.join(" or ")
            ),
            MasterKeyError::NoRandomness => f.write_str("the operating system gives no random numbers"),
        }
    }
}

impl std::error::Error for MasterKeyError {}

/// A secret that cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// None of the given master keys is the one that sealed it.
    UnknownKey {
        /// The secret's place in the store.
        place: String,
        /// The id of the key that sealed it.
        key_id: String,
    },
    /// The row was changed, or copied from another place.
    DoesNotOpen {
        /// The secret's place in the store.
        place: String,
    },
    /// A secret was not sealed: the operating system gives no random numbers, or it is longer than the cipher
    /// takes (256 GB).
    NotSealed,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::UnknownKey { place, key_id } => {
                write!(f, "{place} is sealed with the master key {key_id}, which is not at hand")
            }
            SealError::DoesNotOpen { place } => {
                write!(f, "{place} does not open: its row was changed, or copied from another place")
            }
            SealError::NotSealed => f.write_str("a secret could not be sealed, for lack of random numbers"),
        }
    }
}

impl std::error::Error for SealError {}

/// Derives the key of a purpose (HKDF-SHA256).
fn derive(key: &[u8], label: &str) -> Zeroizing<[u8; KEY_LEN]> {
    let mut derived = Zeroizing::new([0; KEY_LEN]);
    let info = [b"workspace-store/v1/", label.as_bytes()].concat();
    // The length fits: HKDF gives up to 255 blocks, and this is one.
    let expanded = Hkdf::<Sha256>::new(None, key).expand(&info, &mut *derived);
    debug_assert!(expanded.is_ok());
    derived
}

pub(crate) fn cipher(key: &[u8; KEY_LEN]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// Encrypts, with a random nonce in front.
pub(crate) fn seal(
    cipher: &XChaCha20Poly1305,
    secret: &[u8],
    associated_data: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| SealError::NotSealed)?;
    let payload = Payload { msg: secret, aad: associated_data };
    let text = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::NotSealed)?;
    Ok([nonce.as_slice(), &text].concat())
}

/// Decrypts; `None` if anything was changed.
pub(crate) fn open(
    cipher: &XChaCha20Poly1305,
    sealed: &[u8],
    associated_data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = <[u8; NONCE_LEN]>::try_from(nonce).ok()?;
    let payload = Payload { msg: text, aad: associated_data };
    cipher.decrypt(&XNonce::from(nonce), payload).ok().map(Zeroizing::new)
}

#[cfg(unix)]
fn check_owner_only(path: &Path) -> Result<(), MasterKeyError> {
    use std::os::unix::fs::PermissionsExt as _;

    let about = std::fs::metadata(path).map_err(|cause| MasterKeyError::file(path, &cause))?;
    if about.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::ReadableByOthers { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner_only(_: &Path) -> Result<(), MasterKeyError> {
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests;
