//! `connect`: gets a key from a provider whose page asks the user, and hands it to a file or to standard
//! output.

mod key_file;
mod loopback;

use std::process::{Command, Stdio};

use openrouter_provider::pkce::{Authorization, GrantedKey};
use provider_core::{ConfigValues, Error, ErrorKind, ProviderContext};
use provider_registry::Registry;
use tokio::time::timeout;

use self::key_file::KeyFile;
use self::loopback::Loopback;
use crate::cli::{AuthorizeArgs, ConnectArgs};
use crate::connect::{descriptor, settings_of};
use crate::exit::Failure;
use crate::keys;
use crate::output::Output;
use crate::output::progress::Progress;

pub(crate) async fn run(args: &AuthorizeArgs, connect: &ConnectArgs, output: Output) -> Result<(), Failure> {
    let provider = descriptor(&Registry::discover()?, &args.name)?;
    if provider.id != openrouter_provider::ID {
        let problem = format!(
            "{} has no page that grants keys, as {} has; set its key by a variable",
            provider.id,
            openrouter_provider::ID
        );
        return Err(Failure::Usage(problem));
    }
    // A file that cannot be written is told before anyone is asked for a key.
    let file = args.key_file.as_deref().map(KeyFile::create).transpose()?;
    // Neither is one for which there is no place.
    let is_kept = file.is_none() && !args.show_key;
    if is_kept && connect.sandbox {
        let problem = "a key of the sandbox is of no use later: give --key-file or --show-key";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let storage = if is_kept { Some(connect.kept.storage().await?) } else { None };
    // The sandbox runs until the key is there.
    let (values, _sandbox) = settings_of(provider, connect, output).await?;
    let loopback = Loopback::bind(args.port)
        .await
        .map_err(|error| Failure::Io(format!("cannot listen on port {}", args.port), error))?;
    let authorization = Authorization::start(&loopback.callback_url(), &values, &ProviderContext::new())?;

    output.note("Approve in the browser on this machine, at:");
    output.remark(&format!("{}\n", authorization.url()));
    if !args.no_browser && !open(authorization.url()) {
        output.note("No browser could be opened; open the address yourself.");
    }
    let granted =
        timeout(args.timeout, grant(&loopback, authorization, output)).await.unwrap_or_else(|_| {
            let message = format!("nobody approved within {} s", args.timeout.as_secs_f64());
            Err(Error::new(ErrorKind::Timeout, message).with_provider(provider.id))
        })?;

    if let Some(file) = file {
        let path = file.keep(&granted.key)?;
        output.note(&format!("The key is in {}, which you alone may read. To use it:", path.display()));
        let variable =
            provider.fields.iter().find(|field| field.key == "api_key").and_then(|field| field.env);
        output.note(&format!("  export {}=\"$(cat '{}')\"", variable.unwrap_or_default(), path.display()));
    }
    if let Some(storage) = storage {
        // The key is for the base URL that it was got from.
        let base_url = values.get("base_url").unwrap_or_default().to_owned();
        let values = ConfigValues::new().set("base_url", base_url).set("api_key", granted.key.expose());
        // An address that was kept before is not that of the new key.
        let unset = if values.get("base_url").is_none() { Some("base_url") } else { None };
        keys::keep(&storage, &Registry::discover()?, provider.id, provider, values, unset).await?;
        keys::tell_made(&storage, output);
        output.note(&format!("The key is kept, sealed, in the workspace {}.", storage.workspace));
    }
    if args.show_key {
        output.write(&format!("{}\n", granted.key.expose()))?;
    }
    Ok(())
}

/// Waits for the browser, and gives the code for a key.
async fn grant(
    loopback: &Loopback,
    authorization: Authorization,
    output: Output,
) -> Result<GrantedKey, Error> {
    let progress = Progress::new(output, "waiting for the browser");
    let code = progress.during(loopback.code(&authorization)).await?;
    authorization.exchange(code).await
}

/// Opens an address in the browser. False: there is no program for it.
fn open(url: &str) -> bool {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        Command::new("xdg-open")
    };
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
}
