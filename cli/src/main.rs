//! The command `bauta`: operators, authorities and members do everything on a cluster with it.
//!
//! ```text
//!   arguments ──> Context: cluster, node, keypair ──> commands/<name>
//!                                                       │
//!        transaction: preview, dry run, confirmation <──┤ instructions of bauta-client
//!        history, tree: events of a registry         <──┤ reads of bauta-rpc
//!                                                       v
//!                                    Report: text or JSON; Failure: message, next step, exit code
//! ```

mod address_file;
mod api_key;
mod arguments;
mod ceremony;
mod chain;
mod cluster;
mod commands;
mod context;
mod csv;
mod failure;
mod history;
mod key;
mod loader;
mod members;
mod new_file;
mod options;
mod passphrase;
mod printable;
mod progress;
mod proof_file;
mod relay;
mod report;
mod run;
mod scope_accounts;
mod score_file;
mod sealed;
mod service;
mod solana_config;
mod transaction;
mod tree;
mod upload;
mod values;

use std::process::ExitCode;

use clap::Parser;

use crate::{arguments::Cli, failure::Kind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { options, command } = Cli::parse();
    let (json, only) = (options.json, options.only.clone());
    let result = run::run(command, options).await;
    let result = result.and_then(|report| match &only {
        Some(name) => report.only(name),
        None => Ok(report),
    });
    match result {
        Ok(report) => match report.print(json) {
            Ok(()) => report.failure().map_or(ExitCode::SUCCESS, Kind::exit_code),
            // A reader such as `head` may close the pipe early.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: can't write to the standard output: {error}");
                Kind::Other.exit_code()
            }
        },
        Err(error) => {
            let (kind, next) = failure::classify(&error);
            failure::print(&error, kind, next.as_deref(), json);
            kind.exit_code()
        }
    }
}
