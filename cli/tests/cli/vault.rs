//! Keys in key stores.

use crate::support::{Home, text_of};

const KEY: &str = "vault:deployer:BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";

#[test]
fn a_key_of_a_store_needs_a_valid_name() {
    let (home, _chain) = Home::initialized();
    for wrong in [
        "vault:deployer",
        "vault:../a:BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2",
    ] {
        let error = home.failure(1, &["registry", "create", "--keypair", wrong]);
        assert!(
            text_of(&error["message"]).contains("STORE:KEY:ADDRESS"),
            "{error}"
        );
    }
    let found = home.run(&["doctor", "--json", "--keypair", KEY]);
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains("in the key store vault"), "{found}");
}

#[cfg(feature = "vault")]
mod with_vault {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{TcpListener, TcpStream},
        process::Output,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
    };

    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};
    use solana_keypair::{Keypair, Signer, read_keypair_file};

    use crate::support::{BAUTA, Home, text_of};

    const TOKEN: &str = "hvs.0123456789abcdef";

    /// A server with the two routes of Vault's transit engine that the command uses.
    struct Vault {
        url: String,
        signed: Arc<AtomicUsize>,
    }

    impl Vault {
        fn start(key: &Keypair) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let signed = Arc::new(AtomicUsize::new(0));
            let (key, count) = (key.insecure_clone(), signed.clone());
            thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    // A client that closes its connection early is not a failure of the test.
                    let _ = answer(client, &key, &count);
                }
            });
            Self { url, signed }
        }

        fn run(&self, home: &Home, token: &str, arguments: &[&str]) -> Output {
            let mut command = home.command(BAUTA);
            command.env("VAULT_ADDR", &self.url).env("VAULT_TOKEN", token);
            command.args(arguments).arg("--json").output().unwrap()
        }
    }

    fn answer(client: TcpStream, key: &Keypair, signed: &AtomicUsize) -> std::io::Result<()> {
        let mut reader = BufReader::new(client);
        let (mut first, mut length, mut is_allowed) = (String::new(), 0, false);
        reader.read_line(&mut first)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(std::io::Error::other)?,
                "x-vault-token" => is_allowed = value.trim() == TOKEN,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, data) = if !is_allowed {
            ("403 Forbidden", json!({"errors": ["permission denied"]}))
        } else if first.contains("/v1/transit/sign/deployer") {
            let request: Value = serde_json::from_slice(&body)?;
            let input = STANDARD.decode(request["input"].as_str().unwrap_or_default());
            let signature = key.sign_message(&input.map_err(std::io::Error::other)?);
            signed.fetch_add(1, Ordering::SeqCst);
            let text = format!("vault:v1:{}", STANDARD.encode(signature.as_ref()));
            ("200 OK", json!({"data": {"key_version": 1, "signature": text}}))
        } else {
            let public = STANDARD.encode(key.pubkey().as_ref());
            let data = json!({
                "type": "ed25519", "supports_signing": true, "latest_version": 1,
                "keys": {"1": {"public_key": public}},
            });
            ("200 OK", json!({"data": data}))
        };
        let text = data.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{text}",
            text.len()
        );
        reader.into_inner().write_all(head.as_bytes())
    }

    #[test]
    fn vault_signs_for_the_authority_and_the_payer_and_a_refusal_sends_nothing() {
        let (home, _chain) = Home::initialized();
        let key = read_keypair_file(home.file("authority.json")).unwrap();
        let vault = Vault::start(&key);
        let name = format!("vault:deployer:{}", key.pubkey());
        let create = ["registry", "create", "--keypair", &name];
        let refused = vault.run(&home, "hvs.other", &create);
        let errors = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{errors}");
        assert!(
            errors.contains("the key store vault") && !errors.contains("hvs.other"),
            "{errors}"
        );
        assert_eq!(home.json(&["registry", "list"])["items"], json!([]));

        let created = vault.run(&home, TOKEN, &create);
        let text = String::from_utf8(created.stderr).unwrap();
        assert!(created.status.success() && !text.contains(TOKEN), "{text}");
        let created: Value = serde_json::from_slice(&created.stdout).unwrap();
        assert_eq!(text_of(&created["authority"]), key.pubkey().to_string());
        assert_eq!(vault.signed.load(Ordering::SeqCst), 1);

        // Another key signs, and Vault only pays.
        home.text(&["keypair", "other.json"]);
        let other = [
            "registry",
            "create",
            "--keypair",
            "other.json",
            "--fee-payer",
            &name,
        ];
        let paid = vault.run(&home, TOKEN, &other);
        assert!(paid.status.success(), "{}", String::from_utf8_lossy(&paid.stderr));
        assert_eq!(vault.signed.load(Ordering::SeqCst), 2);
    }
}
