//! nginx with static files, as the upper bound for what the service can reach on this machine.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A running nginx. Dropping it ends the process.
pub struct Nginx {
    process: Child,
    folder: TempDir,
    /// The address it listens on.
    pub address: String,
}

impl Nginx {
    /// Serves files with these paths and contents, with a worker for each core and without a log.
    pub async fn start(files: &[(String, Vec<u8>)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for (path, content) in files {
            let file = folder.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            fs::write(file, content)?;
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let at = folder.path().display();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {at}/{kind};"))
            .concat();
        fs::write(
            folder.path().join("nginx.conf"),
            format!(
                "user {}; daemon off; worker_processes auto; pid {at}/pid; error_log {at}/error.log;
                 events {{ worker_connections 4096; }}
                 http {{
                     access_log off; sendfile on; tcp_nopush on; open_file_cache max=100000;
                     keepalive_requests 100000000; {temporary}
                     server {{ listen {address} backlog=4096; root {at}; }}
                 }}",
                user()?
            ),
        )?;
        let process = command(folder.path()).spawn().context("can't start nginx")?;
        let nginx = Self {
            process,
            folder,
            address,
        };
        let started = Instant::now();
        while TcpStream::connect(&nginx.address).await.is_err() {
            ensure!(
                started.elapsed() < Duration::from_secs(10),
                "nginx does not listen after 10 s"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(nginx)
    }
}

/// Returns the name of this process's user. Only it can read the folder, and the workers of a
/// server that root starts would run as another one.
fn user() -> Result<String> {
    let output = Command::new("id").arg("-un").output().context("can't run id")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-e")
        .arg(folder.join("error.log"));
    command
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The process ends its workers only after this command.
        let _ = command(self.folder.path()).args(["-s", "stop"]).status();
        let _ = self.process.wait();
    }
}
