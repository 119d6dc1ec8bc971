//! Trees of attested registries, which their authorities upload.

use bauta_service_common::{NewApiKey, Quota};
use bauta_store::RegistryKind;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::common::{Chain, Running, address, number_bytes};

/// A service with an API key for trees.
pub struct Uploads {
    pub service: Running,
    pub key: String,
    /// A key with another permission.
    pub other_key: String,
}

/// Starts a service whose upload connection has the role of the indexer, and all others that of the
/// API.
pub fn start(chain: &Chain, environment: &[(&str, &str)]) -> Uploads {
    let new = NewApiKey::random(&["trees"], u64::MAX, Quota::default());
    let other = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let keys = format!("{},{}", new.line, other.line);
    let url = chain.database.url().unwrap();
    let separator = if url.contains('?') { '&' } else { '?' };
    let with_role = |role: &str| format!("{url}{separator}options=-c%20role%3D{role}");
    let upload = with_role("bauta_indexer");
    let mut all = vec![
        ("API_KEYS", keys.as_str()),
        ("UPLOAD_DATABASE_URL", upload.as_str()),
    ];
    // An empty value removes a variable.
    all.retain(|(name, _)| !environment.iter().any(|(other, _)| other == name));
    all.extend(environment.iter().filter(|(_, value)| !value.is_empty()));
    Uploads {
        service: Running::start_at(&with_role("bauta_api"), &all),
        key: new.key.to_string(),
        other_key: other.key.to_string(),
    }
}

impl Uploads {
    /// Uploads bytes as the tree of a root. Returns the status and the code of an error.
    pub async fn put(&self, root: &str, body: Vec<u8>) -> (u16, Value) {
        let path = format!("/v1/registries/{}/roots/{root}/leaves", address("registry"));
        let request = self
            .service
            .request(Method::PUT, &path)
            .bearer_auth(&self.key)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

fn leaves(count: u64) -> Vec<[u8; 32]> {
    (1..=count).map(number_bytes).collect()
}

#[tokio::test]
async fn an_uploaded_tree_is_served_if_it_gives_the_published_root_and_else_nothing_is_stored() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(300));
    chain.apply().await;
    let uploads = start(&chain, &[]);
    let root = chain.root(registry).to_string();
    let path = format!("/v1/registries/{registry}/roots/{root}/leaves");
    let bytes = leaves(300).concat();
    let mut changed = bytes.clone();
    changed[32 * 299 + 31] ^= 1;
    let above_modulus = [&bytes[..32], &[0xff; 32]].concat();
    for (body, status, code) in [
        (changed, 422, "other_root"),
        (bytes[..32 * 299].to_vec(), 422, "other_root"),
        (bytes[..=32 * 299].to_vec(), 422, "invalid_leaves"),
        (above_modulus, 422, "invalid_leaves"),
        (Vec::new(), 422, "other_root"),
    ] {
        let (found, problem) = uploads.put(&root, body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        let (found, problem) = uploads.service.get(&path).await;
        assert_eq!((found, &problem["code"]), (404, &json!("tree_not_stored")));
    }
    let (status, stored) = uploads.put(&root, bytes.clone()).await;
    assert_eq!((status, stored), (200, json!({"root": root, "leaves": "300"})));
    assert_eq!(uploads.service.bytes(&path).await, bytes);
    // A path and a tile of the tree.
    let proof = format!("/v1/registries/{registry}/paths/299?root={root}");
    let leaf = format!("0x{}", hex::encode(number_bytes(300)));
    assert_eq!(uploads.service.read(&proof).await["leaf"], leaf);
    uploads.service.bytes(&format!("/v1/tiles/{root}")).await;
    // A repeated upload changes nothing.
    assert_eq!(uploads.put(&root, bytes).await.0, 200);
}

#[tokio::test]
async fn a_tree_with_more_leaves_than_the_limit_is_refused_before_it_is_read() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(3));
    chain.apply().await;
    let uploads = start(&chain, &[("MAX_UPLOADED_LEAVES", "3")]);
    let root = chain.root(registry).to_string();
    let (status, problem) = uploads.put(&root, vec![0; 4 * 32]).await;
    assert_eq!(
        (status, &problem["code"]),
        (413, &json!("body_too_large")),
        "{problem}"
    );
    // Without a length, the body is counted while it arrives, and never read to its end.
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 4_096]));
    let path = format!("/v1/registries/{registry}/roots/{root}/leaves");
    let request = uploads
        .service
        .request(Method::PUT, &path)
        .bearer_auth(&uploads.key)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(reqwest::Body::wrap_stream(endless));
    // The service can close the connection before the client has read the response.
    if let Ok(response) = request.send().await {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(uploads.put(&root, leaves(3).concat()).await.0, 200);
}

#[tokio::test]
async fn only_the_current_root_of_an_attested_registry_is_accepted_and_only_with_the_permission() {
    let (mut chain, registry) = (Chain::new().await, address("registry"));
    chain.create(registry, RegistryKind::Attested);
    chain.publish(registry, leaves(1));
    let old = chain.root(registry).to_string();
    chain.publish(registry, leaves(2));
    chain.create(address("managed"), RegistryKind::Managed);
    chain.apply().await;
    let mut uploads = start(&chain, &[]);
    let (status, problem) = uploads.put(&old, leaves(1).concat()).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("root_not_current")),
        "{problem}"
    );
    let managed = format!("/v1/registries/{}/roots/{old}/leaves", address("managed"));
    let request = uploads.service.request(Method::PUT, &managed);
    let request = request
        .bearer_auth(&uploads.key)
        .header(header::CONTENT_TYPE, "application/octet-stream");
    let problem: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(problem["code"], "not_an_attested_registry", "{problem}");
    let path = format!("/v1/registries/{registry}/roots/{old}/leaves");
    let request = uploads
        .service
        .request(Method::PUT, &path)
        .bearer_auth(&uploads.key);
    let response = request.json(&json!([])).send().await.unwrap();
    assert_eq!(response.status(), 415);
    let without_key = uploads.service.request(Method::PUT, &path).send().await.unwrap();
    assert_eq!(without_key.status(), 401);
    uploads.key.clone_from(&uploads.other_key);
    assert_eq!(uploads.put(&old, Vec::new()).await.0, 403);
    let disabled = start(&chain, &[("UPLOAD_DATABASE_URL", "")]);
    let (status, problem) = disabled.put(&old, Vec::new()).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("feature_disabled")),
        "{problem}"
    );
}
