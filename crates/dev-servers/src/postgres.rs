use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Error, POSTGRES,
    ports::choose_port,
    random_hex,
    supervisor::{Home, SupervisedServer},
};

/// The name of the superuser.
const USER: &str = "bauta";
/// Settings that trade durability for speed. The data does not outlive the server.
const NOT_DURABLE: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// Creates the data folder if it does not exist, and runs the server. `$1` is `initdb`, `$2` the
/// server, `$3` the data folder, `$4` the file with the password, `$5` the superuser. The remaining
/// arguments are those of the server.
const INITIALISE_AND_SERVE: &str = r#"
[ -e "$3/PG_VERSION" ] || "$1" --pgdata "$3" --pwfile "$4" --username "$5" --auth scram-sha-256 \
    --encoding UTF8 --locale C --no-sync --no-instructions || exit
server=$2 data=$3
shift 5
exec "$server" -D "$data" "$@"
"#;

/// Restores the data folder if it does not exist, and runs the server. `$1` is the server, `$2` the
/// data folder, `$3` the restore script, `$4` the backup, `$5` the archive of write-ahead logs, and
/// `$6` the time up to which to restore, or empty. The remaining arguments are those of the server.
const RESTORE_AND_SERVE: &str = r#"
server=$1 data=$2 until=$6
[ -e "$data/PG_VERSION" ] || PATH=${server%/*}:$PATH "$3" ${until:+--until} ${until:+"$until"} "$4" "$5" "$data" || exit
shift 6
exec "$server" -D "$data" "$@"
"#;

/// The parameters of a restore.
pub struct Restore<'a> {
    /// The path of `deploy/backup/restore.sh`.
    pub script: &'a Path,
    /// The backup that `backup.sh` made.
    pub backup: &'a Path,
    /// The folder in which `archive-wal.sh` stores the write-ahead log.
    pub archive: &'a Path,
    /// The time up to which to restore, in Postgres's format. `None` restores everything that is
    /// archived.
    pub until: Option<&'a str>,
}

/// A private Postgres server with UTF-8 and the C locale. Dropping the value ends it and removes
/// its data.
pub struct Postgres {
    server: SupervisedServer,
    url: String,
    password: String,
}

impl Postgres {
    /// Starts a server on a free port, with settings that trade durability for speed.
    pub fn start() -> Result<Self, Error> {
        Self::start_at(0)
    }

    /// Starts a server like [`Self::start`], on the given port of 127.0.0.1. 0 means a free port.
    pub fn start_at(port: u16) -> Result<Self, Error> {
        Self::launch(port, &NOT_DURABLE)
    }

    /// Starts a server on a free port with these settings (`name=value`). All others have
    /// Postgres's defaults, so the server is durable.
    pub fn start_with(settings: &[&str]) -> Result<Self, Error> {
        Self::launch(0, settings)
    }

    fn launch(port: u16, settings: &[&str]) -> Result<Self, Error> {
        let program = program()?;
        let home = Home::new("bauta-postgres-")?.without_root()?;
        let password = random_hex::<16>()?;
        let secret = home.write("password", &password)?;

        // The supervisor runs both steps. If this process dies between them, nothing is left
        // behind.
        let mut initialise = Command::new("sh");
        initialise
            .args(["-c", INITIALISE_AND_SERVE, "sh"])
            .arg(program.with_file_name("initdb"))
            .arg(&program)
            .arg(data_folder(&home))
            .arg(&secret)
            .arg(USER);
        Self::serve(home, initialise, port, settings, &password)
    }

    /// Starts a server from a backup of this one. The new server has the same user and password.
    pub fn start_restored(&self, from: &Restore<'_>, settings: &[&str]) -> Result<Self, Error> {
        let home = Home::new("bauta-postgres-")?.without_root()?;
        let mut restore = Command::new("sh");
        restore
            .args(["-c", RESTORE_AND_SERVE, "sh"])
            .arg(program()?)
            .arg(data_folder(&home))
            .args([from.script, from.backup, from.archive])
            .arg(from.until.unwrap_or_default());
        // Without hot_standby the server becomes ready only after it has replayed the whole log.
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
        // SIGQUIT is Postgres's immediate shutdown: the server does not wait for its clients.
        let server = SupervisedServer::start(home, POSTGRES.name, &server, "QUIT", |home| {
            is_ready(&data_folder(home))
        })?;
        Ok(Self {
            server,
            url: format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"),
            password: password.to_owned(),
        })
    }

    /// Ends the server and all its connections like a crash, and starts it again with the same data
    /// and port. The server recovers from its write-ahead log. Returns when it is ready.
    pub fn crash_and_restart(&self) -> Result<(), Error> {
        let data = self.folder().join("data");
        let old_process = postmaster(&data);
        let kill = || {
            let missing = || io::Error::other("postmaster.pid contains no process id");
            let process = old_process
                .clone()
                .ok_or_else(missing)
                .map_err(Error::system("find the process of Postgres"))?;
            // SIGQUIT is the immediate shutdown: it writes no checkpoint and waits for no client.
            let killed = Command::new("kill").args(["-s", "QUIT", &process]).status();
            let killed = killed.and_then(|status| {
                if status.success() {
                    Ok(())
                } else {
                    Err(io::Error::other(status.to_string()))
                }
            });
            killed.map_err(Error::system("end Postgres"))
        };
        let is_restarted = |_: &Home| is_ready(&data) && postmaster(&data) != old_process;
        self.server.restart(kill, is_restarted)
    }

    /// Returns the superuser's URL: `postgres://user:password@127.0.0.1:port/postgres`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the server's folder, which contains its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

/// Returns the path of the server's program. Resolves symbolic links: the folder of a link need not
/// contain `initdb`.
fn program() -> Result<PathBuf, Error> {
    let program = POSTGRES.find()?;
    program
        .canonicalize()
        .map_err(Error::system("resolve the path of Postgres"))
}

fn data_folder(home: &Home) -> PathBuf {
    home.path().join("data")
}

/// Returns the id of the server's process, which is the first line of `postmaster.pid`.
fn postmaster(data: &Path) -> Option<String> {
    let file = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    file.lines().next().map(|process| process.trim().to_owned())
}

/// Returns whether the server is ready. The eighth line of `postmaster.pid` is the server's state;
/// `pg_ctl` waits for the same value.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid"))
        .is_ok_and(|file| file.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
}
