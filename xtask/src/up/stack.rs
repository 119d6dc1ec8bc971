//! The servers, each started or a developer's own.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, anyhow};
use bauta_dev_servers::{Postgres, Redis, Service};

use super::{
    bauta, keypair,
    node::{ChainWanted, Node},
    services::SERVICES,
};
use crate::{system, workspace};

/// What is to be there.
pub struct Wanted {
    /// Postgres; none: it isn't needed.
    pub database: Option<Place>,
    /// Redis; none: it isn't needed.
    pub redis: Option<Place>,
    /// The chain.
    pub chain: ChainWanted,
    /// Whether the project's services run on it, and where.
    pub services: Option<Ports>,
}

/// Which ports services take.
#[derive(Clone, Copy)]
pub enum Ports {
    /// Those of their list.
    Fixed,
    /// Free ones.
    Free,
}

/// Where a server is to be.
pub enum Place {
    /// Here, private, on this port; 0: a free one.
    Private(u16),
    /// Where this variable says; a developer's own.
    Theirs {
        /// The variable.
        variable: &'static str,
        /// What it says.
        url: String,
    },
}

/// Running servers. They end with the value.
pub struct Stack {
    database: Option<Server<Postgres>>,
    redis: Option<Server<Redis>>,
    node: Node,
    services: Vec<Service>,
    keypair: PathBuf,
    /// What `bauta initialize` said.
    report: String,
}

/// A server and how to show it.
struct Server<T> {
    url: String,
    /// A developer's own URL may hold a password of theirs, so it is named, not shown.
    shown: String,
    /// None: it isn't ours.
    _running: Option<T>,
}

impl Place {
    /// A developer's own if the variable names one, else a private one.
    pub fn of(variable: &'static str, port: u16) -> Self {
        match env::var(variable).ok().filter(|url| !url.is_empty()) {
            Some(url) => Self::Theirs { variable, url },
            None => Self::Private(port),
        }
    }

    fn is_private(place: Option<&Self>) -> bool {
        matches!(place, Some(Self::Private(_)))
    }

    fn start<T>(
        &self,
        start: impl FnOnce(u16) -> Result<T, bauta_dev_servers::Error>,
        url: impl FnOnce(&T) -> &str,
    ) -> Result<Server<T>> {
        match self {
            Self::Theirs { variable, url } => Ok(Server {
                url: url.clone(),
                shown: format!("yours, by {variable}"),
                _running: None,
            }),
            Self::Private(port) => {
                let running = start(*port).map_err(with_hint)?;
                let url = url(&running).to_owned();
                Ok(Server {
                    shown: url.clone(),
                    url,
                    _running: Some(running),
                })
            }
        }
    }
}

/// Says the way out where a port is taken.
fn with_hint(error: bauta_dev_servers::Error) -> anyhow::Error {
    match error {
        bauta_dev_servers::Error::Port { .. } => anyhow!("{error}; --free-ports takes others"),
        error => error.into(),
    }
}

impl Stack {
    /// Starts what is wanted and initialises the program.
    pub fn start(wanted: &Wanted) -> Result<Self> {
        let mut tools = Vec::from(system::BUILD);
        tools.extend(Place::is_private(wanted.database.as_ref()).then_some(system::POSTGRES));
        tools.extend(Place::is_private(wanted.redis.as_ref()).then_some(system::REDIS));
        system::require(&tools)?;
        workspace::build(&["bauta"])?;
        let keypair = keypair()?;
        let authority = bauta(&["keypair"], Some(&keypair))?;
        let program = bauta(&["program"], None)?;

        let database = wanted.database.as_ref();
        let database = database
            .map(|place| place.start(Postgres::start_at, Postgres::url))
            .transpose()?;
        let redis = wanted.redis.as_ref();
        let redis = redis
            .map(|place| place.start(Redis::start_at, Redis::url))
            .transpose()?;
        let node = Node::start(&wanted.chain, program.trim(), authority.trim())?;
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
            keypair,
            report,
        };
        if let Some(ports) = wanted.services {
            stack.start_services(ports)?;
        }
        Ok(stack)
    }

    fn start_services(&mut self, ports: Ports) -> Result<()> {
        for listed in SERVICES {
            workspace::build(&[listed.program])?;
            let program = listed.file()?;
            let mut variables = self.environment();
            variables.extend((listed.settings)()?);
            let port = match ports {
                Ports::Fixed => listed.port,
                Ports::Free => 0,
            };
            if let Some(first) = listed.first {
                workspace::output(Command::new(&program).arg(first).envs(variables.clone()))?;
            }
            let service = Service::start(listed.program, port, |port| {
                let mut command = Command::new(&program);
                command
                    .envs(variables)
                    .env(listed.port_variable, port.to_string());
                command
            });
            self.services.push(service.map_err(with_hint)?);
        }
        Ok(())
    }

    /// Where everything is, as programs of the project read it.
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
        variables.push(("BAUTA_KEYPAIR", self.keypair.display().to_string()));
        variables
    }

    /// The same for a person.
    pub fn screen(&self) -> String {
        let mut lines = vec![
            self.report.trim_end().to_owned(),
            String::new(),
            format!(
                "keypair      {}  (of admin and upgrade authority; for local chains alone)",
                self.keypair.display()
            ),
            format!("JSON-RPC     {}", self.node.shown_rpc()),
            format!("websocket    {}", self.node.shown_websocket()),
        ];
        let database = self.database.as_ref().map(|server| &server.shown);
        let redis = self.redis.as_ref().map(|server| &server.shown);
        lines.extend(database.map(|shown| format!("Postgres     {shown}")));
        lines.extend(redis.map(|shown| format!("Redis        {shown}")));
        lines.extend(
            SERVICES.iter().zip(&self.services).map(|(listed, service)| {
                format!("{:12} {}  ({})", listed.name, service.url(), listed.routes)
            }),
        );
        lines.join("\n")
    }

    /// Where a service of the list answers, if it runs.
    pub fn service(&self, name: &str) -> Option<&str> {
        let mut services = SERVICES.iter().zip(&self.services);
        services
            .find(|(listed, _)| listed.name == name)
            .map(|(_, service)| service.url())
    }

    /// An error if a server of ours has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.node.check()?;
        for service in &self.services {
            service.check()?;
        }
        Ok(())
    }
}
