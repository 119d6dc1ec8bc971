//! The settings of Vault. They are checked in every build.

use std::net::IpAddr;

use reqwest::Url;

use crate::{relay::error::RelaySetupError, settings::RelaySettings};

/// The URL of Vault, the token, and whether the server is on this machine.
pub type VaultAccess<'a> = (&'a str, &'a str, bool);

/// Returns the settings of Vault.
pub fn access(settings: &RelaySettings) -> Result<VaultAccess<'_>, RelaySetupError> {
    let (Some(url), Some(token)) = (&settings.vault_url, &settings.vault_token) else {
        return Err(RelaySetupError::NoVault);
    };
    let url = url.expose().trim();
    let is_local = is_local(url).ok_or(RelaySetupError::VaultUrl)?;
    Ok((url, token.expose().trim(), is_local))
}

/// Returns whether a URL is that of a server on this machine, which may be without TLS. `None` if
/// it isn't the URL of a Vault server.
fn is_local(url: &str) -> Option<bool> {
    let url: Url = url.parse().ok()?;
    let host = url.host_str()?;
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let is_local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let is_private = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    (is_plain && is_private).then_some(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_sent_over_https_or_on_this_machine() {
        for (url, expected) in [
            ("https://vault.example", Some(false)),
            ("https://vault.example/a/", Some(false)),
            ("http://127.0.0.1:8200", Some(true)),
            ("http://[::1]:8200", Some(true)),
            ("http://localhost:8200", Some(true)),
            ("http://vault.example", None),
            ("http://127.0.0.1.example", None),
            ("ftp://localhost", None),
            ("https://vault.example?a", None),
            ("vault", None),
            ("", None),
        ] {
            assert_eq!(is_local(url), expected, "{url}");
        }
    }
}
