use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error, POSTGRES,
    keeper::{Home, Kept, choose_port, random_hex},
};

/// The superuser's name.
const USER: &str = "bauta";
/// Nothing outlives this server, so nothing has to be safe against a crash.
const THROWAWAY: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// `$1` is `initdb`, `$2` the server, `$3` the data's folder, `$4` the password's file, `$5` the superuser; the rest is the
/// server's arguments.
const SET_UP_AND_SERVE: &str = r#"
[ -e "$3/PG_VERSION" ] || "$1" --pgdata "$3" --pwfile "$4" --username "$5" --auth scram-sha-256 \
    --encoding UTF8 --locale C --no-sync --no-instructions || exit
server=$2 data=$3
shift 5
exec "$server" -D "$data" "$@"
"#;

/// `$1` is the server, `$2` its data's folder, `$3` a script that fills the folder from `$4`, a backup, and `$5`, an archive,
/// up to `$6`, a time, or nothing; the rest is the server's arguments.
const RESTORE_AND_SERVE: &str = r#"
server=$1 data=$2 until=$6
[ -e "$data/PG_VERSION" ] || PATH=${server%/*}:$PATH "$3" ${until:+--until} ${until:+"$until"} "$4" "$5" "$data" || exit
shift 6
exec "$server" -D "$data" "$@"
"#;

/// What a server is restored from.
pub struct Restore<'a> {
    /// `restore.sh` of deploy/backup.
    pub script: &'a Path,
    /// What `backup.sh` made.
    pub backup: &'a Path,
    /// Where `archive-wal.sh` keeps the log.
    pub archive: &'a Path,
    /// Up to when, as Postgres reads times; none: all that is archived.
    pub until: Option<&'a str>,
}

/// A Postgres server of our own, with UTF-8 and the C locale.
pub struct Postgres {
    server: Kept,
    url: String,
    password: String,
}

impl Postgres {
    /// Starts a server that trades safety against a crash for speed.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(0)
    }

    /// The same on a port of 127.0.0.1; 0 takes a free one.
    pub fn start_at(port: u16) -> Result<Self, Error> {
        Self::launch(port, &THROWAWAY)
    }

    /// Starts a server with these settings (`name=value`) and Postgres's own defaults for the others.
    pub fn start_with(settings: &[&str]) -> Result<Self, Error> {
        Self::launch(0, settings)
    }

    fn launch(port: u16, settings: &[&str]) -> Result<Self, Error> {
        let program = program()?;
        let home = Home::new("bauta-postgres-")?.without_root()?;
        let password = random_hex::<16>()?;
        let secret = home.write("password", &password)?;

        // The keeper runs both, so that a starter who dies between them leaves nothing either.
        let mut set_up = Command::new("sh");
        set_up
            .args(["-c", SET_UP_AND_SERVE, "sh"])
            .arg(program.with_file_name("initdb"))
            .arg(&program)
            .arg(data(&home))
            .arg(&secret)
            .arg(USER);
        Self::serve(home, set_up, port, settings, &password)
    }

    /// Starts a server on what a backup of this one holds; its user and password are the same.
    pub fn start_restored(&self, from: &Restore<'_>, settings: &[&str]) -> Result<Self, Error> {
        let home = Home::new("bauta-postgres-")?.without_root()?;
        let mut restore = Command::new("sh");
        restore
            .args(["-c", RESTORE_AND_SERVE, "sh"])
            .arg(program()?)
            .arg(data(&home))
            .args([from.script, from.backup, from.archive])
            .arg(from.until.unwrap_or_default());
        // Without hot_standby it says that it is ready only when it has replayed the log.
        let settings = [&["hot_standby=off"], settings].concat();
        Self::serve(home, restore, 0, &settings, &self.password)
    }

    fn serve(
        home: Home,
        mut server: Command,
        port: u16,
        settings: &[&str],
        password: &str,
    ) -> Result<Self, Error> {
        let port = choose_port(POSTGRES.name, port)?;
        server.args(["-p", &port.to_string()]).args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
        ]);
        for setting in settings {
            server.args(["-c", setting]);
        }
        // SIGQUIT is Postgres's immediate shutdown: it waits for no client.
        let server = Kept::start(home, POSTGRES.name, &server, "QUIT", |home| is_ready(&data(home)))?;
        Ok(Self {
            server,
            url: format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"),
            password: password.to_owned(),
        })
    }

    /// Ends the server as a crash would, all connections with it, and starts it again on the same data and port: it
    /// recovers from its write-ahead log. Returns when it answers again.
    pub fn crash_and_restart(&self) -> Result<(), Error> {
        let data = self.folder().join("data");
        let old = postmaster(&data);
        let kill = || {
            let missing = || io::Error::other("postmaster.pid names no process");
            let process = old
                .clone()
                .ok_or_else(missing)
                .map_err(Error::system("find Postgres"))?;
            // SIGQUIT is the immediate shutdown: no checkpoint, and no waiting for anybody
            let killed = Command::new("kill").args(["-s", "QUIT", &process]).status();
            let killed = killed.and_then(|status| {
                if status.success() {
                    Ok(())
                } else {
                    Err(io::Error::other(status.to_string()))
                }
            });
            killed.map_err(Error::system("stop Postgres"))
        };
        let is_back = |_: &Home| is_ready(&data) && postmaster(&data) != old;
        self.server.restart(kill, is_back)
    }

    /// How a superuser reaches it: `postgres://user:password@127.0.0.1:port/postgres`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its data is while it runs.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

/// The server's program, in the folder that has the others too: a link to it need not have `initdb` beside it.
fn program() -> Result<PathBuf, Error> {
    let program = POSTGRES.find()?;
    program
        .canonicalize()
        .map_err(Error::system("find Postgres's folder"))
}

fn data(home: &Home) -> PathBuf {
    home.path().join("data")
}

/// The first line of `postmaster.pid` is the server's process.
fn postmaster(data: &Path) -> Option<String> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    file.lines().next().map(|process| process.trim().to_owned())
}

/// The eighth line of `postmaster.pid` is the server's state; `pg_ctl` waits for the same.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid"))
        .is_ok_and(|file| file.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
}
