//! `bauta completions`, `bauta man` and the reference of `docs/cli.md`, from the definitions of the
//! arguments.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Arg, Command};
use clap_complete::Shell;

use crate::report::Report;

#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(clap::Args)]
pub struct ManArgs {
    /// Folder for the pages. It is created if it does not exist
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Returns the completions of a shell.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "bauta", &mut script);
    Report::bare("script", String::from_utf8_lossy(&script).trim_end())
}

/// Writes the manual pages, one for each subcommand.
pub fn manual(args: &ManArgs, command: Command) -> Result<Report> {
    let context = || format!("can't write the manual pages into {}", args.out.display());
    fs::create_dir_all(&args.out).with_context(context)?;
    clap_mangen::generate_to(command, &args.out).with_context(context)?;
    Ok(Report::new().fact("folder", args.out.display()).next(format!(
        "read a page with `man -l {}/bauta.1`",
        args.out.display()
    )))
}

/// Returns the reference of `docs/cli.md`: each subcommand with its arguments, and then the options
/// of all commands.
pub fn reference(mut command: Command) -> Report {
    command.build();
    let mut lines = Vec::new();
    for subcommand in visible(&command) {
        describe(subcommand, "bauta", &mut lines);
    }
    lines.push("### Options of all commands".to_owned());
    lines.push(String::new());
    table(
        command
            .get_arguments()
            .filter(|argument| argument.is_global_set()),
        &mut lines,
    );
    Report::bare("reference", lines.join("\n").trim_end())
}

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    let subcommands = command.get_subcommands();
    subcommands.filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn describe(command: &Command, parent: &str, lines: &mut Vec<String>) {
    let name = format!("{parent} {}", command.get_name());
    let subcommands: Vec<&Command> = visible(command).collect();
    if !subcommands.is_empty() && command.is_subcommand_required_set() {
        for subcommand in subcommands {
            describe(subcommand, &name, lines);
        }
        return;
    }
    lines.push(format!("### {name}"));
    lines.push(String::new());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    lines.push(format!("{}.", about.trim_end_matches('.')));
    lines.push(String::new());
    let own = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set() && argument.get_id() != "help");
    table(own, lines);
    for subcommand in subcommands {
        describe(subcommand, &name, lines);
    }
}

/// Adds a table of arguments. Without arguments, adds nothing.
fn table<'a>(arguments: impl Iterator<Item = &'a Arg>, lines: &mut Vec<String>) {
    let mut rows: Vec<String> = arguments.map(row).collect();
    if rows.is_empty() {
        return;
    }
    lines.push("| argument | meaning |".to_owned());
    lines.push("|---|---|".to_owned());
    lines.append(&mut rows);
    lines.push(String::new());
}

fn row(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    let takes_values = argument.get_action().takes_values();
    let name = match argument.get_long() {
        Some(long) if takes_values => format!("--{long} {}", values.join(" ")),
        Some(long) => format!("--{long}"),
        None => values.join(" "),
    };
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = Vec::new();
    let possible = argument.get_possible_values();
    if takes_values && !possible.is_empty() {
        let names: Vec<String> = possible
            .iter()
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        notes.push(format!("one of {}", names.join(", ")));
    }
    let defaults = argument.get_default_values();
    if takes_values && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        let shown: Vec<_> = defaults.iter().map(|value| value.to_string_lossy()).collect();
        if !shown.concat().is_empty() {
            notes.push(format!("default `{}`", shown.join(" ")));
        }
    }
    if let Some(variable) = argument.get_env() {
        notes.push(format!("environment variable `{}`", variable.display()));
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join("; "))
    };
    format!("| `{name}` | {help}{notes} |").replace('\n', " ")
}
