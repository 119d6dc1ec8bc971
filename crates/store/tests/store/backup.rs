//! The scripts of deploy/backup with real servers. A lost database is restored row for row, up to
//! the end of the write-ahead log or up to a time, and the store can use it. `cargo xtask drill
//! backup` runs only these tests.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use bauta_dev_servers::{POSTGRES, Postgres, Restore};
use bauta_primitives::tree::Depth;
use bauta_store::{RegistryKind, Store};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::support::{Chain, address, leaf};

/// A folder with the scripts, the backups and the archived log, which the user of the servers can
/// read.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/backup");
        for script in ["archive-wal.sh", "backup.sh", "restore.sh"] {
            fs::copy(source.join(script), folder.path().join(script)).unwrap();
        }
        let site = Self(folder);
        for name in ["backups", "backups/wal"] {
            fs::create_dir(site.path(name)).unwrap();
        }
        // The archiver is another user if the tests run as root.
        open_to_all(&site.path("backups/wal"), 0o777);
        open_to_all(&site.path(""), 0o755);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn server(&self) -> Postgres {
        let archive = format!(
            "archive_command={} {} %p %f",
            self.path("archive-wal.sh").display(),
            self.path("backups/wal").display()
        );
        let server = Postgres::start_with(&["archive_mode=on", &archive]).unwrap();
        let role = "CREATE ROLE backup LOGIN REPLICATION PASSWORD 'backup' IN ROLE pg_read_all_data";
        let made = client(&programs().join("psql"), &server)
            .args(["--quiet", "--dbname", "postgres", "--command", role])
            .status();
        assert!(made.unwrap().success());
        server
    }

    /// Runs a script with the permissions that docs/backup.md names, and no others.
    fn run(&self, script: &str, server: &Postgres, arguments: &[&OsStr]) -> Output {
        client(&self.path(script), server)
            .env("PGUSER", "backup")
            .env("PGPASSWORD", "backup")
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Makes a backup that the user of the servers can read.
    fn backup(&self, server: &Postgres, keep: &[&OsStr]) -> PathBuf {
        let directory = self.path("backups");
        let arguments = [&["postgres".as_ref(), directory.as_os_str()], keep].concat();
        let output = self.run("backup.sh", server, &arguments);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let backup = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let opened = Command::new("chmod").args(["-R", "a+rX"]).arg(&backup).status();
        assert!(opened.unwrap().success());
        open_to_all(&self.path("backups"), 0o755);
        backup
    }

    fn restore(&self, origin: &Postgres, backup: &Path, until: Option<&str>) -> Result<Postgres, String> {
        let from = Restore {
            script: &self.path("restore.sh"),
            backup,
            archive: &self.path("backups/wal"),
            until,
        };
        let restored = origin.start_restored(&from, &[]);
        restored.map_err(|error| error.to_string())
    }
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns a command for a Postgres client, with the variables of libpq that name the server.
fn client(program: &Path, server: &Postgres) -> Command {
    let (credentials, rest) = server.url()["postgres://".len()..].split_once('@').unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    let folder = programs();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(program);
    command
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("PGHOST", host)
        .env("PGPORT", port)
        .env("PGUSER", user)
        .env("PGPASSWORD", password);
    command
}

fn programs() -> PathBuf {
    let server = POSTGRES.find().unwrap().canonicalize().unwrap();
    server.parent().unwrap().to_owned()
}

/// Returns every row of every table, as `pg_dump` prints it.
fn rows(server: &Postgres) -> BTreeSet<String> {
    let output = client(&programs().join("pg_dump"), server)
        .args(["--data-only", "--inserts", "postgres"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let inserts = text.lines().filter(|line| line.starts_with("INSERT"));
    inserts.map(str::to_owned).collect()
}

/// Ends the current segment of the log and waits until it is archived.
async fn archive(server: &Postgres) {
    let mut connection = PgConnection::connect(server.url()).await.unwrap();
    let segment: String = sqlx::query_scalar("SELECT pg_walfile_name(pg_switch_wal())")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let archived = async {
        let query = "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver";
        while !sqlx::query_scalar::<_, bool>(query)
            .bind(&segment)
            .fetch_one(&mut connection)
            .await
            .unwrap()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), archived)
        .await
        .expect("the segment is archived");
}

#[tokio::test]
async fn a_lost_server_is_restored_row_for_row_and_can_be_written() {
    let site = Site::new();
    let server = site.server();
    let store = Store::connect(server.url(), 2).await.unwrap();
    store.migrate().await.unwrap();
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Managed, Depth::Ten);
    chain.append(registry, (1..6).map(leaf).collect());
    store.apply(&chain.batch()).await.unwrap();
    let at_backup = rows(&server);
    let backup = site.backup(&server, &[]);

    chain.append(registry, (6..300).map(leaf).collect());
    store.apply(&chain.batch()).await.unwrap();
    let at_time = rows(&server);
    let time: String = sqlx::query_scalar("SELECT clock_timestamp()::text")
        .fetch_one(&mut PgConnection::connect(server.url()).await.unwrap())
        .await
        .unwrap();
    chain.replace(registry, 7, leaf(1_000));
    store.apply(&chain.batch()).await.unwrap();
    let at_end = rows(&server);
    assert!(at_backup.len() < at_time.len() && at_time != at_end);
    archive(&server).await;
    store.close().await;

    // Up to the end of the log.
    let restored = site.restore(&server, &backup, None).unwrap();
    assert_eq!(rows(&restored), at_end);
    let store = Store::connect(restored.url(), 2).await.unwrap();
    store.check_schema().await.unwrap();
    chain.append(registry, vec![leaf(2_000)]);
    store.apply(&chain.batch()).await.unwrap();
    let root = chain.root(registry);
    let known = store.registry(registry).await.unwrap();
    store.path(&known, root, 0, chain.now).await.unwrap();
    store.close().await;
    drop(restored);

    // Up to a time.
    let restored = site.restore(&server, &backup, Some(&time)).unwrap();
    assert_eq!(rows(&restored), at_time);
    drop(restored);

    // The dump, into an empty server.
    let other = Postgres::start().unwrap();
    let psql = client(&programs().join("psql"), &other)
        .args(["--quiet", "--dbname", "postgres", "--file"])
        .arg(backup.join("roles.sql"))
        .output()
        .unwrap();
    assert!(psql.status.success());
    let restored = client(&programs().join("pg_restore"), &other)
        .args(["--exit-on-error", "--dbname", "postgres"])
        .arg(backup.join("database.dump"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&restored.stderr);
    assert!(restored.status.success(), "{errors}");
    assert_eq!(rows(&other), at_backup);
}

#[tokio::test]
async fn a_damaged_backup_a_full_folder_and_a_foreign_segment_are_refused() {
    let site = Site::new();
    let server = site.server();
    let backup = site.backup(&server, &[]);

    let full = site.path("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("PG_VERSION"), "15").unwrap();
    let wal = site.path("backups/wal");
    let output = site.run(
        "restore.sh",
        &server,
        &[backup.as_ref(), wal.as_ref(), full.as_ref()],
    );
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("is not empty"), "{errors}");
    assert_eq!(fs::read_dir(&full).unwrap().count(), 1);

    let output = site.run(
        "restore.sh",
        &server,
        &[wal.as_ref(), wal.as_ref(), site.path("new").as_ref()],
    );
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("is not a backup"), "{errors}");

    let segment = site.path("segment");
    fs::write(&segment, "one").unwrap();
    let arguments = [wal.as_os_str(), segment.as_os_str(), OsStr::new("00000001")];
    assert!(site.run("archive-wal.sh", &server, &arguments).status.success());
    assert!(site.run("archive-wal.sh", &server, &arguments).status.success());
    fs::write(&segment, "two").unwrap();
    let output = site.run("archive-wal.sh", &server, &arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("another content"),
        "{errors}"
    );
    assert_eq!(fs::read(wal.join("00000001")).unwrap(), b"one");

    let file = backup.join("base/global/pg_control");
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&file, bytes).unwrap();
    let refused = site.restore(&server, &backup, None).err().expect("refused");
    assert!(refused.contains("checksum mismatch"), "{refused}");
}

#[tokio::test]
async fn old_backups_are_deleted_but_never_the_newest_one_nor_its_log() {
    let site = Site::new();
    let server = site.server();
    let old = site.path("backups/20200101T000000Z");
    fs::create_dir(&old).unwrap();
    let aged = Command::new("touch")
        .args(["-d", "2020-01-01"])
        .arg(&old)
        .status();
    assert!(aged.unwrap().success());
    archive(&server).await;
    archive(&server).await;
    let wal = site.path("backups/wal");
    let first = "000000010000000000000001";
    assert!(wal.join(first).exists());
    let backup = site.backup(&server, &["7".as_ref()]);
    assert!(!old.exists() && backup.exists());
    assert!(!wal.join(first).exists());
    archive(&server).await;
    site.restore(&server, &backup, None).unwrap();

    let output = site.run(
        "backup.sh",
        &server,
        &["postgres", "nowhere", "a week"].map(OsStr::new),
    );
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("whole number of days"), "{errors}");
}
