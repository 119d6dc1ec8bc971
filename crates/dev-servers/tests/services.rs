//! The servers answer, and nothing of them stays.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bauta_dev_servers::{Error, POSTGRES, Postgres, Program, Redis};

/// Postgres's own client, which is beside the server.
fn psql() -> PathBuf {
    let server = POSTGRES.find().unwrap().canonicalize().unwrap();
    server.with_file_name("psql")
}

/// Runs SQL through Postgres's own client.
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

/// Whether something listens where a URL points.
fn listens(url: &str) -> bool {
    let address = url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    TcpStream::connect(address).is_ok()
}

/// Waits for what must become true soon.
#[track_caller]
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within 30 s");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn postgres_answers_and_leaves_nothing() {
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
fn postgres_takes_settings_and_asks_for_the_password() {
    let postgres = Postgres::start_with(&["work_mem=7MB"]).unwrap();
    assert_eq!(query(postgres.url(), "show work_mem"), "7MB");
    assert_eq!(query(postgres.url(), "show fsync"), "on");

    let (_, place) = postgres.url().split_once('@').unwrap();
    let refused = Command::new(psql())
        .args(["--no-password", "--command", "select 1"])
        .arg(format!("postgres://bauta:wrong@{place}"))
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[test]
fn a_setting_that_postgres_refuses_is_told_in_its_words() {
    let error = Postgres::start_with(&["work_mem=plenty"]).err().unwrap();
    assert!(
        matches!(
            error,
            Error::Ended {
                program: "postgres",
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("work_mem"), "{error}");
}

#[test]
fn redis_answers_and_leaves_nothing() {
    let redis = Redis::start().unwrap();
    let (url, folder) = (redis.url().to_owned(), redis.folder().to_owned());
    let ask = |url: &str, arguments: &[&str]| {
        let output = Command::new("redis-cli")
            .args(["--no-auth-warning", "-u", url])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(ask(&url, &["ping"]).trim(), "PONG");
    assert!(ask(&url, &["config", "get", "maxmemory-policy"]).contains("noeviction"));
    let (_, place) = url.split_once('@').unwrap();
    assert!(ask(&format!("redis://{place}"), &["ping"]).contains("NOAUTH"));
    drop(redis);
    assert!(!folder.exists());
    assert!(!listens(&url));
}

#[test]
fn a_stopped_redis_comes_back_empty_at_its_address() {
    let redis = Redis::start().unwrap();
    let url = redis.url().to_owned();
    let stopped = redis.stop();
    assert!(!listens(&url));
    let redis = stopped.start().unwrap();
    assert_eq!(redis.url(), url);
    assert!(listens(&url));
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for error in [
        Postgres::start_at(port).err().unwrap(),
        Redis::start_at(port).err().unwrap(),
    ] {
        assert!(matches!(error, Error::Port { .. }), "{error}");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}

#[test]
fn nothing_stays_of_a_killed_process() {
    let mut starter = example();
    let mut lines = BufReader::new(starter.stdout.take().unwrap()).lines();
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
    starter.kill().unwrap();
    starter.wait().unwrap();
    for (url, folder) in servers {
        eventually("the server ends", || !listens(&url));
        eventually("its folder goes", || !Path::new(&folder).exists());
    }
}

/// The example, which cargo builds beside this test.
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
fn a_missing_program_is_named_with_its_package() {
    let absent = Program {
        name: "no-such-server",
        package: "some-package",
    };
    let error = absent.find().unwrap_err().to_string();
    assert!(
        error.contains("no-such-server") && error.contains("apt-get install some-package"),
        "{error}"
    );
}

#[test]
fn postgres_comes_back_from_a_crash_with_what_was_committed() {
    // with Postgres's own synchronous_commit: without it the last commits are lost with the process
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
