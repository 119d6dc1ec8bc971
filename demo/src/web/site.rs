//! The files of the page. They are read at start, so a request can't reach another file.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};

/// The page, and the files that it loads.
pub struct Site {
    files: HashMap<String, Bytes>,
    /// The value of the header `Content-Security-Policy`.
    policy: String,
}

impl Site {
    /// Creates a site without files, whose page may send requests to these URLs.
    pub fn new(connect: &[&str]) -> Self {
        let policy = [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "worker-src 'self'",
            "style-src 'self'",
            // Wallets give their icons as data: URLs.
            "img-src 'self' data:",
            &format!("connect-src 'self' {}", connect.join(" ")),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types bauta-worker svelte-trusted-html",
        ];
        Self {
            files: HashMap::new(),
            policy: policy.join("; "),
        }
    }

    /// Adds a file.
    pub fn add(&mut self, path: String, contents: Vec<u8>) {
        self.files.insert(path, contents.into());
    }

    /// Adds the files of a folder that the page can load. `prefix` begins their paths.
    pub fn add_folder(&mut self, prefix: &str, folder: &Path) -> Result<()> {
        let failed = || format!("can't read {}", folder.display());
        for entry in fs::read_dir(folder).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let path = format!("{prefix}{}", entry.file_name().display());
            if entry.file_type()?.is_dir() {
                self.add_folder(&format!("{path}/"), &entry.path())?;
            } else if content_type(&path).is_some() {
                self.add(path, fs::read(entry.path()).with_context(failed)?);
            }
        }
        Ok(())
    }

    /// Returns the routes of the files, and of `/health`.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/health", get(async || "ok"))
            .fallback(file)
            .with_state(Arc::new(self))
    }

    fn headers(&self, path: &str) -> HeaderMap {
        let kind = content_type(path).unwrap_or("application/octet-stream");
        // The name of a file in assets/ changes with its contents.
        let cached = if path.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let policy = HeaderValue::from_str(&self.policy).expect("URLs are visible ASCII");
        HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (CACHE_CONTROL, HeaderValue::from_static(cached)),
            (CONTENT_SECURITY_POLICY, policy),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            // Wallets open windows, which have to be able to answer.
            (
                "cross-origin-opener-policy".parse().expect("a header name"),
                HeaderValue::from_static("same-origin-allow-popups"),
            ),
        ])
    }
}

async fn file(State(site): State<Arc<Site>>, request: Request) -> Response {
    let path = match request.uri().path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    match site.files.get(path) {
        Some(contents) => (site.headers(path), contents.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}

/// Returns the type of a file that pages load.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => return None,
    })
}
