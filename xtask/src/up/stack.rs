//! The servers: private ones that are started here, and external ones.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, anyhow};
use bauta_dev_servers::{Postgres, Redis, Service};

use super::{
    bauta, command, keypair,
    node::{Node, NodeSettings},
    services::{LOCAL_KEY, SERVICES},
    web_keys::{self, WebKey},
};
use crate::{system, workspace};

/// The name of the API in [`SERVICES`].
const API: &str = "api";
/// The name of the prover service in [`SERVICES`].
const PROVER: &str = "prover";
/// The roles that the wallet of the keypair gets at the API.
const ROLES: [&str; 4] = ["owner", "operator", "auditor", "developer"];

/// Selects the servers of a stack.
pub struct StackSettings {
    /// Postgres, if it is needed.
    pub database: Option<ServerSource>,
    /// Redis, if it is needed.
    pub redis: Option<ServerSource>,
    /// The node of the chain.
    pub node: NodeSettings,
    /// The ports of the project's services, if they are needed.
    pub services: Option<Ports>,
    /// What a client may send to the services.
    pub client_limits: ClientLimits,
}

/// Selects the limits of what a client may send to the services.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ClientLimits {
    /// No limits.
    Off,
    /// The services' own defaults.
    Default,
}

/// Selects the ports of the services.
#[derive(Clone, Copy)]
pub enum Ports {
    /// The ports in [`SERVICES`].
    Fixed,
    /// Free ports.
    Free,
}

/// Selects a server.
pub enum ServerSource {
    /// A private server on this port. 0 means a free port.
    Private(u16),
    /// An external server that an environment variable names.
    External {
        /// The name of the variable.
        variable: &'static str,
        /// The server's URL, the value of the variable.
        url: String,
    },
}

/// Running servers. Dropping the value stops the private ones.
pub struct Stack {
    database: Option<Server<Postgres>>,
    redis: Option<Server<Redis>>,
    node: Node,
    services: Vec<Service>,
    /// The web key for the local chain, if there are services.
    web_key: Option<WebKey>,
    client_limits: ClientLimits,
    keypair: PathBuf,
    /// The path of the command `bauta`.
    command: PathBuf,
    /// The output of `bauta initialize`.
    report: String,
}

/// The address of a server.
struct Server<T> {
    url: String,
    /// The text for display. For an external server it is the variable's name, because the URL may
    /// contain a password.
    displayed: String,
    /// The server, if it is private.
    _private: Option<T>,
}

impl ServerSource {
    /// Selects the external server that the variable names, or a private one if it is not set.
    pub fn from_environment(variable: &'static str, port: u16) -> Self {
        match env::var(variable).ok().filter(|url| !url.is_empty()) {
            Some(url) => Self::External { variable, url },
            None => Self::Private(port),
        }
    }

    fn is_private(source: Option<&Self>) -> bool {
        matches!(source, Some(Self::Private(_)))
    }

    fn start<T>(
        &self,
        start: impl FnOnce(u16) -> Result<T, bauta_dev_servers::Error>,
        url: impl FnOnce(&T) -> &str,
    ) -> Result<Server<T>> {
        match self {
            Self::External { variable, url } => Ok(Server {
                url: url.clone(),
                displayed: format!("(the value of {variable})"),
                _private: None,
            }),
            Self::Private(port) => {
                let server = start(*port).map_err(with_hint)?;
                let url = url(&server).to_owned();
                Ok(Server {
                    displayed: url.clone(),
                    url,
                    _private: Some(server),
                })
            }
        }
    }
}

/// Adds what to do if a port is in use.
pub(super) fn with_hint(error: bauta_dev_servers::Error) -> anyhow::Error {
    match error {
        bauta_dev_servers::Error::Port { .. } => anyhow!("{error}; use --free-ports"),
        error => error.into(),
    }
}

impl Stack {
    /// Starts the selected servers and initialises the program.
    pub fn start(settings: &StackSettings) -> Result<Self> {
        let mut tools = Vec::from(system::BUILD);
        tools.extend(ServerSource::is_private(settings.database.as_ref()).then_some(system::POSTGRES));
        tools.extend(ServerSource::is_private(settings.redis.as_ref()).then_some(system::REDIS));
        system::require(&tools)?;
        workspace::build(&["bauta"])?;
        let keypair = keypair()?;
        let authority = bauta(&["keypair"], Some(&keypair))?;
        let program = bauta(&["program"], None)?;

        let database = settings.database.as_ref();
        let database = database
            .map(|source| source.start(Postgres::start_at, Postgres::url))
            .transpose()?;
        let redis = settings.redis.as_ref();
        let redis = redis
            .map(|source| source.start(Redis::start_at, Redis::url))
            .transpose()?;
        let node = Node::start(&settings.node, program.trim(), authority.trim())?;
        let report = bauta(
            &[
                "initialize",
                "--url",
                node.rpc(),
                "--cluster-tag",
                "local",
                "--allow-development-keys",
                "--airdrop",
                "1000",
                "--keypair",
            ],
            Some(&keypair),
        )?;
        let mut stack = Self {
            database,
            redis,
            node,
            services: Vec::new(),
            web_key: None,
            client_limits: settings.client_limits,
            keypair,
            command: command()?,
            report,
        };
        if let Some(ports) = settings.services {
            stack.start_services(ports)?;
        }
        Ok(stack)
    }

