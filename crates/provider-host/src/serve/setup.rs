//! The keys, the workspace and the sandbox of a host that starts.

use std::io::Write as _;
use std::path::Path;

use openrouter_sandbox::Sandbox;
use provider_core::Secret;
use provider_registry::Registry;
use workspace_store::{
    Actor, MasterKey, MasterKeyError, NewProvider, NewToken, NewWorkspace, RecordKind, Role, Store,
    StoreError,
};

use super::make_folder;
use crate::cli::ServeSettings;
use crate::exit::Failure;
use crate::storage;

const MASTER_KEY: &str = "HOST_MASTER_KEY";
const OPERATOR_KEY: &str = "HOST_OPERATOR_KEY";
/// The fewest characters of an operator's key, which nothing but its length protects from guesses.
const MIN_OPERATOR_KEY: usize = 16;
/// The key for the sandbox, which takes any.
const SANDBOX_KEY: &str = "sk-or-v1-sandbox";

pub(super) fn failed(error: StoreError) -> Failure {
    Failure::Usage(format!("the store does not open: {error}"))
}

/// The key that seals the secrets of workspaces: of the file that is named, of the variable, or with `--dev`
/// of a file beside the data.
pub(crate) fn master_key(dev: bool, settings: &ServeSettings, data: &Path) -> Result<MasterKey, Failure> {
    let key = match &settings.master_key_file {
        Some(path) => MasterKey::from_file(path),
        None => match MasterKey::from_env(MASTER_KEY) {
            Err(MasterKeyError::Unset { .. }) if dev => {
                let (path, database) = (data.join(super::MASTER_KEY_FILE), data.join(super::DATABASE));
                if !path.exists() && settings.database_url.is_none() && database.exists() {
                    return Err(Failure::Usage(format!(
                        "{} is missing, the master key of {}: put it back, or set {MASTER_KEY}. Another one \
                         opens no key that is sealed there",
                        path.display(),
                        database.display()
                    )));
                }
                make_folder(data)?;
                MasterKey::dev_file(path)
            }
            key => key,
        },
    };
    key.map_err(|error| match error {
        MasterKeyError::Unset { .. } => Failure::Usage(format!(
            "no master key, which seals the keys of providers: set {MASTER_KEY}, or --master-key-file; \
             `openssl rand -base64 32` makes one. Keep it apart from the database: without it, no sealed key \
             can be read. On a development machine, --dev makes one"
        )),
        error => Failure::Usage(error.to_string()),
    })
}

/// The key of whoever operates the host; none, and its routes let nobody in.
pub(super) fn operator_key(
    dev: bool,
    settings: &ServeSettings,
    data: &Path,
) -> Result<Option<Secret>, Failure> {
    let made;
    let path = match &settings.operator_key_file {
        Some(path) => Some(path.as_path()),
        None => match std::env::var(OPERATOR_KEY).ok().filter(|key| !key.trim().is_empty()) {
            Some(key) => return checked(&key).map(Some),
            None if dev => {
                made = data.join("operator.key");
                make_operator_key(&made)?;
                Some(made.as_path())
            }
            None => None,
        },
    };
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Io(format!("cannot read the operator's key in {}", path.display()), error)
    })?;
    checked(&text).map(Some)
}

fn checked(key: &str) -> Result<Secret, Failure> {
    let key = key.trim();
    match key.len() >= MIN_OPERATOR_KEY && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Secret::new(key)),
        false => Err(Failure::Usage(format!(
            "the operator's key must be {MIN_OPERATOR_KEY} characters of ASCII or more, without spaces"
        ))),
    }
}

fn make_operator_key(path: &Path) -> Result<(), Failure> {
    let key = MasterKey::generate().map_err(|error| Failure::Usage(error.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(path).and_then(|mut file| writeln!(file, "{}", key.to_text().expose()));
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Failure::Io(format!("cannot write {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// Starts the sandbox on the port that it had the last time: providers of the workspace have its address.
pub(super) async fn sandbox(data: &Path) -> Result<Sandbox, Failure> {
    let path = data.join("sandbox.port");
    let before = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u16>().ok());
    let sandbox =
        Sandbox::builder().port(before.unwrap_or(0)).start().await.map_err(|error| match before {
            Some(port) => {
                let what = format!("cannot start the sandbox on port {port}, which {} names", path.display());
                Failure::Io(what, error)
            }
            None => Failure::Io("cannot start the sandbox".to_owned(), error),
        })?;
    std::fs::write(&path, format!("{}\n", sandbox.address().port()))
        .map_err(|error| Failure::Io(format!("cannot write {}", path.display()), error))?;
    Ok(sandbox)
}

/// How to make a workspace.
pub(super) struct WorkspaceKind<'a> {
    /// As the command line makes it: with prompts and answers kept.
    pub(super) dev: bool,
    pub(super) sandbox: Option<&'a Sandbox>,
    /// Whether to make a token also for one that exists.
    pub(super) new_token: bool,
    /// The address of the page.
    pub(super) url: &'a str,
}

/// Makes the workspace if it is missing, with providers at the sandbox if there is one. Returns the lines
/// that tell of it: the text of a token is nowhere else.
pub(super) async fn workspace(
    store: &Store,
    registry: &Registry,
    id: &str,
    kind: WorkspaceKind<'_>,
) -> Result<Vec<String>, Failure> {
    let WorkspaceKind { dev, sandbox, new_token, url } = kind;
    let host = Actor::new("operator:serve");
    let was_made = if dev {
        storage::make_workspace(store, id).await
    } else {
        match store.create_workspace(NewWorkspace::new(id), &host).await {
            Ok(_) => Ok(true),
            Err(StoreError::Duplicate { kind: RecordKind::Workspace, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    };
    let was_made = was_made.map_err(|error| refused(id, &error))?;
    // One that the command line has made is new to the server: nobody has a token.
    let is_new = was_made || dev && store.tokens(id).await.map_err(|error| refused(id, &error))?.is_empty();
    let mut lines = Vec::new();
    // A workspace without any was made without --sandbox. One that has some keeps them as they are.
    let has_none = was_made || store.providers(id).await.map_err(|error| refused(id, &error))?.is_empty();
    if let Some(sandbox) = sandbox.filter(|_| has_none) {
        let values = [("api_key", SANDBOX_KEY), ("base_url", sandbox.base_url())];
        let provider = NewProvider::new(openrouter_provider::ID, values).id("openrouter");
        store.add_provider(id, registry, provider, &host).await.map_err(|error| refused(id, &error))?;
        lines.push(format!("Workspace {id}, whose OpenRouter is the sandbox"));
    } else if is_new {
        lines.push(format!("Workspace {id} is new"));
    } else {
        lines.push(format!("Workspace {id}"));
    }
    if is_new || new_token {
        let token = store.create_token(id, NewToken::new("first owner", Role::Owner), &host).await;
        let token = token.map_err(|error| refused(id, &error))?;
        let token = token.text.expose();
        lines.push(format!("Token of an Owner, which is shown this once:\n  {token}"));
        lines.push(format!("The page, signed in with it:\n  {url}/#token={token}"));
    }
    Ok(lines)
}

fn refused(workspace: &str, error: &StoreError) -> Failure {
    Failure::Usage(format!("the workspace {workspace}: {error}"))
}
