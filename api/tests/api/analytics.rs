//! Analytics with small counts hidden.

use bauta_store::{RegistryKind, ScopeMode};
use serde_json::{Value, json};

use crate::common::{Chain, DAY, Running, address};

/// Returns the column of a series.
fn column<'a>(series: &'a Value, name: &str) -> Vec<&'a Value> {
    series["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|element| &element[name])
        .collect()
}

#[tokio::test]
async fn counts_below_k_are_null_and_no_total_shows_them() {
    let mut chain = Chain::new().await;
    let (registry, scope) = (address("registry"), address("scope"));
    chain.now = chain.now / DAY * DAY;
    let start = chain.now;
    chain.create(registry, RegistryKind::Holders);
    chain.register(registry, address("mint"), address("ann"), 7);
    chain.scope(scope, registry, ScopeMode::Live);
    // 3, 12 and 20 verifications in three hours of a day, then 4 on the next day.
    for (count, seconds) in [(3, 3_600), (12, 3_600), (20, DAY), (4, 0)] {
        for _ in 0..count {
            chain.verify(scope, registry, 7);
        }
        chain.now += seconds;
    }
    chain.apply().await;
    let service = Running::start(&chain.database, &[]);
    let null = Value::Null;
    for path in [
        format!("/v1/scopes/{scope}/analytics"),
        "/v1/tracks/7/analytics".to_owned(),
    ] {
        let span = format!("from={start}&to={}", start + 3 * DAY);
        let days = service.read(&format!("{path}?{span}")).await;
        assert_eq!(days["k"], 10);
        assert_eq!(
            column(&days, "begins"),
            [&json!(start), &json!(start + DAY), &json!(start + 2 * DAY)]
        );
        assert_eq!(column(&days, "verifications"), [&json!(35), &null, &null]);
        assert_eq!(column(&days, "refused"), [&null; 3]);
        // 35 - 20 - 12 would be the 3 of the first hour, so the 12 are hidden as well.
        let span = format!("from={start}&to={}", start + 3 * 3_600);
        let hours = service.read(&format!("{path}?every=hour&{span}")).await;
        assert_eq!(column(&hours, "verifications"), [&null, &null, &json!(20)]);
        // The same in a span that begins later.
        let span = format!("from={}&to={}", start + 3_600, start + 2 * 3_600);
        let hour = service.read(&format!("{path}?every=hour&{span}")).await;
        assert_eq!(column(&hour, "verifications"), [&null]);
    }
    let span = format!("from={start}&to={}", start + DAY);
    let growth = service
        .read(&format!("/v1/registries/{registry}/growth?track=7&{span}"))
        .await;
    assert_eq!(column(&growth, "registered"), [&null]);
    for (query, field) in [
        ("every=week", "query"),
        ("from=5&to=5", "from"),
        ("from=-1", "from"),
        ("to=253402300800", "to"),
        ("from=0&to=90000000", "from"),
        ("every=hour&from=0&to=3603600", "from"),
        ("from=x", "query"),
    ] {
        let (status, problem) = service.get(&format!("/v1/tracks/7/analytics?{query}")).await;
        assert_eq!(
            (status, &problem["field"]),
            (400, &json!(field)),
            "{query}: {problem}"
        );
    }
    let (status, problem) = service.get("/v1/tracks/x/analytics").await;
    assert_eq!((status, &problem["field"]), (400, &json!("path")), "{problem}");
    let (status, _) = service.get(&format!("/v1/tracks/{}/analytics", u64::MAX)).await;
    assert_eq!(status, 200);
}
