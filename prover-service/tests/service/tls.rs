//! TLS connections to Redis, Postgres and a collector. Their certificates are self-signed, and
//! `SSL_CERT_FILE` makes the service trust them.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::serve::Listener;
use bauta_dev_servers::{Postgres, Redis};
use bauta_store::testing::TestDatabase;
use redis::Commands;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
    server::TlsStream,
};

use crate::{
    cache::{connect, count, folder, proofs_generated, prove, start},
    common::{Running, command, request, text, with_jobs},
    spans::Collector,
};

/// A self-signed certificate for 127.0.0.1.
struct Certificate {
    folder: TempDir,
    certified: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Certificate {
    fn new() -> Self {
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let certificate = Self { folder, certified };
        certificate.write(certificate.folder.path());
        certificate
    }

    /// Writes the certificate and its key into a folder, with the folder's owner.
    fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let owner = fs::metadata(folder).unwrap();
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
            path
        };
        (
            put("certificate.pem", self.certified.cert.pem()),
            put("key.pem", self.certified.signing_key.serialize_pem()),
        )
    }

    /// Returns the path of the certificate, for `SSL_CERT_FILE`.
    fn file(&self) -> String {
        let file = self.folder.path().join("certificate.pem");
        file.to_str().unwrap().to_owned()
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certified.cert.der().clone()], key);
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }
}

/// Opens a TLS port of a Redis server and returns its URL.
fn with_tls(redis: &Redis, certificate: &Certificate) -> String {
    let (certificate, key) = certificate.write(redis.folder());
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("tls-cert-file").arg(certificate.to_str());
    set.arg("tls-key-file").arg(key.to_str());
    set.arg("tls-auth-clients").arg("no").arg("tls-port").arg(port);
    let () = set.query(&mut connect(redis)).unwrap();
    let (user, _) = redis.url().split_once('@').unwrap();
    format!("{}@127.0.0.1:{port}/", user.replace("redis:", "rediss:"))
}

#[tokio::test]
async fn redis_is_used_through_tls_only_with_a_trusted_certificate() {
    let (redis, certificate) = (Redis::start().unwrap(), Certificate::new());
    let url = with_tls(&redis, &certificate);
    let (first_folder, second_folder, third_folder) = (folder(), folder(), folder());
    let trusted = certificate.file();
    let environment = [("REDIS_URL", url.as_str()), ("SSL_CERT_FILE", &trusted)];
    let first = start(&first_folder, &environment);
    assert_eq!(first.ready().await.1["checks"]["redis"]["status"], "ok");
    prove(&first, &request(3)).await;
    let second = start(&second_folder, &environment);
    prove(&second, &request(3)).await;
    assert_eq!(
        (
            proofs_generated(&second).await,
            count(&second, "proofs_redis", "hit").await
        ),
        (json!(0), 1)
    );
    let keys: Vec<String> = connect(&redis).keys("bauta:proof:*").unwrap();
    assert_eq!(keys.len(), 1);

    // If another certificate or none is trusted, Redis is unavailable.
    let other = Certificate::new();
    for trusted in [other.file(), "/dev/null".to_owned()] {
        let service = start(&third_folder, &[("REDIS_URL", &url), ("SSL_CERT_FILE", &trusted)]);
        let (status, ready) = service.ready().await;
        assert_eq!(
            (status, &ready["checks"]["redis"]["status"]),
            (200, &json!("degraded")),
            "{ready}"
        );
    }
}

#[tokio::test]
async fn postgres_is_used_through_tls_only_with_a_trusted_certificate() {
    let (postgres, certificate) = (Postgres::start().unwrap(), Certificate::new());
    let (file, key) = certificate.write(postgres.folder());
    let database = TestDatabase::on(postgres.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    for set in [
        format!("ALTER SYSTEM SET ssl_cert_file = '{}'", file.display()),
        format!("ALTER SYSTEM SET ssl_key_file = '{}'", key.display()),
        "ALTER SYSTEM SET ssl = on".to_owned(),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(set))
            .execute(database.pool())
            .await
            .unwrap();
    }
    let mut url = database.url().unwrap();
    url = url.split('?').next().unwrap().to_owned() + "?sslmode=verify-full";
    let trusted = certificate.file();
    let service = Running::start(&with_jobs(&url, &[("SSL_CERT_FILE", &trusted)]));
    let job = service.enqueue(&request(3), None).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    let encrypted: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_stat_ssl WHERE ssl")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(encrypted >= 2, "{encrypted}");

    let other = Certificate::new();
    let refused = command(&with_jobs(&url, &[("SSL_CERT_FILE", &other.file())]))
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(text(&refused).contains("certificate"), "{}", text(&refused));
}

/// Accepts TLS connections, for axum.
struct TlsListener(tokio::net::TcpListener, TlsAcceptor);

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = self.0.accept().await.unwrap();
            // A client that doesn't trust the certificate closes the connection.
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

#[tokio::test]
async fn spans_are_exported_through_tls() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4737";
    let (certificate, collector) = (Certificate::new(), Collector::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let (listener, routes) = (TlsListener(listener, certificate.acceptor()), collector.routes());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let service = Running::start(&[
        ("OTLP_ENDPOINT", &endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("SSL_CERT_FILE", &certificate.file()),
    ]);
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let (status, ..) = service
        .post_with("/prove", ("traceparent", &traceparent), &request(3))
        .await;
    assert_eq!(status, 200);
    collector.trace(TRACE, &["request", "proof"]).await;
}
