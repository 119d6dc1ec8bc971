//! Keeps a server for as long as its starter lives.

use std::{
    fs,
    fs::File,
    io::{self, Read, Seek},
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::Error;

/// How long a server may take to answer. It takes a second; a busy machine is given a minute.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How often the server is looked at meanwhile.
const INTERVAL: Duration = Duration::from_millis(10);
/// Linux gives outgoing connections ports from 32768 on (`ip_local_port_range`), other systems from 49152 (RFC 6335).
const PORTS: Range<u16> = 10_000..32_768;
/// How many are tried before the system is asked for any.
const DRAWS: usize = 100;

/// `$1` is the folder, `$2` the signal that ends the server; the rest is the server's command. A server that ends while there
/// is a file `again` in the folder is started once more.
///
/// Started by `sh` in the background a server ignores SIGINT and SIGQUIT until it has set its own handlers, hence the loop.
const KEEP: &str = r#"
exec 3<&0 </dev/null
folder=$1 signal=$2
shift 2
while
    "$@" 3<&- & server=$!
    ( while read -r _ <&3; do :; done
      while kill -s "$signal" "$server" 2>/dev/null; do sleep 0.1; done ) & watch=$!
    wait "$server"
    status=$?
    kill "$watch" 2>/dev/null
    rm -- "$folder/again" 2>/dev/null
do :; done
rm -rf -- "$folder"
exit "$status"
"#;

/// Somewhere for a server to live: a folder that it owns, and a user that it runs as.
pub struct Home {
    folder: TempDir,
    /// User and group to become; none: ours.
    user: Option<(u32, u32)>,
}

impl Home {
    /// A new folder under the system's folder for temporary files.
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map_err(Error::system("make a temporary folder"))?;
        Ok(Self { folder, user: None })
    }

    /// Gives the folder to a user who isn't root, if we are.
    pub fn without_root(mut self) -> Result<Self, Error> {
        let owner = fs::metadata(self.path()).map_err(Error::system("look at the temporary folder"))?;
        if owner.uid() == 0 {
            let (user, group) = number("postgres", "-u")
                .zip(number("postgres", "-g"))
                .or_else(|| number("nobody", "-u").zip(number("nobody", "-g")))
                .ok_or_else(|| {
                    let source = io::Error::other("there is neither a user postgres nor nobody");
                    Error::system("become another user than root")(source)
                })?;
            chown(self.path(), Some(user), Some(group)).map_err(Error::system("give the folder away"))?;
            self.user = Some((user, group));
        }
        Ok(self)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder, readable by the server alone.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.path().join(name);
        fs::write(&path, content).map_err(Error::system("write into the temporary folder"))?;
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).map_err(Error::system("give a file away"))?;
        }
        Ok(path)
    }

    /// A command that runs as the server's user, in its folder.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        if let Some((user, group)) = self.user {
            command.gid(group).uid(user);
        }
        command
    }
}

/// The number that `id` gives for a user.
fn number(user: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A running server.
pub struct Kept {
    keeper: Mutex<Child>,
    name: &'static str,
    log: Mutex<File>,
    /// Removed by the keeper; here for the case that it never ran.
    home: Home,
}

impl Kept {
    /// Starts a server and waits until `ready` says that it answers.
    ///
    /// `end` is the name of the signal that ends it.
    pub fn start(
        home: Home,
        name: &'static str,
        server: &Command,
        end: &str,
        ready: impl Fn(&Home) -> bool,
    ) -> Result<Self, Error> {
        // Without a name: what a server wrote can be read after its folder has gone.
        let log = tempfile::tempfile().map_err(Error::system("make a log file"))?;
        let output = log.try_clone().map_err(Error::system("share a log file"))?;
        let errors = log.try_clone().map_err(Error::system("share a log file"))?;
        let environment = server.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let keeper = home
            .command("sh")
            .envs(environment)
            .args(["-c", KEEP, "sh"])
            .arg(home.path())
            .arg(end)
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // A group of its own: Ctrl-C is for us, and we end the server.
            .process_group(0)
            .spawn()
            .map_err(Error::system("start sh"))?;
        let kept = Self {
            keeper: Mutex::new(keeper),
            name,
            log: Mutex::new(log),
            home,
        };
        kept.wait(ready)?;
        Ok(kept)
    }

    /// Waits until `ready` says that the server answers.
    fn wait(&self, ready: impl Fn(&Home) -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.check()?;
            if ready(&self.home) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::Late {
                    program: self.name,
                    waited: PATIENCE,
                    log: self.read_log(),
                });
            }
            thread::sleep(INTERVAL);
        }
    }

    /// An error with what it wrote if it has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        let ended = unpoisoned(&self.keeper)
            .try_wait()
            .map_err(Error::system("wait for sh"))?;
        if ended.is_none() {
            return Ok(());
        }
        Err(Error::Ended {
            program: self.name,
            log: self.read_log(),
        })
    }

    /// Ends the server by `kill`, and waits until it is there again.
    pub fn restart(
        &self,
        kill: impl FnOnce() -> Result<(), Error>,
        ready: impl Fn(&Home) -> bool,
    ) -> Result<(), Error> {
        self.home.write("again", "")?;
        kill()?;
        self.wait(ready)
    }

    fn read_log(&self) -> String {
        let mut log = unpoisoned(&self.log);
        let mut text = Vec::new();
        // Half a log is better than none.
        let _ = log.rewind().and_then(|()| log.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut keeper = unpoisoned(&self.keeper);
        drop(keeper.stdin.take());
        // The keeper ends when the server has; there is nobody to tell if it can't be waited for.
        let _ = keeper.wait();
    }
}

/// A panic of another holder leaves a child or a file as good as before.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A free port for 0; another one is kept if it is free.
///
/// A server takes its port up to seconds later. A free one is therefore drawn from those that systems give to no outgoing connection:
/// it isn't gone by then, but for a very unlikely draw by another starter.
pub fn choose_port(program: &'static str, port: u16) -> Result<u16, Error> {
    let bind = |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(listener.local_addr()?.port())
    };
    let chosen = match port {
        0 => (0..DRAWS)
            .find_map(|_| bind(draw().ok()?).ok())
            .map_or_else(|| bind(0), Ok),
        port => bind(port),
    };
    chosen.map_err(|reason| Error::Port {
        program,
        port,
        reason,
    })
}

/// A port from [`PORTS`].
fn draw() -> io::Result<u16> {
    let mut bytes = [0; 2];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(PORTS.start + u16::from_le_bytes(bytes) % (PORTS.end - PORTS.start))
}

/// So many random bytes in hexadecimal, for a server's password or key.
pub fn random_hex<const BYTES: usize>() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(Error::system("read random bytes"))?;
    Ok(bytes.map(|byte| format!("{byte:02x}")).concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_none_that_an_outgoing_connection_gets() {
        let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        for _ in 0..50 {
            let port = choose_port("test", 0).unwrap();
            assert!(PORTS.contains(&port) && port < first, "{port} in {range}");
        }
    }

    #[test]
    fn a_port_that_is_taken_is_refused() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(matches!(choose_port("test", port), Err(Error::Port { .. })));
    }
}
