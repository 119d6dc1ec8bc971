//! Wallets that log in.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signer::Signer as _;

use super::{Running, command, text};

/// The secret of access tokens.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The origin of the service.
pub const OWN_ORIGIN: &str = "https://api.example.org";
const ACCOUNT_KEY: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
/// The settings with which wallets log in, without a limit.
pub const ACCOUNTS: [(&str, &str); 4] = [
    ("JWT_SECRET", SECRET),
    ("ACCOUNT_KEY", ACCOUNT_KEY),
    ("PUBLIC_URL", OWN_ORIGIN),
    ("LOGINS_PER_MINUTE", "0"),
];

/// Returns the settings with which wallets log in, and others. A later one replaces an earlier one.
pub fn with_accounts<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    ACCOUNTS.iter().chain(more).copied().collect()
}

/// Gives a wallet a role by the operator's command.
pub fn grant(url: &str, wallet: &Keypair, role: &str) {
    let wallet = wallet.pubkey().to_string();
    let arguments = ["grant-role", "--wallet", wallet.as_str(), "--role", role];
    let output = command(url, &ACCOUNTS).args(arguments).output().unwrap();
    let printed = text(&output);
    assert!(output.status.success() && !printed.contains(&wallet), "{printed}");
}

/// Sends a JSON body. Returns the status and the JSON of the response.
pub async fn send(request: RequestBuilder, body: &Value) -> (u16, Value) {
    let response = request.json(body).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// Requests a challenge, which must be a success.
pub async fn challenge(service: &Running, wallet: &Keypair) -> Value {
    let request = service.request(Method::POST, "/v1/auth/challenge");
    let (status, input) = send(request, &json!({"address": wallet.pubkey().to_string()})).await;
    assert_eq!(status, 200, "{input}");
    input
}

/// Writes the text of an input as wallets do (Sign in with Solana).
pub fn text_of(input: &Value) -> String {
    let field = |name: &str| input[name].as_str().unwrap().to_owned();
    let mut text = format!(
        "{} wants you to sign in with your Solana account:\n{}",
        field("domain"),
        field("address")
    );
    if input["statement"].is_string() {
        text = format!("{text}\n\n{}", field("statement"));
    }
    let names = [
        ("URI", "uri"),
        ("Version", "version"),
        ("Chain ID", "chainId"),
        ("Nonce", "nonce"),
        ("Issued At", "issuedAt"),
        ("Expiration Time", "expirationTime"),
        ("Not Before", "notBefore"),
        ("Request ID", "requestId"),
    ];
    let present = names.iter().filter(|(_, name)| input[*name].is_string());
    let lines: Vec<String> = present
        .map(|(title, name)| format!("{title}: {}", field(name)))
        .collect();
    format!("{text}\n\n{}", lines.join("\n"))
}

/// Returns the body with which a wallet answers a challenge.
pub fn signed(wallet: &Keypair, input: &Value) -> Value {
    json!({
        "address": wallet.pubkey().to_string(),
        "nonce": input["nonce"],
        "signature": wallet.sign_message(text_of(input).as_bytes()).to_string(),
    })
}

/// Logs a wallet in. Returns its tokens.
pub async fn log_in(service: &Running, wallet: &Keypair) -> Value {
    let body = signed(wallet, &challenge(service, wallet).await);
    let (status, session) = send(service.request(Method::POST, "/v1/auth/token"), &body).await;
    assert_eq!(status, 200, "{session}");
    session
}

/// Logs a wallet in. Returns its access token.
pub async fn access_token(service: &Running, wallet: &Keypair) -> String {
    let session = log_in(service, wallet).await;
    session["access_token"].as_str().unwrap().to_owned()
}
