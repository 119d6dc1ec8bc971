use std::net::IpAddr;

use reqwest::Url;

/// The URL of Vault, the token, and whether the server is on this machine.
pub type VaultAccess<'a> = (&'a str, &'a str, bool);

/// Returns whether a URL is that of a server on this machine, which may be without TLS. `None` if
/// it isn't the URL of a Vault server.
#[must_use]
pub fn is_local(url: &str) -> Option<bool> {
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
