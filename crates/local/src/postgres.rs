use std::{fs, path::Path, process::Command};

use crate::{
    Error, POSTGRES,
    keeper::{Home, Kept, free_port, password},
};

/// The superuser's name.
const USER: &str = "bauta";
/// Nothing outlives this server, so nothing has to be safe against a crash.
const THROWAWAY: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// `$1` is `initdb`, `$2` the server, `$3` the data's folder, `$4` the password's file, `$5` the superuser; the rest is the
/// server's arguments.
const SET_UP_AND_SERVE: &str = r#"
"$1" --pgdata "$3" --pwfile "$4" --username "$5" --auth scram-sha-256 \
    --encoding UTF8 --locale C --no-sync --no-instructions || exit
server=$2 data=$3
shift 5
exec "$server" -D "$data" "$@"
"#;

/// A Postgres server of our own, with UTF-8 and the C locale.
pub struct Postgres {
    server: Kept,
    url: String,
}

impl Postgres {
    /// Starts a server that trades safety against a crash for speed.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(&THROWAWAY)
    }

    /// Starts a server with these settings (`name=value`) and Postgres's own defaults for the others.
    pub fn start_with(settings: &[&str]) -> Result<Self, Error> {
        let program = POSTGRES
            .find()?
            // A link to it need not have `initdb` beside it.
            .canonicalize()
            .map_err(Error::system("find Postgres's folder"))?;
        let home = Home::new("bauta-postgres-")?.without_root()?;
        let (port, password) = (free_port()?, password()?);
        let secret = home.write("password", &password)?;
        let data = home.path().join("data");

        // The keeper runs both, so that a starter who dies between them leaves nothing either.
        let mut server = Command::new("sh");
        server
            .args(["-c", SET_UP_AND_SERVE, "sh"])
            .arg(program.with_file_name("initdb"))
            .arg(&program)
            .arg(&data)
            .arg(&secret)
            .arg(USER)
            .args(["-p", &port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ]);
        for setting in settings {
            server.args(["-c", setting]);
        }
        // SIGQUIT is Postgres's immediate shutdown: it waits for no client.
        let server = Kept::start(home, POSTGRES.name, &server, "QUIT", |home| {
            is_ready(&home.path().join("data"))
        })?;
        Ok(Self {
            server,
            url: format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"),
        })
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

/// The eighth line of `postmaster.pid` is the server's state; `pg_ctl` waits for the same.
fn is_ready(data: &Path) -> bool {
    fs::read_to_string(data.join("postmaster.pid"))
        .is_ok_and(|file| file.lines().nth(7).is_some_and(|state| state.trim() == "ready"))
}
