//! A running node: surfpool's threads, and what is heard from them.

use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use crossbeam_channel::{Receiver, RecvError, Sender, bounded, select, unbounded};
use surfpool_core::{
    runloops::start_local_surfnet_runloop,
    surfnet::{
        locker::SurfnetSvmLocker,
        svm::{SurfnetSvm, SurfnetSvmConfig},
    },
};
use surfpool_types::{RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig};

use crate::{
    ledger::Ledger,
    ports::{HOST, Ports},
    program::Program,
    settings::Settings,
    slots,
};

/// How long stopping may take.
const STOP_TIME: Duration = Duration::from_secs(10);
/// The two servers, for JSON-RPC and the websocket, each of which says when it has closed.
const SERVERS: usize = 2;

/// A node and the channels to it.
pub struct Node {
    svm: SurfnetSvmLocker,
    commands: Sender<SimnetCommand>,
    events: Receiver<SimnetEvent>,
    /// The end of the loop that makes blocks.
    ended: Receiver<Result<(), String>>,
}

/// What ended a wait.
pub enum Wake {
    /// The node answers.
    Ready,
    /// Somebody asked it to stop.
    Stop,
}

impl Node {
    /// Starts a node; [`Node::wait`] says when it answers.
    pub fn launch(
        settings: &Settings,
        ports: Ports,
        ledger: Option<&Ledger>,
        programs: &[Program],
    ) -> Result<Self> {
        let chain = SimnetConfig {
            offline_mode: true,
            remote_rpc_url: None,
            slot_time: settings.slot_time,
            block_production_mode: settings.block_production.into(),
            // Profiling executes every transaction a second time.
            instruction_profiling_enabled: false,
            ..SimnetConfig::default()
        };
        let (mut svm, events, geyser) = SurfnetSvm::new_with_db(
            ledger.map(Ledger::path),
            SurfnetSvmConfig {
                surfnet_id: chain.surfnet_id.clone(),
                slot_time: chain.slot_time,
                instruction_profiling_enabled: chain.instruction_profiling_enabled,
                max_profiles: chain.max_profiles,
                log_bytes_limit: chain.log_bytes_limit,
                ..SurfnetSvmConfig::default()
            },
        )
        .map_err(|error| anyhow!("{error}"))
        .context("can't set up the chain")?;
        slots::settle(&mut svm);
        for program in programs {
            program.put_in(&mut svm)?;
        }

        let config = SurfpoolConfig {
            simnets: vec![chain],
            rpc: RpcConfig {
                bind_host: HOST.to_string(),
                bind_port: ports.rpc,
                ws_port: ports.websocket,
                ..RpcConfig::default()
            },
            ..SurfpoolConfig::default()
        };
        let runtime = tokio::runtime::Runtime::new().context("can't start the runtime's threads")?;
        let svm = SurfnetSvmLocker::new(svm);
        let (commands, received) = unbounded();
        let (ending, ended) = bounded(1);
        let (shared, looped) = (svm.clone(), commands.clone());
        thread::spawn(move || {
            let run = start_local_surfnet_runloop(shared, config, looped, received, geyser);
            let result = runtime.block_on(run).map_err(|error| error.to_string());
            // Nobody listens once the process is on its way out.
            let _ = ending.send(result);
        });
        Ok(Self {
            svm,
            commands,
            events,
            ended,
        })
    }

    /// Waits until the node answers for the first time or is asked to stop.
    pub fn wait(&self, stop: &Receiver<()>) -> Result<Wake> {
        loop {
            select! {
                recv(stop) -> _ => return Ok(Wake::Stop),
                recv(self.ended) -> result => return Err(unasked(result)),
                recv(self.events) -> event => match event.context("the node has ended")? {
                    SimnetEvent::CoreStarted(_) => return Ok(Wake::Ready),
                    event => note(event)?,
                },
            }
        }
    }

    /// Closes the servers, ends the chain and writes out the ledger.
    pub fn stop(self) -> Result<()> {
        let deadline = Instant::now() + STOP_TIME;
        self.commands
            .send(SimnetCommand::Terminate(None))
            .map_err(|_| anyhow!("the node has ended"))?;
        let mut closed = 0;
        while closed < SERVERS {
            let event = self.events.recv_deadline(deadline);
            ensure!(event.is_ok(), "the node didn't stop within {STOP_TIME:?}");
            closed += usize::from(matches!(event, Ok(SimnetEvent::Shutdown)));
        }
        self.ended
            .recv_deadline(deadline)
            .context("the chain didn't end in time")?
            .map_err(|error| anyhow!(error))?;
        self.svm.shutdown();
        Ok(())
    }
}

/// Passes on what a person has to know.
fn note(event: SimnetEvent) -> Result<()> {
    match event {
        SimnetEvent::Aborted(reason) => bail!("the node gave up: {reason}"),
        // Whoever sent a transaction is told what became of it.
        SimnetEvent::ErrorLog(_, text) if text.starts_with("Transaction ") => {}
        SimnetEvent::ErrorLog(_, text) | SimnetEvent::WarnLog(_, text) => {
            // Whoever started the node may no longer read.
            let _ = writeln!(io::stderr(), "{text}");
        }
        _ => {}
    }
    Ok(())
}

fn unasked(result: Result<Result<(), String>, RecvError>) -> anyhow::Error {
    match result {
        Ok(Err(error)) => anyhow!("the chain ended: {error}"),
        Ok(Ok(())) | Err(_) => anyhow!("the chain ended without being asked to"),
    }
}
