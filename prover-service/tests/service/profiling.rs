//! `POST /api/profiling/comprehensive`.

use serde_json::{Value, json};

use crate::common::{Running, operator, request};

const ROUTE: &str = "/api/profiling/comprehensive";

fn body() -> Value {
    json!({"circuitTypes": ["default", "optimized"], "networkSizes": [10, 50], "iterations": 3, "warmupIterations": 1,
           "includeMemory": true, "includeCPU": true})
}

#[tokio::test]
async fn the_report_has_every_case_and_recommendations_and_counts_no_proof() {
    let service = Running::start(&[]);
    let (status, report) = service.post(ROUTE, &body()).await;
    assert_eq!(status, 200, "{report}");
    let cases = report["cases"].as_array().unwrap();
    let keys: Vec<_> = cases
        .iter()
        .map(|case| (&case["circuitType"], &case["networkSize"]))
        .collect();
    let (default, optimized) = (json!("default"), json!("optimized"));
    let (ten, fifty) = (json!(10), json!(50));
    assert_eq!(
        keys,
        [
            (&default, &ten),
            (&optimized, &ten),
            (&default, &fifty),
            (&optimized, &fifty)
        ]
    );
    for case in cases {
        let figure = |name: &str| case[name].as_f64().unwrap_or_else(|| panic!("{name}: {case}"));
        let ordered = ["minMs", "p50Ms", "p95Ms", "p99Ms", "maxMs"].map(figure);
        assert!(ordered.is_sorted() && ordered[0] > 0.0, "{case}");
        assert!(
            (figure("minMs")..=figure("maxMs")).contains(&figure("avgMs")),
            "{case}"
        );
        assert!(
            figure("memoryBytes") > 1e6 && figure("cpuPercent") > 0.0,
            "{case}"
        );
    }
    let recommendations = report["recommendations"].as_array().unwrap();
    assert!(recommendations.len() >= 3, "{recommendations:?}");
    let slowest = cases[0]["avgMs"]
        .as_f64()
        .unwrap()
        .max(cases[2]["avgMs"].as_f64().unwrap());
    let first = recommendations[0].as_str().unwrap();
    assert!(first.contains(&format!("{slowest:.1} ms per proof")), "{first}");
    assert_eq!(service.get("/health").await.1["proofs_generated"], 0);
    let mut plain = body();
    plain["includeMemory"] = json!(false);
    plain["includeCPU"] = json!(false);
    let (_, report) = service.post(ROUTE, &plain).await;
    assert!(
        report["cases"][0].get("memoryBytes").is_none() && report["cases"][0].get("cpuPercent").is_none()
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_with_a_chart_and_without_external_resources() {
    let service = Running::start(&[]);
    let client = reqwest::Client::new();
    let url = format!("http://{}{ROUTE}", service.address);
    let browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (url, accept) in [
        (url.clone(), browsers),
        (format!("{url}?format=html"), "application/json"),
    ] {
        let answer = client
            .post(url)
            .bearer_auth(&operator().0)
            .header("accept", accept)
            .json(&body())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert!(
            answer.headers()["content-security-policy"]
                .to_str()
                .unwrap()
                .starts_with("default-src 'none'")
        );
        let page = answer.text().await.unwrap();
        assert!(
            page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"),
            "{page}"
        );
        for part in [
            "<svg ",
            "</svg>",
            "default, 10 members",
            "optimized, 50 members",
            "<h2>Recommendations</h2>",
            "<b>default</b> is a proof on one thread",
        ] {
            assert!(page.contains(part), "{part} isn't in: {page}");
        }
        for part in ["<script", "http://", "https://", "url(", "NaN", "inf "] {
            assert!(!page.contains(part), "{part} is in: {page}");
        }
    }
    let answer = client
        .post(format!("{url}?format=json"))
        .bearer_auth(&operator().0)
        .header("accept", browsers)
        .json(&body());
    assert_eq!(
        answer.send().await.unwrap().json::<Value>().await.unwrap()["iterations"],
        3
    );
}

#[tokio::test]
async fn a_measurement_is_bounded_and_does_not_block_proofs() {
    let service = Running::start(&[]);
    for (field, value, expected) in [
        ("circuitTypes", json!([]), "circuitTypes"),
        ("circuitTypes", json!(["default", "default"]), "circuitTypes"),
        ("circuitTypes", json!(["fastest"]), "circuitTypes[0]"),
        ("networkSizes", json!([]), "networkSizes"),
        ("networkSizes", json!([10, 0]), "networkSizes[1]"),
        ("networkSizes", json!([10_001]), "networkSizes[0]"),
        ("iterations", json!(0), "iterations"),
        ("iterations", json!(201), "iterations"),
        ("warmupIterations", json!(21), "warmupIterations"),
        ("more", json!(1), "more"),
    ] {
        let mut bad = body();
        bad[field] = value;
        let (status, problem) = service.post(ROUTE, &bad).await;
        assert_eq!((status, &problem["field"]), (400, &json!(expected)), "{problem}");
    }
    let mut many = body();
    many["networkSizes"] = json!([1, 2, 3]);
    many["iterations"] = json!(200);
    let (status, problem) = service.post(ROUTE, &many).await;
    assert_eq!(
        (status, &problem["field"]),
        (400, &json!("iterations")),
        "{problem}"
    );
    assert_eq!(service.post(&format!("{ROUTE}?format=pdf"), &body()).await.0, 400);

    many["iterations"] = json!(100);
    let run = async {
        loop {
            let answer = service.post(ROUTE, &many).await;
            // A short measurement of the other task may have started first.
            if answer.0 != 429 {
                return answer;
            }
        }
    };
    let other_requests = async {
        // While the measurement runs, a second one is refused, and a proof is made.
        loop {
            let (status, problem) = service.post(ROUTE, &body()).await;
            if status == 429 {
                assert_eq!(problem["code"], "profiling_busy");
                break;
            }
        }
        service.post("/prove", &request(3)).await.0
    };
    tokio::select! {
        answer = run => panic!("the measurement ended before the proof: {answer:?}"),
        status = other_requests => assert_eq!(status, 200),
    }
    // The client disconnected, which cancels the measurement.
    let next_measurement = async {
        while service.post(ROUTE, &body()).await.0 == 429 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), next_measurement)
        .await
        .unwrap();
}
