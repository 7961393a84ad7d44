//! Looks at this machine: settings and variables, proxies, certificates, files.

use std::path::{Path, PathBuf};

use provider_core::FieldKind;
use url::Url;

use super::{Check, Verdict};
use crate::connect::Host;
use crate::environment::Environment;

/// The variables that name proxies. Of two spellings, the first that is set counts.
const PROXIES: [[&str; 2]; 3] =
    [["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The variables that replace the certificates of the platform.
const CERTIFICATES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Which settings each provider has, and from where; variables that were probably meant for another name.
pub(super) fn settings(host: &Host, environment: &Environment) -> Vec<Check> {
    let mut checks = Vec::new();
    for (id, provider, values) in host.connected() {
        let set = provider.fields.iter().filter(|field| values.get(field.key).is_some());
        let told = set.map(|field| match (values.variable(field.key), field.kind) {
            (Some(variable), _) => format!("{} of {variable}", field.key),
            (None, FieldKind::Secret) => format!("{} is set", field.key),
            (None, _) => format!("{}={}", field.key, values.get(field.key).unwrap_or_default()),
        });
        let told: Vec<String> = told.collect();
        let detail = if told.is_empty() { "all at their defaults".to_owned() } else { told.join(", ") };
        checks.push(Check::ok("settings", detail).of(id));
        for (name, right) in environment.misspelt(provider.fields) {
            let detail = format!("{name} is set, but not read");
            checks.push(Check::warning("variables", detail, format!("is {right} meant?")).of(id));
        }
    }
    checks
}

/// The proxies of the environment. Their user names and passwords are not shown.
pub(super) fn proxies(environment: &Environment) -> Vec<Check> {
    let mut checks = Vec::new();
    for names in PROXIES {
        let Some((name, value)) = names.iter().find_map(|name| Some((*name, environment.value(name)?)))
        else {
            continue;
        };
        // A proxy may be written without its scheme.
        let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        checks.push(match Url::parse(&url) {
            Ok(url) if url.host_str().is_some() => {
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                let host = url.host_str().unwrap_or_default();
                Check::ok("proxy", format!("{name} is {}://{host}{port}", url.scheme()))
            }
            _ => {
                let step = format!("write {name} as http://host:port, or unset it");
                Check::fault("proxy", format!("{name} names no proxy"), step)
            }
        });
    }
    let exceptions = NO_PROXY.iter().find_map(|name| Some(format!("{name} is {}", environment.value(name)?)));
    checks.extend(exceptions.map(|told| Check::ok("proxy", told)));
    if checks.is_empty() {
        checks.push(Check::ok("proxy", "none in the environment"));
    }
    checks
}

/// The certificates that servers are checked against.
pub(super) fn certificates(environment: &Environment) -> Check {
    let found = rustls_native_certs::load_native_certs();
    let named = CERTIFICATES.iter().find(|name| environment.has(name));
    let of = named.map_or_else(|| "of the platform".to_owned(), |name| format!("of {name}"));
    match (found.certs.len(), found.errors.first()) {
        (0, error) => {
            let why = error.map_or_else(String::new, |error| format!(": {error}"));
            let step = match named {
                Some(name) => format!("name a file of certificates in {name}, or unset it"),
                None => "install the certificates of the platform (ca-certificates)".to_owned(),
            };
            Check::fault("certificates", format!("there are none {of}{why}"), step)
        }
        (count, None) => Check::ok("certificates", format!("{count} roots {of}")),
        (count, Some(error)) => {
            let detail = format!("{count} roots {of}, and some that cannot be read: {error}");
            Check::warning("certificates", detail, "mend or remove those files")
        }
    }
}

/// The folder of the store, if there is one, and the secrets in it: the one that is named, or the one in use.
pub(super) fn data(named: Option<&Path>, used: Option<&Path>) -> Vec<Check> {
    let Some(folder) = named.or(used) else { return Vec::new() };
    let shown = folder.display();
    let about = match std::fs::metadata(folder) {
        Ok(about) if about.is_dir() => about,
        Ok(_) => {
            return vec![Check::fault("data", format!("{shown} is no folder"), "name another one")];
        }
        Err(_) if named.is_none() => {
            return vec![Check::new("data", Verdict::Skipped, format!("there is no {shown}"))];
        }
        Err(error) => {
            let step = "name the folder of `serve`, which makes it";
            return vec![Check::fault("data", format!("{shown}: {error}"), step)];
        }
    };
    if about.permissions().readonly() {
        let step = format!("make {shown} writable for the user of `serve`");
        return vec![Check::fault("data", format!("{shown} cannot be written to"), step)];
    }
    let mut open = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_secret = path.extension().is_some_and(|end| end == "key" || end == "db");
        if is_secret && is_open(&path) {
            open.push(path);
        }
    }
    open.sort();
    if open.is_empty() {
        return vec![Check::ok("data", format!("{shown} is writable, and its secrets are yours alone"))];
    }
    let fault = |path: PathBuf| {
        let step = format!("chmod 600 {}", path.display());
        let detail = format!("others may read {}", path.display());
        match path.extension().is_some_and(|end| end == "key") {
            true => Check::fault("data", detail, step),
            // Keys in it are sealed, but prompts and answers are not.
            false => Check::warning("data", detail, step),
        }
    };
    open.into_iter().map(fault).collect()
}

/// Whether others than its owner may read a file.
#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}
