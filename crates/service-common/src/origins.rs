//! The web pages that may use a service.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::{Deserialize, Deserializer, de};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Time for which a browser may keep the permission.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The origin of a web page, for example `https://app.example.org` or `http://localhost:5173`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The text isn't an [`Origin`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an origin as browsers send it, such as https://app.example.org: a scheme, a host in lower case and, if \
     it isn't the default of the scheme, a port"
)]
pub struct InvalidOrigin;

impl Origin {
    /// Returns the origin as browsers send it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Returns the host, with its port if that is not the default of the scheme.
    #[must_use]
    pub fn host(&self) -> &str {
        self.as_str().split_once("://").map_or("", |(_, host)| host)
    }

    /// Returns whether the header `Origin` of a request names this origin.
    #[must_use]
    pub fn is(&self, sent: &HeaderValue) -> bool {
        self.0 == sent
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidOrigin)?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(InvalidOrigin);
        };
        let port = match (scheme, uri.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) => return Err(InvalidOrigin),
            (_, Some(port)) => format!(":{port}"),
            (_, None) => String::new(),
        };
        // The comparison refuses a path, a user, a wildcard and upper case.
        if text != format!("{scheme}://{}{port}", host.to_lowercase()) || host.contains('*') {
            return Err(InvalidOrigin);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| InvalidOrigin)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Returns whether a page of this origin sent a request.
///
/// Browsers send the header `Origin` with websockets and with requests to another origin. An
/// `EventSource` of the service's own origin, for example behind a proxy that also serves the page,
/// has none. The browser then sends `Sec-Fetch-Site: same-origin`, which a page can't set, and the
/// host of the origin is in `Host`.
pub(crate) fn is_from(headers: &HeaderMap, origin: &str) -> bool {
    if let Some(sent) = headers.get(header::ORIGIN) {
        return sent == origin;
    }
    let is_same_origin = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin");
    let host = origin.split_once("://").map(|(_, host)| host);
    is_same_origin
        && headers
            .get(header::HOST)
            .is_some_and(|own| host.is_some_and(|host| own == host))
}

/// Returns the layer that allows pages of these origins to send requests and to read the responses
/// (CORS). Credentials of the browser, such as cookies, are never allowed: services use API keys.
pub(crate) fn cors(origins: &[Origin]) -> CorsLayer {
    let origins = origins.iter().map(|Origin(origin)| origin.clone());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(MAX_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_an_origin_is_from_a_page_of_the_services_own_origin_if_the_browser_says_so() {
        let is_from_page = |headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_from(&headers.collect(), "https://app.example.org")
        };
        let (origin, host) = (("origin", "https://app.example.org"), ("host", "app.example.org"));
        let same = ("sec-fetch-site", "same-origin");
        assert!(is_from_page(&[origin]) && is_from_page(&[same, host]));
        for other in [
            &[][..],
            &[host],
            &[same],
            &[same, ("host", "example.org")],
            &[("sec-fetch-site", "cross-site"), host],
            &[("origin", "https://evil.example"), same, host],
            &[("origin", "null"), same, host],
        ] {
            assert!(!is_from_page(other), "{other:?}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for text in [
            "https://app.example.org",
            "http://localhost:5173",
            "http://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in [
            "",
            "*",
            "null",
            "https://*.example.org",
            "https://app.example.org/",
            "https://app.example.org/path",
            "https://App.example.org",
            "https://app.example.org:443",
            "https://user@app.example.org",
            "ftp://app.example.org",
            "app.example.org",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(InvalidOrigin), "{text}");
        }
    }
}