    fn start_services(&mut self, ports: Ports) -> Result<()> {
        self.web_key = Some(web_keys::prepare()?);
        for entry in SERVICES {
            workspace::build(&[entry.program])?;
            let program = entry.path()?;
            let mut variables = self.environment();
            variables.extend((entry.settings)()?);
            if self.client_limits == ClientLimits::Off {
                variables.extend(entry.client_limits.iter().map(|name| (*name, "0".to_owned())));
            }
            let database = self.database.as_ref();
            variables.extend(
                entry
                    .database_variable
                    .zip(database.map(|server| server.url.clone())),
            );
            if entry.name == API {
                // The prover service was started before.
                let prover = self.service(PROVER);
                variables.extend(prover.map(|url| ("PROVER_URL", url.to_owned())));
                variables.extend(dashboard()?);
            }
            let chosen = |fixed: u16| match ports {
                Ports::Fixed => fixed,
                Ports::Free => 0,
            };
            let port = chosen(entry.port);
            let operations_port = entry.operations_port.map(chosen);
            variables.extend(operations_port.map(|port| ("METRICS_PORT", port.to_string())));
            if let Some(setup) = entry.setup {
                workspace::output(Command::new(&program).arg(setup).envs(variables.clone()))?;
            }
            if entry.name == API {
                self.grant_roles(&program, &variables)?;
            }
            let service = Service::start(entry.program, port, |port| {
                let mut command = Command::new(&program);
                command.envs(variables).env(entry.port_variable, port.to_string());
                if entry.name == API {
                    // Wallets log in on its pages.
                    command.env("PUBLIC_URL", format!("http://127.0.0.1:{port}"));
                }
                command
            });
            self.services.push(service.map_err(with_hint)?);
        }
        Ok(())
    }

    /// Gives the wallet of the keypair all roles.
    fn grant_roles(&self, program: &Path, variables: &[(&'static str, String)]) -> Result<()> {
        let wallet = bauta(&["keypair"], Some(&self.keypair))?;
        for role in ROLES {
            let mut grant = Command::new(program);
            grant
                .args(["grant-role", "--wallet", wallet.trim(), "--role", role])
                .envs(variables.iter().cloned());
            workspace::output(&mut grant)?;
        }
        Ok(())
    }

    /// Returns the environment variables from which the project's programs read the addresses.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if let Some(database) = &self.database {
            variables.push(("DATABASE_URL", database.url.clone()));
        }
        if let Some(redis) = &self.redis {
            variables.push(("REDIS_URL", redis.url.clone()));
        }
        variables.push(("SOLANA_RPC_URL", self.node.rpc().to_owned()));
        variables.push(("SOLANA_WS_URL", self.node.websocket().to_owned()));
        if let Node::Localnet(_) = self.node {
            // This node gets another genesis hash with each start.
            variables.push(("GENESIS_HASH", "any".to_owned()));
        }
        variables.push(("BAUTA_KEYPAIR", self.keypair.display().to_string()));
        variables.push(("BAUTA_COMMAND", self.command.display().to_string()));
        for (name, variable) in [(PROVER, "BAUTA_PROVER_URL"), (API, "BAUTA_API_URL")] {
            variables.extend(self.service(name).map(|url| (variable, url.to_owned())));
        }
        if let Some(key) = &self.web_key {
            variables.push(("PROVING_KEYS_DIR", key.folder.display().to_string()));
            variables.push(("BAUTA_WEB_KEY", key.digest.clone()));
            variables.push(("BAUTA_API_KEY", LOCAL_KEY.to_owned()));
        }
        variables
    }

    /// Returns the addresses as text, one server per line.
    pub fn summary(&self) -> String {
        let mut lines = vec![
            self.report.trim_end().to_owned(),
            String::new(),
            format!(
                "keypair      {}  (of the admin and upgrade authority; use it for local chains only)",
                self.keypair.display()
            ),
            format!("JSON-RPC     {}", self.node.displayed_rpc()),
            format!("websocket    {}", self.node.displayed_websocket()),
        ];
        let database = self.database.as_ref().map(|server| &server.displayed);
        let redis = self.redis.as_ref().map(|server| &server.displayed);
        lines.extend(database.map(|text| format!("Postgres     {text}")));
        lines.extend(redis.map(|text| format!("Redis        {text}")));
        lines.extend(
            SERVICES
                .iter()
                .zip(&self.services)
                .map(|(entry, service)| format!("{:12} {}  ({})", entry.name, service.url(), entry.routes)),
        );
        if !self.services.is_empty() && self.client_limits == ClientLimits::Off {
            lines.push("The services do not limit what a client may send (--client-limits).".into());
        }
        lines.join("\n")
    }

    /// Returns the URL of a running service.
    pub fn service(&self, name: &str) -> Option<&str> {
        let mut services = SERVICES.iter().zip(&self.services);
        services
            .find(|(entry, _)| entry.name == name)
            .map(|(_, service)| service.url())
    }

    /// Returns an error if the node or a service has ended.
    pub fn check(&mut self) -> Result<()> {
        self.node.check()?;
        for service in &self.services {
            service.check()?;
        }
        Ok(())
    }
}

/// Returns the setting of the API with the built dashboard. `None` if npm has not built it.
fn dashboard() -> Result<Option<(&'static str, String)>> {
    let folder = workspace::root()?.join("web/dashboard/dist");
    let is_built = folder.join("index.html").is_file();
    Ok(is_built.then(|| ("DASHBOARD_DIR", folder.display().to_string())))
}
