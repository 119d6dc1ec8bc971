//! Runs every query of the dashboard and looks up every metric of the alerts in a real Prometheus
//! that scrapes the live services.
//!
//! ```text
//!   services, as started by `cargo xtask up` <--scrape-- Prometheus with deploy/prometheus
//!        ^ proofs, verifications                              ^ queries of deploy/grafana
//! ```

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http;
use crate::{
    system,
    up::{ClientLimits, NodeSettings, Ports, ServerSource, Stack, StackSettings},
    workspace,
};

/// Time limit until every query has series. Reconciliation in the indexer runs every ten seconds.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Runs the drill.
pub fn run() -> Result<()> {
    system::require(&[system::PROMETHEUS])?;
    let queries = queries()?;
    let stack = Stack::start(&StackSettings {
        database: Some(ServerSource::Private(0)),
        redis: Some(ServerSource::Private(0)),
        node: NodeSettings::Localnet {
            port: 0,
            ledger: None,
        },
        services: Some(Ports::Free),
        client_limits: ClientLimits::Off,
    })?;
    let prover = stack.service("prover").context("the stack has no prover")?;
    let indexer = stack.service("indexer").context("the stack has no indexer")?;
    let api = stack.service("api").context("the stack has no API")?;
    let prometheus = Prometheus::start(&[("prover", prover), ("indexer", indexer), ("api", api)])?;
    let mut rules = rules(&prometheus)?;
    let alerts = rules.len();
    let mut wanted = queries.clone();
    for rule in &mut rules {
        wanted.append(&mut selectors(rule));
    }
    wanted.sort();
    wanted.dedup();
    let start = Instant::now();
    loop {
        send_sample_requests(prover)?;
        let mut missing = Vec::new();
        for query in &wanted {
            if prometheus.series(query)? == 0 {
                missing.push(query.clone());
            }
        }
        if missing.is_empty() {
            break;
        }
        if start.elapsed() > TIMEOUT {
            bail!("these have no series after {TIMEOUT:?}:\n{}", missing.join("\n"));
        }
        thread::sleep(Duration::from_secs(1));
    }
    println!(
        "{} queries of the dashboard and the metrics of {alerts} alerts have series, {:.0} s after the start",
        queries.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Returns the dashboard's queries.
fn queries() -> Result<Vec<String>> {
    let file = workspace::root()?.join("deploy/grafana/dashboards/bauta.json");
    let text = fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"]
        .as_array()
        .context("the dashboard has no panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let queries: Vec<String> = targets
        .filter_map(|target| target["expr"].as_str())
        .map(str::to_owned)
        .collect();
    ensure!(!queries.is_empty(), "the dashboard has no queries");
    Ok(queries)
}

/// Returns the alerts' expressions, as Prometheus has loaded them.
fn rules(prometheus: &Prometheus) -> Result<Vec<String>> {
    let answer = http::get(&prometheus.url, "/api/v1/rules")?;
    let groups = answer["data"]["groups"]
        .as_array()
        .context("Prometheus returned no rule groups")?;
    let rules = groups
        .iter()
        .filter_map(|group| group["rules"].as_array())
        .flatten();
    let rules: Vec<String> = rules
        .filter_map(|rule| rule["query"].as_str())
        .map(str::to_owned)
        .collect();
    ensure!(!rules.is_empty(), "Prometheus has no rules");
    Ok(rules)
}

/// Returns a selector for each metric of an expression. The selector matches every series that has
/// the labels of the expression, whatever their values, because the condition of an alert (for
/// example a 5xx answer) has not occurred.
fn selectors(expression: &str) -> Vec<String> {
    const WORDS: [&str; 12] = [
        "and",
        "bool",
        "by",
        "group_left",
        "group_right",
        "ignoring",
        "on",
        "or",
        "unless",
        "without",
        "inf",
        "nan",
    ];
    let mut selectors = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_alphabetic() || letter == '_') {
        let word = &rest[start..];
        let end = word
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':')
            .unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        if let Some(labels) = after.strip_prefix('{') {
            let (labels, after) = labels.split_once('}').unwrap_or((labels, ""));
            let labels = labels
                .split(',')
                .filter_map(|label| label.split(['=', '!']).next());
            let labels: Vec<String> = labels.map(|label| format!("{}!=\"\"", label.trim())).collect();
            selectors.push(format!("{word}{{{}}}", labels.join(",")));
            rest = after;
        } else if WORDS.contains(&word) {
            // A list of labels in parentheses follows some words.
            if let Some(labels) = after.trim_start().strip_prefix('(') {
                rest = labels.split_once(')').map_or("", |(_, after)| after);
            }
        } else if ["(", "by ", "by(", "without ", "without("]
            .iter()
            .any(|begin| after.trim_start().starts_with(begin))
        {
            // This is a function.
        } else {
            selectors.push(word.to_owned());
        }
        // Skip a range.
        if let Some(range) = rest.strip_prefix('[') {
            rest = range.split_once(']').map_or("", |(_, after)| after);
        }
    }
    selectors
}

/// Sends requests that fill the metrics: a proof, a job, verifications of a valid and of an invalid
/// proof, and a request that is refused.
pub(super) fn send_sample_requests(prover: &str) -> Result<()> {
    let document = http::get(prover, "/openapi.json")?;
    let mut request =
        document["paths"]["/prove"]["post"]["requestBody"]["content"]["application/json"]["examples"]["ownership"]
            ["value"]
            .clone();
    let (status, answer) = http::post(prover, "/prove", &request)?;
    ensure!(
        status == 200,
        "the example request of the OpenAPI document failed: {answer}"
    );
    let mut verification = json!({
        "proof": answer["proof"]["proof"],
        "circuitId": answer["proof"]["metadata"]["circuit_id"],
        "public": answer["public"],
    });
    let (status, verdict) = http::post(prover, "/verify", &verification)?;
    ensure!(status == 200 && verdict["valid"] == true, "{verdict}");
    verification["public"]["claim"] = verification["public"]["scope"].clone();
    let (status, verdict) = http::post(prover, "/verify", &verification)?;
    ensure!(status == 200 && verdict["valid"] == false, "{verdict}");
    request["wait"] = false.into();
    let (status, accepted) = http::post(prover, "/prove", &request)?;
    ensure!(status == 202, "{accepted}");
    let (status, problem) = http::post(prover, "/prove", &json!({}))?;
    ensure!(status == 400, "{problem}");
    Ok(())
}

/// A Prometheus with the project's alerts. Dropping it ends the process.
struct Prometheus {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Prometheus {
    fn start(targets: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let alerts = workspace::root()?.join("deploy/prometheus/alerts.yml");
        fs::copy(alerts, folder.path().join("alerts.yml"))?;
        let mut settings =
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]\nscrape_configs:\n".to_owned();
        for (job, url) in targets {
            let address = url.trim_start_matches("http://");
            writeln!(
                settings,
                "  - {{job_name: {job}, static_configs: [{{targets: [\"{address}\"]}}]}}"
            )?;
        }
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, settings)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("can't start prometheus")?;
        let mut prometheus = Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        };
        let start = Instant::now();
        while rules(&prometheus).is_err() {
            if let Some(status) = prometheus.process.try_wait()? {
                bail!("prometheus exited at its start: {status}");
            }
            ensure!(
                start.elapsed() < TIMEOUT,
                "prometheus does not answer after {TIMEOUT:?}"
            );
            thread::sleep(Duration::from_millis(100));
        }
        Ok(prometheus)
    }

    /// Returns the number of series in a query's result.
    fn series(&self, query: &str) -> Result<usize> {
        let answer = http::post_form(&self.url, "/api/v1/query", "query", query)?;
        ensure!(answer["status"] == "success", "{query}: {answer}");
        Ok(answer["data"]["result"].as_array().map_or(0, Vec::len))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // The process may already have exited.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_name_each_metric_of_an_expression_with_its_labels() {
        for (expression, expected) in [
            ("up == 0", vec!["up"]),
            (
                r#"check_up{check="database"} == 0"#,
                vec![r#"check_up{check!=""}"#],
            ),
            (
                r#"sum by (job, instance) (rate(http_requests_total{status=~"5.."}[5m])) > 0.05"#,
                vec![r#"http_requests_total{status!=""}"#],
            ),
            (
                "sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(all_total[5m])) > 0.01",
                vec!["errors_total", "all_total"],
            ),
            (
                "max by (job) (lag_slots and on (instance) leader == 1) > 150",
                vec!["lag_slots", "leader"],
            ),
            (
                "histogram_quantile(0.95, sum by (job, le) (rate(seconds_bucket[5m]))) > 5",
                vec!["seconds_bucket"],
            ),
        ] {
            assert_eq!(selectors(expression), expected, "{expression}");
        }
    }
}
