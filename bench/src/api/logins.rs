//! Logins of wallets: a challenge, a signature and the tokens.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signer::Signer as _;
use tokio::task::JoinSet;

use super::chain::Writer;
use crate::{
    process::{self, Running},
    store::SETTINGS,
};

/// Clients that log in, each one after the other.
const CLIENTS: usize = 32;
/// The settings with which wallets log in, without a limit.
pub const SETTINGS_OF_ACCOUNTS: [(&str, &str); 4] = [
    ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
    (
        "ACCOUNT_KEY",
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    ),
    ("PUBLIC_URL", "https://api.example.org"),
    ("LOGINS_PER_MINUTE", "0"),
];
/// The names of the fields in the text that a wallet signs, and in the input.
const FIELDS: [(&str, &str); 8] = [
    ("URI", "uri"),
    ("Version", "version"),
    ("Chain ID", "chainId"),
    ("Nonce", "nonce"),
    ("Issued At", "issuedAt"),
    ("Expiration Time", "expirationTime"),
    ("Not Before", "notBefore"),
    ("Request ID", "requestId"),
];

/// Returns the logins a second of many wallets without a role.
#[allow(clippy::cast_precision_loss, reason = "some hundred thousand logins")]
pub async fn measure(window: Duration) -> Result<f64> {
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let writer = Writer::start(database).await?;
    let url = writer.database.url().map_err(|error| anyhow!("{error}"))?;
    let mut command = process::command("bauta-api")?;
    command
        .envs(SETTINGS_OF_ACCOUNTS)
        .env("DATABASE_URL", url)
        .env("DATABASE_CONNECTIONS", "16")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0");
    let service = Arc::new(Running::start(command).await?);
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let service = service.clone();
        clients.spawn(async move {
            let mut logins = 0_u64;
            while start.elapsed() < window {
                log_in(&service, &Keypair::new()).await?;
                logins += 1;
            }
            Ok::<_, anyhow::Error>(logins)
        });
    }
    let mut logins = 0;
    while let Some(task) = clients.join_next().await {
        logins += task??;
    }
    Ok(logins as f64 / start.elapsed().as_secs_f64())
}

/// Logs a wallet in. Returns its access token.
pub async fn log_in(service: &Running, wallet: &Keypair) -> Result<String> {
    let address = wallet.pubkey().to_string();
    let input = post(service, "/v1/auth/challenge", None, &json!({"address": address})).await?;
    let signature = wallet.sign_message(text(&input)?.as_bytes()).to_string();
    let signed = json!({"address": address, "nonce": input["nonce"], "signature": signature});
    let session = post(service, "/v1/auth/token", None, &signed).await?;
    let token = session["access_token"].as_str();
    Ok(token.context("a session has a token")?.to_owned())
}

/// Writes the text of an input as wallets do (Sign in with Solana).
fn text(input: &Value) -> Result<String> {
    let field = |name: &str| input[name].as_str().context("the input has each field");
    let mut text = format!(
        "{} wants you to sign in with your Solana account:\n{}",
        field("domain")?,
        field("address")?
    );
    if let Some(statement) = input["statement"].as_str() {
        write!(text, "\n\n{statement}")?;
    }
    text.push('\n');
    for (title, name) in FIELDS {
        if let Some(value) = input[name].as_str() {
            write!(text, "\n{title}: {value}")?;
        }
    }
    Ok(text)
}

/// Posts JSON. Returns the response, which must be a success.
pub async fn post(service: &Running, path: &str, token: Option<&str>, body: &Value) -> Result<Value> {
    let mut request = service
        .client
        .post(format!("http://{}{path}", service.address))
        .json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await?;
    let status = response.status();
    let answer: Value = response.json().await?;
    ensure!(status.is_success(), "{path}: {answer}");
    Ok(answer)
}
