//! A running node: the threads of surfpool and the channels to them.

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

/// The time limit for stopping the node.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of servers: JSON-RPC and websocket. Each sends an event when it has closed.
const SERVERS: usize = 2;

/// A node and its channels.
pub struct Node {
    svm: SurfnetSvmLocker,
    commands: Sender<SimnetCommand>,
    events: Receiver<SimnetEvent>,
    /// Receives the result of the loop that produces blocks when the loop ends.
    block_loop_result: Receiver<Result<(), String>>,
}

/// The reason why [`Node::wait`] returned.
pub enum WaitOutcome {
    /// The node is ready.
    Ready,
    /// A request to stop arrived.
    Stop,
}

impl Node {
    /// Starts a node. [`Node::wait`] returns when it is ready.
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
            // Profiling would execute every transaction twice.
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
        .context("cannot set up the chain")?;
        slots::set_start_slot(&mut svm);
        for program in programs {
            program.deploy(&mut svm)?;
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
        let runtime = tokio::runtime::Runtime::new().context("cannot start the threads of the runtime")?;
        let svm = SurfnetSvmLocker::new(svm);
        let (commands, command_receiver) = unbounded();
        let (result_sender, block_loop_result) = bounded(1);
        let (loop_svm, loop_commands) = (svm.clone(), commands.clone());
        thread::spawn(move || {
            let run = start_local_surfnet_runloop(loop_svm, config, loop_commands, command_receiver, geyser);
            let result = runtime.block_on(run).map_err(|error| error.to_string());
            // The receiver no longer exists while the process ends.
            let _ = result_sender.send(result);
        });
        Ok(Self {
            svm,
            commands,
            events,
            block_loop_result,
        })
    }

    /// Waits until the node is ready for the first time, or until a request to stop arrives.
    pub fn wait(&self, stop: &Receiver<()>) -> Result<WaitOutcome> {
        loop {
            select! {
                recv(stop) -> _ => return Ok(WaitOutcome::Stop),
                recv(self.block_loop_result) -> result => return Err(unexpected_end(result)),
                recv(self.events) -> event => match event.context("the node has ended")? {
                    SimnetEvent::CoreStarted(_) => return Ok(WaitOutcome::Ready),
                    event => report(event)?,
                },
            }
        }
    }

    /// Closes the servers, ends the chain and completes the ledger.
    pub fn stop(self) -> Result<()> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        self.commands
            .send(SimnetCommand::Terminate(None))
            .map_err(|_| anyhow!("the node has ended"))?;
        let mut closed = 0;
        while closed < SERVERS {
            let event = self.events.recv_deadline(deadline);
            ensure!(event.is_ok(), "the node did not stop within {STOP_TIMEOUT:?}");
            closed += usize::from(matches!(event, Ok(SimnetEvent::Shutdown)));
        }
        self.block_loop_result
            .recv_deadline(deadline)
            .context("the chain did not end in time")?
            .map_err(|error| anyhow!(error))?;
        self.svm.shutdown();
        Ok(())
    }
}

/// Writes errors and warnings to standard error.
fn report(event: SimnetEvent) -> Result<()> {
    match event {
        SimnetEvent::Aborted(reason) => bail!("the node was aborted: {reason}"),
        // The client receives the error of its transaction.
        SimnetEvent::ErrorLog(_, text) if text.starts_with("Transaction ") => {}
        SimnetEvent::ErrorLog(_, text) | SimnetEvent::WarnLog(_, text) => {
            // The parent process may have closed the pipe, so a write error is ignored.
            let _ = writeln!(io::stderr(), "{text}");
        }
        _ => {}
    }
    Ok(())
}

fn unexpected_end(result: Result<Result<(), String>, RecvError>) -> anyhow::Error {
    match result {
        Ok(Err(error)) => anyhow!("the chain ended with an error: {error}"),
        Ok(Ok(())) | Err(_) => anyhow!("the chain ended unexpectedly"),
    }
}
