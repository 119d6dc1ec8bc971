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
mod clock;
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
    let Cli { options, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_arguments(&error),
    };
    let (json, only) = (options.json, options.only.clone());
    let result = run::run(command, options).await;
    let result = result.and_then(|report| match &only {
        Some(name) => {
            if !report.has(name) {
                // The command can have sent a transaction, whose signature is in the report.
                report.print_to_standard_error();
            }
            report.only(name)
        }
        None => Ok(report),
    });
    match result {
        Ok(report) => match report.print(json) {
            Ok(()) => report.failure().map_or(ExitCode::SUCCESS, Kind::exit_code),
            // A reader such as `head` may close the pipe early.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                report.failure().map_or(ExitCode::SUCCESS, Kind::exit_code)
            }
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

/// Prints an error of the arguments, as JSON if they have `--json`. Help and the version go to the
/// standard output.
fn wrong_arguments(error: &clap::Error) -> ExitCode {
    let has_json = std::env::args_os().any(|argument| argument == "--json");
    if !(has_json && error.use_stderr()) {
        error.exit();
    }
    let message = error.to_string();
    let message = message.trim_start_matches("error: ").trim_end();
    let next = Some("see `bauta --help`, or `bauta COMMAND --help`");
    failure::print(&anyhow::anyhow!("{message}"), Kind::Arguments, next, true);
    Kind::Arguments.exit_code()
}
