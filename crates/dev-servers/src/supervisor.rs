//! Runs a server for as long as the process that starts it lives.

use std::{
    fs,
    fs::File,
    io::{self, Read, Seek},
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

/// The time limit for a server to become ready. It usually takes a second, but longer on a busy
/// machine.
pub const START_TIMEOUT: Duration = Duration::from_mins(1);
/// The time between two checks whether the server is ready.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// The script that supervises a server. `$1` is the server's folder and `$2` the signal that ends
/// the server. The remaining arguments are the server's command.
///
/// The script ends the server when its standard input closes. If the folder contains the file
/// `restart` when the server ends, the script starts the server again.
///
/// `sh` starts background processes with SIGINT and SIGQUIT ignored. Until the server has installed
/// its own handlers it ignores these signals, so the script sends the signal repeatedly.
const SUPERVISE: &str = r#"
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
    rm -- "$folder/restart" 2>/dev/null
do :; done
rm -rf -- "$folder"
exit "$status"
"#;

/// A temporary folder for a server, and the user that the server runs as.
pub struct Home {
    folder: TempDir,
    /// The user and group ids. `None` means those of this process.
    user: Option<(u32, u32)>,
}

impl Home {
    /// Creates a folder in the system's folder for temporary files.
    pub fn new(prefix: &str) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map_err(Error::system("create a temporary folder"))?;
        Ok(Self { folder, user: None })
    }

    /// If this process is root: makes another user the owner of the folder and of the server.
    pub fn without_root(mut self) -> Result<Self, Error> {
        let owner =
            fs::metadata(self.path()).map_err(Error::system("read the owner of the temporary folder"))?;
        if owner.uid() == 0 {
            let (user, group) = user_id("postgres", "-u")
                .zip(user_id("postgres", "-g"))
                .or_else(|| user_id("nobody", "-u").zip(user_id("nobody", "-g")))
                .ok_or_else(|| {
                    let source = io::Error::other("neither the user postgres nor the user nobody exists");
                    Error::system("choose a user that is not root")(source)
                })?;
            chown(self.path(), Some(user), Some(group))
                .map_err(Error::system("change the owner of the temporary folder"))?;
            self.user = Some((user, group));
        }
        Ok(self)
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder. Only the server's user can read it, because the folder is
    /// private.
    pub fn write(&self, name: &str, content: &str) -> Result<PathBuf, Error> {
        let path = self.path().join(name);
        fs::write(&path, content).map_err(Error::system("write into the temporary folder"))?;
        if let Some((user, group)) = self.user {
            chown(&path, Some(user), Some(group)).map_err(Error::system("change the owner of a file"))?;
        }
        Ok(path)
    }

    /// Returns a command that runs as the server's user, in its folder.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        if let Some((user, group)) = self.user {
            command.gid(group).uid(user);
        }
        command
    }
}

/// Returns the id of a user or of its group, as the command `id` prints it.
fn user_id(user: &str, option: &str) -> Option<u32> {
    let output = Command::new("id").args([option, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A running server. Dropping the value ends the server and removes its folder.
pub struct SupervisedServer {
    supervisor: Mutex<Child>,
    name: &'static str,
    log: Mutex<File>,
    /// The supervisor removes the folder. This value removes it if the supervisor never ran.
    home: Home,
}

impl SupervisedServer {
    /// Starts a server and waits until `ready` returns `true`.
    ///
    /// `end_signal` is the name of the signal that ends the server.
    pub fn start(
        home: Home,
        name: &'static str,
        server: &Command,
        end_signal: &str,
        ready: impl Fn(&Home) -> bool,
    ) -> Result<Self, Error> {
        // The file has no name, so it can still be read after the folder is removed.
        let log = tempfile::tempfile().map_err(Error::system("create a log file"))?;
        let output = log.try_clone().map_err(Error::system("duplicate a log file"))?;
        let errors = log.try_clone().map_err(Error::system("duplicate a log file"))?;
        let environment = server.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let supervisor = home
            .command("sh")
            .envs(environment)
            .args(["-c", SUPERVISE, "sh"])
            .arg(home.path())
            .arg(end_signal)
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // With its own process group the server does not receive Ctrl-C. This process ends it.
            .process_group(0)
            .spawn()
            .map_err(Error::system("start sh"))?;
        let server_process = Self {
            supervisor: Mutex::new(supervisor),
            name,
            log: Mutex::new(log),
            home,
        };
        server_process.wait(ready)?;
        Ok(server_process)
    }

    /// Waits until `ready` returns `true`.
    fn wait(&self, ready: impl Fn(&Home) -> bool) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            self.check()?;
            if ready(&self.home) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::Timeout {
                    program: self.name,
                    limit: START_TIMEOUT,
                    log: self.read_log(),
                });
            }
            thread::sleep(CHECK_INTERVAL);
        }
    }

    /// Returns an error with the server's output if the server has ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        let status = lock(&self.supervisor)
            .try_wait()
            .map_err(Error::system("wait for sh"))?;
        if status.is_none() {
            return Ok(());
        }
        Err(Error::Exited {
            program: self.name,
            log: self.read_log(),
        })
    }

    /// Ends the server with `kill`, and waits until the supervisor has started it again and `ready`
    /// returns `true`.
    pub fn restart(
        &self,
        kill: impl FnOnce() -> Result<(), Error>,
        ready: impl Fn(&Home) -> bool,
    ) -> Result<(), Error> {
        self.home.write("restart", "")?;
        kill()?;
        self.wait(ready)
    }

    fn read_log(&self) -> String {
        let mut log = lock(&self.log);
        let mut text = Vec::new();
        // An incomplete log is better than none, so a read error is ignored.
        let _ = log.rewind().and_then(|()| log.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Returns the server's folder.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }
}

impl Drop for SupervisedServer {
    fn drop(&mut self) {
        let mut supervisor = lock(&self.supervisor);
        drop(supervisor.stdin.take());
        // The supervisor ends after the server. An error cannot be reported from `drop`.
        let _ = supervisor.wait();
    }
}

/// Locks a mutex. A panic of another holder leaves a child process or a file usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
