//! Tests that Postgres and Redis work, and that nothing of them remains after their end.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bauta_dev_servers::{Error, POSTGRES, Postgres, Program, Redis};

/// Returns the path of Postgres's command line client, which is installed beside the server.
fn psql() -> PathBuf {
    let server = POSTGRES.find().unwrap().canonicalize().unwrap();
    server.with_file_name("psql")
}

/// Runs SQL with Postgres's command line client and returns its output.
fn query(url: &str, sql: &str) -> String {
    let output = Command::new(psql())
        .args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command",
            sql,
            url,
        ])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Returns whether a server listens at a URL.
fn listens(url: &str) -> bool {
    let address = url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    TcpStream::connect(address).is_ok()
}

/// Waits up to 30 seconds until a condition is true.
#[track_caller]
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn postgres_runs_until_it_is_dropped_and_leaves_no_files() {
    let postgres = Postgres::start().unwrap();
    let (url, folder) = (postgres.url().to_owned(), postgres.folder().to_owned());
    assert_eq!(query(&url, "select 6 * 7"), "42");
    assert_eq!(query(&url, "show server_encoding"), "UTF8");
    assert_eq!(query(&url, "show fsync"), "off");
    assert!(folder.exists());
    drop(postgres);
    assert!(!folder.exists());
    assert!(!listens(&url));
}

#[test]
fn postgres_applies_settings_and_requires_the_password() {
    let postgres = Postgres::start_with(&["work_mem=7MB"]).unwrap();
    assert_eq!(query(postgres.url(), "show work_mem"), "7MB");
    assert_eq!(query(postgres.url(), "show fsync"), "on");

    let (_, address) = postgres.url().split_once('@').unwrap();
    let refused = Command::new(psql())
        .args(["--no-password", "--command", "select 1"])
        .arg(format!("postgres://bauta:wrong@{address}"))
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[test]
fn the_error_for_a_refused_setting_contains_the_message_of_postgres() {
    let error = Postgres::start_with(&["work_mem=plenty"]).err().unwrap();
    assert!(
        matches!(
            error,
            Error::Exited {
                program: "postgres",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("work_mem"), "{error}");
}

#[test]
fn redis_runs_until_it_is_dropped_and_leaves_no_files() {
    let redis = Redis::start().unwrap();
    let (url, folder) = (redis.url().to_owned(), redis.folder().to_owned());
    let command = |url: &str, arguments: &[&str]| {
        let output = Command::new("redis-cli")
            .args(["--no-auth-warning", "-u", url])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(command(&url, &["ping"]).trim(), "PONG");
    assert!(command(&url, &["config", "get", "maxmemory-policy"]).contains("noeviction"));
    let (_, address) = url.split_once('@').unwrap();
    assert!(command(&format!("redis://{address}"), &["ping"]).contains("NOAUTH"));
    drop(redis);
    assert!(!folder.exists());
    assert!(!listens(&url));
}

#[test]
fn a_stopped_redis_starts_again_at_the_same_address() {
    let redis = Redis::start().unwrap();
    let url = redis.url().to_owned();
    let stopped = redis.stop();
    assert!(!listens(&url));
    let redis = stopped.start().unwrap();
    assert_eq!(redis.url(), url);
    assert!(listens(&url));
}

#[test]
fn the_error_for_a_port_in_use_names_the_port() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for error in [
        Postgres::start_at(port).err().unwrap(),
        Redis::start_at(port).err().unwrap(),
    ] {
        assert!(matches!(error, Error::Port { .. }), "{error}");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}

#[test]
fn servers_and_folders_of_a_killed_process_disappear() {
    let mut parent = example();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let servers: Vec<(String, PathBuf)> = (0..2)
        .map(|_| {
            let line = lines.next().unwrap().unwrap();
            let (url, folder) = line.split_once(' ').unwrap();
            (url.to_owned(), folder.into())
        })
        .collect();
    assert!(
        servers
            .iter()
            .all(|(url, folder)| listens(url) && folder.exists())
    );
    parent.kill().unwrap();
    parent.wait().unwrap();
    for (url, folder) in servers {
        eventually("the server ends", || !listens(&url));
        eventually("its folder is removed", || !Path::new(&folder).exists());
    }
}

/// Starts the example `services`, which cargo builds beside this test.
fn example() -> Child {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    Command::new(target.join("examples/services"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn the_error_for_a_missing_program_names_the_package() {
    let missing = Program {
        name: "no-such-server",
        package: "some-package",
    };
    let error = missing.find().unwrap_err().to_string();
    assert!(
        error.contains("no-such-server") && error.contains("apt-get install some-package"),
        "{error}"
    );
}

#[test]
fn postgres_recovers_committed_rows_after_a_crash() {
    // The default settings: without synchronous_commit a crash loses the last commits.
    let postgres = Postgres::start_with(&[]).unwrap();
    query(postgres.url(), "create table t as select 1 as n");
    for round in 2..4 {
        query(postgres.url(), &format!("insert into t values ({round})"));
        let server = query(postgres.url(), "select pg_postmaster_start_time()");
        postgres.crash_and_restart().unwrap();
        assert_ne!(query(postgres.url(), "select pg_postmaster_start_time()"), server);
        assert_eq!(query(postgres.url(), "select max(n) from t"), round.to_string());
    }
    let folder = postgres.folder().to_owned();
    drop(postgres);
    assert!(!folder.exists());
}
