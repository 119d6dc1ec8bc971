//! The dashboard for operators: static files of `web/dashboard`, which the feature `dashboard`
//! embeds.
//!
//! ```text
//!   /dashboard/             index.html
//!   /dashboard/assets/..    files with a hash in their name, which never change
//!   /dashboard/relay        a page of the dashboard: index.html
//! ```
//!
//! The files are read at the start: those of `DASHBOARD_DIR`, or else those of the program.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::from_fn,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bauta_service_common::Problem;
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

use super::layers;

/// No inline scripts, no other hosts, no frames. Wallets give their icons as URLs of the kind `data:`,
/// and Svelte writes its own templates.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types svelte-trusted-html",
);
/// Windows of wallets can be opened.
const OPENER_POLICY: HeaderValue = HeaderValue::from_static("same-origin-allow-popups");
/// The headers of each response besides its own.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        OPENER_POLICY,
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];
/// The first file.
const INDEX: &str = "index.html";
/// The folder of files with a hash in their name.
const ASSETS: &str = "assets/";

/// Largest number of bytes of all files.
const MAX_BYTES: u64 = 16 << 20;

/// The files of `DASHBOARD_DIR` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    /// A file can't be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The folder is no dashboard.
    #[error("{} has no {INDEX}: build web/dashboard first", .0.display())]
    NoIndex(PathBuf),
    /// The files are too large.
    #[error("{} has more than {MAX_BYTES} bytes", .0.display())]
    TooLarge(PathBuf),
}

/// The files of the dashboard, by their path below the folder. Empty if the service was built without it.
#[derive(Clone, Default)]
pub struct Dashboard(Arc<BTreeMap<String, File>>);

struct File {
    bytes: Bytes,
    /// The weak entity tag, because the body can be compressed.
    tag: String,
}

#[cfg(feature = "dashboard")]
#[derive(rust_embed::RustEmbed)]
#[folder = "../web/dashboard/dist"]
#[allow_missing = true]
struct Embedded;

impl Dashboard {
    /// Reads the files of a folder, or those of this program.
    pub fn read(folder: Option<&FilePath>) -> Result<Self, DashboardError> {
        let Some(folder) = folder else {
            return Ok(Self::embedded());
        };
        let (mut files, mut left) = (Vec::new(), MAX_BYTES);
        read_folder(folder, "", &mut files, &mut left)?;
        if !files.iter().any(|(name, _)| name == INDEX) {
            return Err(DashboardError::NoIndex(folder.to_owned()));
        }
        Ok(Self::of(files))
    }

    #[cfg(feature = "dashboard")]
    fn embedded() -> Self {
        let read = |name: std::borrow::Cow<'static, str>| {
            let file = Embedded::get(&name)?;
            Some((name.into_owned(), file.data.into_owned()))
        };
        Self::of(Embedded::iter().filter_map(read))
    }

    #[cfg(not(feature = "dashboard"))]
    fn embedded() -> Self {
        Self::default()
    }

    fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(name, bytes)| {
            let tag = format!("W/\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
            let bytes = bytes.into();
            (name, File { bytes, tag })
        });
        Self(Arc::new(files.collect()))
    }

    fn response(&self, path: &str) -> Response {
        let is_file = path.starts_with(ASSETS) || path.contains('.');
        let name = if is_file { path } else { INDEX };
        let mut response = match self.0.get(name) {
            Some(file) => with_headers(name, file),
            None if self.0.contains_key(INDEX) => not_found("not_found", "the dashboard has no such file"),
            None => not_found(
                "dashboard_not_built",
                "this service has no dashboard: build web/dashboard, and set DASHBOARD_DIR or build the service with \
                 the feature dashboard",
            ),
        };
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Reads the files of a folder and of those in it. `prefix` is the path of the folder, with `/`.
fn read_folder(
    folder: &FilePath,
    prefix: &str,
    files: &mut Vec<(String, Vec<u8>)>,
    left: &mut u64,
) -> Result<(), DashboardError> {
    let at = |path: &FilePath| {
        let path = path.to_owned();
        move |error| DashboardError::Unreadable { path, error }
    };
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = format!("{prefix}{}", name.to_string_lossy());
        // Not the target of a link, so that the folder has no end and nothing else is served.
        let kind = entry.file_type().map_err(at(&path))?;
        if kind.is_dir() {
            read_folder(&path, &format!("{name}/"), files, left)?;
        } else if kind.is_file() {
            let length = entry.metadata().map_err(at(&path))?.len();
            *left = left
                .checked_sub(length)
                .ok_or_else(|| DashboardError::TooLarge(folder.to_owned()))?;
            files.push((name, fs::read(&path).map_err(at(&path))?));
        }
    }
    Ok(())
}

