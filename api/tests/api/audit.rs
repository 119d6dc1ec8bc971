//! The audit log: changes and refusals, the checkpoint, and the command that checks the log.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bauta_store::AuditRecord;
use reqwest::Method;
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer as _;

use crate::common::{
    Chain, Running, command, text,
    wallets::{access_token, grant, log_in, send, with_accounts},
};

/// Runs the command that checks the audit log. Returns whether it succeeded, and its output.
fn check(url: &str, more: &[&str]) -> (bool, String) {
    let arguments = [&["check-audit"], more].concat();
    let output = command(url, &[]).args(arguments).output().unwrap();
    (output.status.success(), text(&output))
}

async fn records(service: &Running, token: &str) -> Vec<Value> {
    let (mut records, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/audit?limit=3{cursor}");
        let (status, page) = send(service.request(Method::GET, &path).bearer_auth(token), &json!({})).await;
        assert_eq!(status, 200, "{page}");
        records.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else {
            return records;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Waits until the log has a number of records. Those of refusals are stored after the responses.
async fn wait_for_records(service: &Running, token: &str, number: usize) -> Vec<Value> {
    let stored = async {
        loop {
            let listed = records(service, token).await;
            if listed.len() >= number {
                return listed;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), stored)
        .await
        .unwrap()
}

/// A writer that is stopped between two statements keeps the row that all writers lock.
#[tokio::test]
async fn refusals_are_answered_while_the_end_of_the_audit_log_is_locked() {
    let chain = Chain::new().await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let mut stopped = chain.database.pool().begin().await.unwrap();
    for statement in [
        "SET LOCAL idle_in_transaction_session_timeout = 0",
        "SELECT FROM audit_head FOR UPDATE",
    ] {
        sqlx::query(statement).execute(&mut *stopped).await.unwrap();
    }
    for number in 0..60 {
        let request = service
            .request(Method::GET, "/v1/account")
            .bearer_auth(format!("{number}"));
        let (status, problem) = send(request, &json!({})).await;
        assert_eq!((status, &problem["code"]), (401, &json!("invalid_token")));
    }
    let (status, _) = service.get("/v1/registries").await;
    assert_eq!(status, 200);
    stopped.rollback().await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_and_a_logout_are_recorded_with_the_account() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let service = Running::start(&chain.database, &with_accounts(&[("LOGINS_PER_MINUTE", "0")]));
    let auditor = Keypair::new();
    grant(&url, &auditor, "auditor");
    let token = access_token(&service, &auditor).await;
    let wallet = Keypair::new();
    grant(&url, &wallet, "developer");
    for code in ["used_refresh_token", "logged_out"] {
        let session = log_in(&service, &wallet).await;
        let body = json!({"refresh_token": session["refresh_token"]});
        let refreshed = send(service.request(Method::POST, "/v1/auth/refresh"), &body).await;
        assert_eq!(refreshed.0, 200);
        let (path, body, expected) = match code {
            "logged_out" => (
                "/v1/auth/logout",
                json!({"refresh_token": refreshed.1["refresh_token"]}),
                204,
            ),
            _ => ("/v1/auth/refresh", body, 401),
        };
        let (status, problem) = send(service.request(Method::POST, path), &body).await;
        assert_eq!(status, expected, "{problem}");
    }
    // They are in the transactions of the changes, so they are there at once.
    let listed = records(&service, &token).await;
    let said: Vec<_> = listed[3..]
        .iter()
        .map(|record| (&record["event"], &record["code"]))
        .collect();
    let none = Value::Null;
    assert_eq!(
        said,
        [
            (&json!("logged_in"), &none),
            (&json!("login_ended"), &json!("used_refresh_token")),
            (&json!("logged_in"), &none),
            (&json!("logged_out"), &none),
        ]
    );
    let actors: Vec<_> = listed[3..].iter().map(|record| &record["actor"]).collect();
    assert!(
        actors
            .iter()
            .all(|actor| *actor == &listed[3]["actor"] && actor.is_string())
    );
}

/// Everyone has any number of wallets, and records are never deleted.
#[tokio::test]
async fn logins_of_many_wallets_without_a_role_do_not_fill_the_audit_log() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let service = Running::start(&chain.database, &with_accounts(&[]));
    for _ in 0..12 {
        log_in(&service, &Keypair::new()).await;
    }
    let auditor = Keypair::new();
    grant(&url, &auditor, "auditor");
    let token = access_token(&service, &auditor).await;
    // Five of an address in a minute, and the auditor's, which is always recorded.
    let counted = async {
        loop {
            let metrics = service.metrics().await;
            let unstored = metrics
                .lines()
                .find_map(|line| line.strip_prefix("bauta_api_unstored_refusals_total "));
            let unstored: usize = unstored.unwrap_or("0").parse().unwrap();
            let listed = records(&service, &token).await;
            let logins = listed.iter().filter(|record| record["event"] == "logged_in");
            let stored = logins.count();
            if stored + unstored == 13 {
                return (stored, listed);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_mins(1), counted).await;
    let (stored, listed) = counted.expect("each login is stored or counted");
    // A test that takes more than a minute has more.
    assert!((6..13).contains(&stored), "{listed:?}");
}

#[tokio::test]
async fn changes_and_refusals_are_in_the_audit_log_and_a_changed_record_is_found() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let wallet = Keypair::new();
    for role in ["auditor", "developer"] {
        grant(&url, &wallet, role);
    }
    let token = access_token(&service, &wallet).await;
    let body = json!({"kind": "server", "name": "back end", "permissions": ["read"], "days": 1});
    let request = service.request(Method::POST, "/v1/keys").bearer_auth(&token);
    let (status, new) = send(request, &body).await;
    assert_eq!(status, 201, "{new}");
    let prefix = new["key"]["prefix"].as_str().unwrap();
    let request = service.request(Method::DELETE, &format!("/v1/keys/{prefix}"));
    assert_eq!(send(request.bearer_auth(&token), &json!({})).await.0, 204);
    // Refusals: no role, no token, a wallet on a private route, a login, an API key.
    for (method, path, credential) in [
        (
            Method::PUT,
            "/v1/accounts/11111111111111111111111111111111/roles",
            token.as_str(),
        ),
        (Method::GET, "/v1/account", "x"),
        (Method::GET, "/v1/zkp/sealing-key", token.as_str()),
        (Method::POST, "/v1/auth/refresh", ""),
        (Method::POST, "/v1/zkp/generate", "bauta_00000000_00"),
    ] {
        let request = service.request(method, path).bearer_auth(credential);
        let (status, problem) = send(request, &json!({"refresh_token": "x"})).await;
        assert!([401, 403].contains(&status), "{path}: {problem}");
    }
    let listed = wait_for_records(&service, &token, 10).await;
    let said: Vec<(&str, &str)> = listed
        .iter()
        .map(|record| {
            let said = |name: &str| record[name].as_str().unwrap_or_default();
            (said("event"), said("code"))
        })
        .collect();
    let expected = [
        ("role_granted", ""),
        ("role_granted", ""),
        ("logged_in", ""),
        ("key_created", ""),
        ("key_revoked", ""),
        ("token_refused", "missing_role"),
        ("token_refused", "invalid_token"),
        ("token_refused", "wallet_not_accepted"),
        ("login_refused", "unknown_refresh_token"),
        ("key_refused", "unknown_api_key"),
    ];
    assert_eq!(said, expected);
    assert_eq!(listed[4]["subject"], prefix);
    assert_eq!(listed[4]["actor"], listed[2]["actor"]);

    // The checkpoint is a signed note of the last record.
    let checkpoint = service.read("/v1/audit/checkpoint").await;
    let note = checkpoint["note"].as_str().unwrap();
    let (signed, signature) = note.split_once("\n\n").unwrap();
    let hash = listed[9]["hash"].as_str().unwrap().trim_start_matches("0x");
    let base64 = BASE64.encode(hex::decode(hash).unwrap());
    assert_eq!(signed, format!("api.example.org/audit\n10\n{base64}"));
    let public: Vec<&str> = checkpoint["public_key"]
        .as_str()
        .unwrap()
        .splitn(3, '+')
        .collect();
    let (signature, key) = (
        BASE64
            .decode(signature.trim_end().rsplit(' ').next().unwrap())
            .unwrap(),
        BASE64.decode(public[2]).unwrap(),
    );
    assert_eq!(
        (public[0], public[1]),
        ("api.example.org/audit", &*hex::encode(&signature[..4]))
    );
    let signature = Signature::try_from(&signature[4..]).unwrap();
    assert!(signature.verify(&key[1..], format!("{signed}\n").as_bytes()));

    let kept = format!("10:{hash}");
    let (is_complete, printed) = check(&url, &["--checkpoint", &kept]);
    assert!(is_complete && printed.contains(&kept), "{printed}");
    sqlx::query("UPDATE audit_log SET subject = 'other' WHERE event = 'key_revoked'")
        .execute(chain.database.pool())
        .await
        .unwrap();
    let (is_complete, printed) = check(&url, &[]);
    assert!(!is_complete && printed.contains("record 5"), "{printed}");
    let log = [service.log_of_all_requests().await, printed].concat();
    assert!(!log.contains(&wallet.pubkey().to_string()), "{log}");
}

/// Returns the sealed checkpoints, once there is this number.
async fn seals(service: &Running, number: usize) -> Vec<Value> {
    let listed = async {
        loop {
            let page = service.read("/v1/audit/seals").await;
            let seals = page["data"].as_array().unwrap();
            if seals.len() >= number {
                return seals.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), listed)
        .await
        .unwrap()
}

#[tokio::test]
async fn new_records_are_sealed_and_a_log_that_is_written_again_with_new_seals_is_found() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    grant(&url, &Keypair::new(), "auditor");
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let first = seals(&service, 1).await;
    assert_eq!(first[0]["records"], "1");
    // A killed instance repeats nothing, and another one continues.
    drop(service);
    let service = Running::start(&chain.database, &with_accounts(&[]));
    grant(&url, &Keypair::new(), "auditor");
    sqlx::query("UPDATE audit_seals SET minute = minute - 2")
        .execute(chain.database.pool())
        .await
        .unwrap();
    let both = seals(&service, 2).await;
    assert_eq!((both.len(), &both[1]["records"]), (2, &json!("2")));
    assert_eq!(both[0]["note"], first[0]["note"]);
    // The last one is what the service signs for the same records.
    let checkpoint = service.read("/v1/audit/checkpoint").await;
    assert_eq!(both[1]["note"], checkpoint["note"]);

    let checked = || {
        let output = command(&url, &with_accounts(&[]))
            .arg("check-audit")
            .output()
            .unwrap();
        (output.status.success(), text(&output))
    };
    let (is_complete, printed) = checked();
    assert!(is_complete && printed.contains("2 seals"), "{printed}");
    // Without the key, the command compares the records with the seals, and not the signatures.
    let (is_complete, printed) = check(&url, &[]);
    assert!(is_complete && printed.contains("ACCOUNT_KEY"), "{printed}");
    // A party that writes the log and the seals again can't sign.
    sqlx::query("UPDATE audit_seals SET note = replace(note, 'api.example.org', 'other.example.org') WHERE records = 1")
        .execute(chain.database.pool())
        .await
        .unwrap();
    let (is_complete, printed) = checked();
    assert!(!is_complete && printed.contains("seal of record 1"), "{printed}");
}

/// An instance that starts with many records that no seal has.
#[tokio::test]
async fn the_first_checkpoint_of_an_instance_is_that_of_the_end_of_the_log() {
    let chain = Chain::new().await;
    let record = AuditRecord::of("flags_set", "operator", "test");
    let records = vec![record; 2_500];
    chain.database.store.add_audit_records(&records).await.unwrap();
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let checkpoint = service.read("/v1/audit/checkpoint").await;
    let head = chain.database.store.audit_head().await.unwrap();
    let note = checkpoint["note"].as_str().unwrap();
    let expected = format!("\n{}\n{}\n", head.records, BASE64.encode(head.hash));
    assert!(head.records == 2_500 && note.contains(&expected), "{note}");
    // So is the first seal.
    assert_eq!(seals(&service, 1).await[0]["records"], "2500");
}

/// A party with the database can't let the service sign a log that is not the one that it knows.
#[tokio::test]
async fn a_log_that_was_written_again_or_cut_is_not_signed_and_a_made_up_seal_stops_nothing() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    for role in ["auditor", "developer"] {
        grant(&url, &Keypair::new(), role);
    }
    let change = async |statements: &'static str| {
        sqlx::raw_sql(statements)
            .execute(chain.database.pool())
            .await
            .unwrap();
    };
    let checkpoint = "/v1/audit/checkpoint";
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let note = seals(&service, 1).await[0]["note"].clone();
    // Clients share a checkpoint for a while.
    let becomes = async |service: &Running, expected: u16| {
        let answered = async {
            loop {
                let (status, body) = service.get(checkpoint).await;
                if status == expected {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answered = tokio::time::timeout(Duration::from_mins(1), answered);
        answered.await.unwrap()
    };
    for statement in [
        "UPDATE audit_head SET hash = decode(repeat('01', 32), 'hex')",
        "UPDATE audit_head SET records = 1, hash = (SELECT hash FROM audit_log WHERE number = 1)",
        "UPDATE audit_head SET records = 3",
    ] {
        change(statement).await;
        becomes(&service, 500).await;
        change("UPDATE audit_head SET records = 2, hash = (SELECT hash FROM audit_log WHERE number = 2)")
            .await;
        assert_eq!(becomes(&service, 200).await["note"], note);
    }
    drop(service);

    // Another process knows nothing of this one. The last seal is made up, so it is not believed.
    change(
        "DELETE FROM audit_seals;
         INSERT INTO audit_seals VALUES (1, 1, decode(repeat('01', 32), 'hex'), 'x');
         UPDATE audit_log SET subject = subject || '!' WHERE number = 2",
    )
    .await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    becomes(&service, 500).await;
    change("UPDATE audit_log SET subject = rtrim(subject, '!') WHERE number = 2").await;
    assert_eq!(becomes(&service, 200).await["note"], note);
    service
        .wait_for_line(|line| line["event"] == "audit_seal_refused" && line["level"] == "ERROR")
        .await;
    drop(service);
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let listed = seals(&service, 2).await;
    assert_eq!((&listed[0]["note"], &listed[1]["note"]), (&json!("x"), &note));
}

/// A made-up seal doesn't hide the seals before it.
#[tokio::test]
async fn a_log_that_was_written_again_under_a_made_up_seal_is_not_signed() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let change = async |statements: &'static str| {
        sqlx::raw_sql(statements)
            .execute(chain.database.pool())
            .await
            .unwrap();
    };
    grant(&url, &Keypair::new(), "auditor");
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let note = seals(&service, 1).await[0]["note"].clone();
    drop(service);
    // Another log, whose hashes agree with each other, and a seal of its end that no one signed.
    change(
        "DELETE FROM audit_log; UPDATE audit_head SET records = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    .await;
    for role in ["owner", "operator"] {
        grant(&url, &Keypair::new(), role);
    }
    change(
        "INSERT INTO audit_seals SELECT max(minute) + 1, 2, (SELECT hash FROM audit_head), 'x' FROM audit_seals",
    )
    .await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let (status, problem) = service.get("/v1/audit/checkpoint").await;
    assert_eq!((status, &problem["code"]), (500, &json!("internal")), "{problem}");
    service
        .wait_for_line(|line| line["event"] == "audit_not_sealed" && line["level"] == "ERROR")
        .await;
    let counted = async {
        let none = "bauta_api_audit_seal_failures_total{cause=\"log\"} 0";
        while service.metrics().await.contains(none) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_mins(1), counted).await;
    assert!(counted.is_ok(), "{}", service.metrics().await);
    let listed = seals(&service, 2).await;
    assert_eq!((listed.len(), &listed[0]["note"]), (2, &note));
}
