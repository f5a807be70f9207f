//! `[registry]`: where the schemas of records in Avro and Protobuf are.

use super::alerts::{Secret, ca_problem, load};
use super::settings::HttpSettings;
use crate::layers::{Key, Layers};
use reqwest::Url;
use serde::Deserialize;

/// `[registry]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySettings {
    /// Address; empty for none.
    pub url: String,
    /// Who signs in; empty for nobody.
    pub username: String,
    /// With which password.
    pub password: Secret,
    /// File of the password.
    pub password_file: String,
    /// File of certificates, in PEM, that the registry's may rest on besides the system's; empty for none.
    pub ca_file: String,
    /// Time for a schema with all that it refers to.
    pub timeout_ms: u32,
}

/// Reads and checks `[registry]`.
pub(super) fn registry(
    layers: &mut Layers,
    http: Option<&HttpSettings>,
) -> Option<RegistrySettings> {
    let mut settings: RegistrySettings = layers.read("registry")?;
    let key = Key::of("registry");
    let file = settings.password_file.clone();
    load(layers, &key, "password", &mut settings.password, &file);
    if let Some(problem) = ca_problem(&settings.ca_file) {
        let remedy = "name a file that may be read, with certificates in PEM";
        layers.problem(&key.child("ca_file"), problem, remedy);
    }
    if settings.username.is_empty() != settings.password.is_empty() {
        let what = "and the password go together, and one of them is empty";
        let remedy = "set both, or neither; the password may come from registry.password_file";
        layers.problem(&key.child("username"), what, remedy);
    }
    let stalled_ms = http.map(|http| u32::from(http.stalled_seconds) * 1000);
    if stalled_ms.is_some_and(|stalled_ms| settings.timeout_ms >= stalled_ms) {
        let what =
            "is not below http.stalled_seconds: who waits for the registry would count as dead";
        layers.problem(
            &key.child("timeout_ms"),
            what,
            "lower it, or raise http.stalled_seconds",
        );
    }
    if let Some((what, remedy)) = problem(&settings.url) {
        layers.problem(&key.child("url"), what, remedy);
    }
    Some(settings)
}

fn problem(url: &str) -> Option<(&'static str, &'static str)> {
    if url.is_empty() {
        return None;
    }
    let parsed = Url::parse(url).ok();
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let Some(url) = parsed.filter(is_http) else {
        let remedy = "write it such as https://registry.example.com:8081";
        return Some(("is not an address", remedy));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let remedy = "write them in registry.username and registry.password";
        return Some(("has a name or a password in it", remedy));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some((
            "has more than an address and a path",
            "end it with the path",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn what_is_wrong_is_said_and_no_password_with_it() {
        for (lines, said) in [
            ("url = \"http://localhost:8081/apis/ccompat/v7\"", ""),
            ("url = \"registry:8081\"", "is not an address"),
            ("url = \"\"\nusername = \"reader\"", "go together"),
            ("password = \"hidden\"", "go together"),
            (
                "url = \"https://reader:hidden@example.com\"",
                "has a name or a password",
            ),
            (
                "url = \"https://example.com/?hidden\"",
                "end it with the path",
            ),
            ("password_file = \"/nowhere\"", "cannot be read"),
            ("ca_file = \"/nowhere\"", "cannot be read"),
            ("timeout_ms = 0", "100"),
            (
                "timeout_ms = 6000\n[http]\nstalled_seconds = 6",
                "count as dead",
            ),
        ] {
            let read = Config::from_toml_str(&format!("[registry]\n{lines}"), "test.toml");
            let problems = read.map_or_else(|problems| problems.to_string(), |_| String::new());
            assert!(problems.contains(said), "{lines}: {problems}");
            assert_eq!(said.is_empty(), problems.is_empty(), "{lines}: {problems}");
            assert!(!problems.contains("hidden"), "{problems}");
        }
    }
}