/// Returns the routes of the dashboard.
pub fn routes(dashboard: &Dashboard) -> Router {
    let (first, page) = (dashboard.clone(), dashboard.clone());
    Router::new()
        .route("/dashboard", get(async || Redirect::permanent("/dashboard/")))
        .route("/dashboard/", get(async move || first.response("")))
        .route(
            "/dashboard/{*path}",
            get(async move |Path(path): Path<String>| page.response(&path)),
        )
        .layer(CompressionLayer::new())
        .layer(from_fn(layers::conditional))
}

fn not_found(code: &'static str, detail: &'static str) -> Response {
    Problem::new(StatusCode::NOT_FOUND, code, detail).into_response()
}

fn with_headers(name: &str, file: &File) -> Response {
    let caching = if name.starts_with(ASSETS) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, caching),
        (header::ETAG, &file.tag),
    ];
    (headers, file.bytes.clone()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("json" | "webmanifest") => "application/json",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("assets")).unwrap();
        fs::write(folder.path().join(INDEX), "<!doctype html>").unwrap();
        fs::write(folder.path().join("assets/index-1a2b.js"), "export {};").unwrap();
        folder
    }

    #[tokio::test]
    async fn pages_are_the_first_file_and_assets_never_change() {
        let dashboard = Dashboard::read(Some(folder().path())).unwrap();
        for path in ["", "relay", "scopes/1"] {
            let response = dashboard.response(path);
            let header = |name: HeaderName| response.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(header(header::CONTENT_TYPE), "text/html; charset=utf-8");
            assert_eq!(header(header::CACHE_CONTROL), "no-cache");
            let policy = header(header::CONTENT_SECURITY_POLICY);
            assert!(
                policy.starts_with("default-src 'none'; script-src 'self';"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe") && policy.contains("require-trusted-types-for 'script'"));
            assert_eq!(text(response).await, "<!doctype html>");
        }
        let response = dashboard.response("assets/index-1a2b.js");
        assert_eq!(
            response.headers()[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(text(response).await, "export {};");
    }

    #[tokio::test]
    async fn a_file_that_is_missing_and_a_dashboard_that_was_not_built_have_their_own_codes() {
        let (built, absent) = (
            Dashboard::read(Some(folder().path())).unwrap(),
            Dashboard::default(),
        );
        for (dashboard, path, code) in [
            (&built, "assets/old.js", "not_found"),
            (&built, "favicon.ico", "not_found"),
            (&built, "assets/../../Cargo.toml", "not_found"),
            (&absent, "", "dashboard_not_built"),
            (&absent, "assets/index-1a2b.js", "dashboard_not_built"),
        ] {
            let response = dashboard.response(path);
            assert_eq!(response.status(), 404, "{path}");
            let problem: Value = serde_json::from_str(&text(response).await).unwrap();
            assert_eq!(problem["code"], code, "{path}");
        }
    }

    #[test]
    fn a_folder_without_a_dashboard_and_a_link_out_of_it_are_not_served() {
        let empty = tempfile::tempdir().unwrap();
        let read = |path: &FilePath| Dashboard::read(Some(path)).err();
        assert!(matches!(read(empty.path()), Some(DashboardError::NoIndex(_))));
        let absent = empty.path().join("absent");
        assert!(matches!(read(&absent), Some(DashboardError::Unreadable { .. })));
        let folder = folder();
        fs::write(empty.path().join("secret.txt"), "secret").unwrap();
        let link = folder.path().join("link.txt");
        std::os::unix::fs::symlink(empty.path().join("secret.txt"), link).unwrap();
        let dashboard = Dashboard::read(Some(folder.path())).unwrap();
        assert_eq!(dashboard.response("link.txt").status(), 404);
    }
}
