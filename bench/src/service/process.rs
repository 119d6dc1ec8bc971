//! Runs the prover service.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::process::{self, Running};

/// The servers and folders that the service needs.
pub struct Environment<'a> {
    /// The URL of Postgres, with the service's tables.
    pub database: &'a str,
    /// The URL of Redis.
    pub redis: &'a str,
    /// The folder of tables and proofs.
    pub cache: &'a Path,
}

impl Environment<'_> {
    fn command(&self) -> Result<Command> {
        let mut command = process::command("prover-service")?;
        command
            .envs([("DATABASE_URL", self.database), ("REDIS_URL", self.redis)])
            .env("WITNESS_KEYS", format!("bench:{}", "42".repeat(32)))
            .env("CACHE_KEY", "24".repeat(32))
            .env("ALLOW_DEVELOPMENT_KEYS", "true")
            // The client has no API key and sends more than a member would.
            .env("ALLOW_ANONYMOUS", "true")
            .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
            .env("ANONYMOUS_PROOFS_PER_MINUTE", "0")
            .env("REQUESTS_PER_MINUTE", "0")
            .env("CACHE_DIR", self.cache);
        Ok(command)
    }

    /// Creates the service's tables.
    pub fn migrate(&self) -> Result<()> {
        let status = self.command()?.arg("migrate").status()?;
        ensure!(status.success(), "prover-service migrate: {status}");
        Ok(())
    }

    /// Generates an API key that may read the figures of the queue. Returns the key and its line
    /// for `API_KEYS`.
    pub fn admin_key(&self) -> Result<(String, String)> {
        let mut command = self.command()?;
        let output = command.args(["api-key", "--permissions", "admin"]).output()?;
        ensure!(
            output.status.success(),
            "prover-service api-key: {}",
            output.status
        );
        let printed = String::from_utf8(output.stdout)?;
        let mut last_words = printed.lines().filter_map(|line| line.rsplit(' ').next());
        last_words
            .next()
            .zip(last_words.next())
            .map(|(key, line)| (key.to_owned(), line.to_owned()))
            .context("prover-service api-key printed fewer than two lines")
    }

    /// Starts the service and waits until it is ready.
    pub async fn start(&self, settings: &[(&str, &str)]) -> Result<Running> {
        let mut command = self.command()?;
        command.envs(settings.iter().copied());
        Running::start(command).await
    }
}

impl Running {
    /// Creates a request without a body.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    /// Sends a request with a JSON body and returns the JSON answer. Returns an error if the status
    /// is not a success.
    pub fn post(&self, path: &str, body: &Value) -> impl Future<Output = Result<Value>> + Send + use<> {
        let url = format!("http://{}{path}", self.address);
        let request = self.client.post(url).json(body);
        async move {
            let response = request.send().await?;
            let status = response.status();
            let answer: Value = response.json().await?;
            ensure!(status.is_success(), "{status}: {answer}");
            Ok(answer)
        }
    }
}
