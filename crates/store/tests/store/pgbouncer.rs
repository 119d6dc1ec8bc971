//! Readers behind `PgBouncer`. `cargo xtask drill pgbouncer` runs these tests; they need Debian's
//! package `pgbouncer`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, Store, StoreError};
use tempfile::TempDir;

use crate::support::{Chain, address, leaf};

/// Debian installs it outside the PATH of users.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// The first version that knows the prepared statements of its clients.
const KNOWS_PREPARED_STATEMENTS: (u32, u32) = (1, 21);
/// The setting for prepared statements, which earlier versions refuse.
const PREPARED_STATEMENTS: &str = "max_prepared_statements = 200\n";

/// A `PgBouncer` in front of the server of a database. It ends with this value.
struct PgBouncer {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the version of the program.
fn version() -> (u32, u32) {
    let output = Command::new(PROGRAM).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let version = text.split_whitespace().nth(1).unwrap();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

impl PgBouncer {
    /// Starts a `PgBouncer` with a pool mode and with fewer connections to the server than clients.
    async fn start(database: &TestDatabase, mode: &str, connections: u32) -> Self {
        let url = database.url().unwrap();
        let url = url
            .split('?')
            .next()
            .unwrap()
            .strip_prefix("postgres://")
            .unwrap();
        let (login, place) = url.split_once('@').unwrap();
        let (user, password) = login.split_once(':').unwrap();
        let (server, name) = place.split_once('/').unwrap();
        let (host, port) = server.split_once(':').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own_port = listener.local_addr().unwrap().port();
        drop(listener);

        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let run_as = if is_root { "user = postgres\n" } else { "" };
        let prepared = if version() >= KNOWS_PREPARED_STATEMENTS {
            PREPARED_STATEMENTS
        } else {
            ""
        };
        let config = format!(
            "[databases]\n\
             {name} = host={host} port={port} user={user} password={password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {own_port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = {mode}\n\
             default_pool_size = {connections}\n\
             ignore_startup_parameters = extra_float_digits,options\n\
             {prepared}{run_as}"
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, config).unwrap();
        let process = Command::new(PROGRAM)
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self {
            process,
            url: format!("postgres://{login}@127.0.0.1:{own_port}/{name}"),
            _folder: folder,
        };
        let start = Instant::now();
        while let Err(error) = Store::connect(&started.url, 1).await {
            assert!(start.elapsed() < Duration::from_secs(20), "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started
    }
}

/// Reads in the way of a reader, over two connections.
async fn read(store: &Store, chain: &Chain) -> Result<(), StoreError> {
    for _ in 0..20 {
        store.check_schema().await?;
        let (registry, checkpoint) =
            tokio::try_join!(store.registry(address("registry")), store.checkpoint())?;
        assert!(checkpoint.is_some());
        let root = chain.root(address("registry"));
        store.path(&registry, root, 0, chain.now).await?;
    }
    Ok(())
}

async fn fixture() -> (TestDatabase, Chain) {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    chain.append(address("registry"), vec![leaf(1)]);
    database.store.apply(&chain.batch()).await.unwrap();
    (database, chain)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer; `cargo xtask drill pgbouncer` runs it"]
async fn readers_work_behind_session_pooling() {
    let (database, chain) = fixture().await;
    let bouncer = PgBouncer::start(&database, "session", 4).await;
    for _ in 0..3 {
        let stores = [
            Store::connect(&bouncer.url, 2).await.unwrap(),
            Store::connect(&bouncer.url, 2).await.unwrap(),
        ];
        tokio::try_join!(read(&stores[0], &chain), read(&stores[1], &chain)).unwrap();
        // Each session keeps its connection to the server until it ends.
        for store in &stores {
            store.close().await;
        }
    }
}

/// Debian's version 1.18 does not know prepared statements. Then one client uses a connection on
/// which another client has prepared its statements.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer; `cargo xtask drill pgbouncer` runs it"]
async fn transaction_pooling_needs_a_version_that_knows_prepared_statements() {
    let (database, chain) = fixture().await;
    let bouncer = PgBouncer::start(&database, "transaction", 2).await;
    let stores = [
        Store::connect(&bouncer.url, 2).await.unwrap(),
        Store::connect(&bouncer.url, 2).await.unwrap(),
    ];
    let result = tokio::try_join!(read(&stores[0], &chain), read(&stores[1], &chain));
    if version() >= KNOWS_PREPARED_STATEMENTS {
        result.unwrap();
    } else {
        let error = result.unwrap_err();
        assert!(error.to_string().contains("prepared statement"), "{error}");
    }
}
