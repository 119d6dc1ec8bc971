//! Which web pages may use the service.

use bauta_service_common::{NewApiKey, Quota};
use reqwest::{Client, Method, Response, redirect::Policy};

use crate::{
    common::{Chain, Running, address},
    openapi::{document, routes},
};

const LISTED: &str = "https://app.example.org";
const OTHER: &str = "https://dapp.example";

fn text<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn preflight(service: &Running, origin: &str, method: &str, path: &str) -> Response {
    let request = service
        .request(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 204, "{method} {path}");
    response
}

#[tokio::test]
async fn a_page_of_any_origin_reads_responses_and_errors_and_sends_no_credentials() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    for (path, status) in [
        ("/v1/config", 200),
        ("/v1/registries/0", 400),
        ("/v1/tiles/x", 400),
    ] {
        let response = service.get_with(path, "origin", OTHER).await;
        assert_eq!(response.status(), status);
        assert_eq!(text(&response, "access-control-allow-origin"), "*", "{path}");
        assert_eq!(text(&response, "access-control-allow-credentials"), "");
        assert!(text(&response, "access-control-expose-headers").contains("bauta-slot"));
    }
    // Not a preflight.
    let options = service
        .request(Method::OPTIONS, "/v1/tiles")
        .send()
        .await
        .unwrap();
    assert_eq!(options.status(), 405);
    assert_eq!(text(&options, "allow"), "POST");
}

#[tokio::test]
async fn a_page_may_send_every_header_and_method_of_the_routes_that_need_no_key() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    for (route, operation) in routes(&document()) {
        // A key is optional if one of the requirements is empty, as for relays.
        if let Some(requirements) = operation["security"].as_array()
            && !requirements.contains(&serde_json::json!({}))
        {
            continue;
        }
        let (method, path) = route.split_once(' ').unwrap();
        let response = preflight(&service, OTHER, method, path).await;
        assert_eq!(text(&response, "access-control-allow-origin"), "*", "{route}");
        let methods = text(&response, "access-control-allow-methods");
        assert!(
            methods.split(", ").any(|allowed| allowed == method),
            "{route}: {methods}"
        );
        let headers = text(&response, "access-control-allow-headers");
        let mut needed = vec!["content-type".to_owned(), "if-none-match".to_owned()];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_header = parameters.filter(|parameter| parameter["in"] == "header");
        needed.extend(in_header.map(|parameter| parameter["name"].as_str().unwrap().to_lowercase()));
        for name in needed {
            assert!(
                headers.split(", ").any(|allowed| allowed == name),
                "{route}: {name}"
            );
        }
        assert!(!headers.contains("authorization"), "{route}");
    }
}

#[tokio::test]
async fn only_a_page_of_an_allowed_origin_sends_an_api_key_and_reads_the_responses_of_routes_that_need_one() {
    let chain = Chain::new().await;
    let new = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let settings = [("ALLOWED_ORIGINS", LISTED), ("API_KEYS", new.line.as_str())];
    let service = Running::start(&chain.database, &settings);
    let leaves = format!("/v1/registries/{0}/roots/{0}/leaves", address("registry"));
    let with_key = [("POST", "/v1/zkp/generate"), ("PUT", leaves.as_str())];
    for (method, path) in with_key {
        let listed = preflight(&service, LISTED, method, path).await;
        assert_eq!(text(&listed, "access-control-allow-origin"), LISTED);
        assert!(text(&listed, "access-control-allow-methods").contains(method));
        assert!(text(&listed, "access-control-allow-headers").contains("authorization"));
        assert_eq!(text(&listed, "vary"), "Origin");
        let other = preflight(&service, OTHER, method, path).await;
        assert_eq!(text(&other, "access-control-allow-origin"), "", "{path}");
        for (origin, allowed) in [(LISTED, LISTED), (OTHER, "")] {
            let request = service.request(method.parse().unwrap(), path);
            let request = request.bearer_auth(new.key.as_str()).header("origin", origin);
            let response = request.send().await.unwrap();
            assert!(response.status().is_client_error(), "{path}");
            assert_eq!(text(&response, "access-control-allow-origin"), allowed, "{path}");
        }
    }
    // The routes that need no key are the same for both, with the service's own headers.
    for origin in [LISTED, OTHER] {
        let response = service.get_with("/v1/config", "origin", origin).await;
        assert_eq!(text(&response, "access-control-allow-origin"), "*");
        assert!(text(&response, "access-control-expose-headers").contains("bauta-slot"));
        let response = preflight(&service, origin, "GET", &leaves).await;
        assert_eq!(text(&response, "access-control-allow-origin"), "*");
        for name in ["bauta-min-slot", "bauta-rollout"] {
            assert!(text(&response, "access-control-allow-headers").contains(name));
        }
    }
}

/// A page of another origin can't read what a key reads, even from a route that needs none.
#[tokio::test]
async fn no_response_to_a_request_with_a_key_is_for_every_origin() {
    let chain = Chain::new().await;
    let new = NewApiKey::random(&["prove", "relay", "trees"], u64::MAX, Quota::default());
    let settings = [("ALLOWED_ORIGINS", LISTED), ("API_KEYS", new.line.as_str())];
    let service = Running::start(&chain.database, &settings);
    let document = document();
    for (route, _) in routes(&document) {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace(['{', '}'], "");
        for (origin, allowed) in [(LISTED, LISTED), (OTHER, "")] {
            let preflight = service
                .request(Method::OPTIONS, &path)
                .header("access-control-request-method", method)
                .header("access-control-request-headers", "Authorization, content-type");
            let keyed = service
                .request(method.parse().unwrap(), &path)
                .bearer_auth(new.key.as_str());
            for request in [preflight, keyed] {
                let response = request.header("origin", origin).send().await.unwrap();
                let (status, route) = (response.status(), format!("{route} from {origin}"));
                let found = text(&response, "access-control-allow-origin");
                assert_eq!(found, allowed, "{route}: {status}");
                assert_eq!(text(&response, "access-control-allow-credentials"), "", "{route}");
                let vary = response.headers().get_all("vary").iter();
                assert!(vary.into_iter().any(|name| name == "Origin"), "{route}");
            }
        }
    }
}

#[tokio::test]
async fn no_response_redirects_a_client() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &[]);
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let document = document();
    let mut paths = vec!["//other.example".to_owned(), "//other.example/..".to_owned()];
    for (route, _) in routes(&document) {
        let (_, path) = route.split_once(' ').unwrap();
        let replaced = |value: &str| {
            let parts = path
                .split('/')
                .map(|part| if part.starts_with('{') { value } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        for value in [
            "x",
            "%2F%2Fother.example",
            "https:%2F%2Fother.example",
            "%5C%5Cother.example",
            "..%2F..%2Fx",
        ] {
            paths.push(replaced(value));
            paths.push(format!("/{}", replaced(value)));
            paths.push(format!("{}/", replaced(value)));
        }
    }
    for path in paths {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
            let query = "next=https://other.example&url=//other.example&redirect_uri=https://other.example";
            let request = client
                .request(
                    method.clone(),
                    format!("http://{}{path}?{query}", service.address),
                )
                .header("host", "other.example")
                .header("x-forwarded-host", "other.example")
                .header("referer", "https://other.example/");
            let response = request.send().await.unwrap();
            let status = response.status();
            assert!(!status.is_redirection(), "{method} {path}: {status}");
            assert_eq!(text(&response, "location"), "", "{method} {path}");
            assert_eq!(text(&response, "refresh"), "", "{method} {path}");
        }
    }
}
