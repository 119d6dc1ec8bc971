//! `bauta ceremony`: turns, deadlines and a signed transcript for the ceremony of a key.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bauta_iden3::ZKey;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{
    ceremony::{
        FINAL, Folder, MAX_ZKEY, check_contribution, check_points,
        checked::{Checked, check_beacon},
        constraints,
        delivery::{Delivery, delivered},
        digest_of_file, import, last_hash, read_limited,
        record::{Event, Init, Participant, Reason, Record, Statement, digest},
        state::{State, refused_name, zkey_name},
    },
    clock,
    context::Context,
    failure::{Failure, Kind},
    new_file,
    report::Report,
    values,
};

/// The largest list of participants that is read, in bytes.
const MAX_PARTICIPANTS: u64 = 1 << 20;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Begin a ceremony. The signer is its coordinator
    Init(InitArgs),
    /// Deliver a contribution that snarkjs made. The signer is the participant
    Contribute {
        #[command(flatten)]
        folder: FolderArg,
        #[command(flatten)]
        published: Published,
        /// Key that snarkjs made from the newest key of the folder
        #[arg(long, value_name = "FILE")]
        zkey: PathBuf,
    },
    /// Check the transcript and all files. With --advance, the coordinator then ends the present
    /// turn if a contribution arrived or the deadline has passed
    Check {
        #[command(flatten)]
        folder: FolderArg,
        #[command(flatten)]
        powers: Powers,
        #[command(flatten)]
        published: Published,
        /// Accept or refuse what the participant of the present turn delivered. The signer is the
        /// coordinator
        #[arg(long)]
        advance: bool,
        /// Show the turn at this time in Unix seconds [default: the clock of this machine]
        #[arg(long, value_name = "TIME", conflicts_with = "advance")]
        at: Option<i64>,
    },
    /// Announce the source of the beacon, or apply its value. The signer is the coordinator
    Beacon(BeaconArgs),
    /// Make the key file, and end the ceremony. The signer is the coordinator
    Finish {
        #[command(flatten)]
        folder: FolderArg,
        #[command(flatten)]
        powers: Powers,
        /// Key file to create
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
pub struct FolderArg {
    /// Folder of the ceremony, which the coordinator publishes
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
}

/// What was published elsewhere. A whole folder, with keys of its own, can be false.
#[derive(clap::Args)]
pub struct Published {
    /// Address of the coordinator, from a source that is not the folder
    #[arg(long, value_name = "ADDRESS")]
    coordinator: Option<Address>,
    /// Hash of the ceremony, from a source that is not the folder: the SHA-256 of the first record
    #[arg(long, value_name = "HASH")]
    ceremony: Option<String>,
}

#[derive(clap::Args)]
pub struct Powers {
    /// Powers of tau, prepared for phase 2
    #[arg(long, value_name = "FILE")]
    ptau: PathBuf,
}

#[derive(clap::Args)]
pub struct InitArgs {
    #[command(flatten)]
    folder: FolderArg,
    #[command(flatten)]
    powers: Powers,
    /// Name of the statement
    #[arg(long, default_value = "ownership")]
    statement: String,
    /// Depth of the registry tree: 10 or 16
    #[arg(long, default_value_t = 10)]
    depth: u8,
    /// Key before the first contribution, which `snarkjs groth16 setup` made
    #[arg(long, value_name = "FILE")]
    zkey: PathBuf,
    /// File with one line name,address for each participant, in the order of the turns. The key of
    /// the address signs the contribution
    #[arg(long, value_name = "FILE")]
    participants: PathBuf,
    /// Length of a turn
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = values::duration)]
    turn: Duration,
}

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("step").required(true)))]
pub struct BeaconArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Public source whose value nobody can predict now, for example a Bitcoin block of tomorrow.
    /// Announce it before the last contribution
    #[arg(long, value_name = "TEXT", group = "step")]
    announce: Option<String>,
    /// Value of the beacon in hexadecimal digits
    #[arg(long, value_name = "HEX", group = "step", requires = "zkey")]
    value: Option<String>,
    /// Key that `snarkjs zkey beacon` made from the newest key of the folder
    #[arg(long, value_name = "FILE", requires = "value")]
    zkey: Option<PathBuf>,
}

/// Runs the subcommand. It needs no node.
pub fn run(context: &Context, command: &Command) -> Result<Report> {
    let writes = !matches!(command, Command::Check { advance: false, .. });
    ensure!(
        !(context.options.dry_run && writes),
        Failure::new(
            Kind::Other,
            "this command has no dry run: it writes signed files, and sends nothing"
        )
        .next("leave --dry-run out; `bauta ceremony check` without --advance writes nothing")
    );
    match command {
        Command::Init(args) => init(context, args),
        Command::Contribute {
            folder,
            published,
            zkey,
        } => contribute(context, &folder.open(), published, zkey),
        Command::Check {
            folder,
            powers,
            published,
            advance,
            at,
        } => {
            let folder = folder.open();
            let state = failed_check(folder.state())?;
            published.check(&state)?;
            if *advance {
                let checked = failed_check(Checked::newest(&folder, state, &powers.ptau))?;
                return self::advance(context, &folder, &checked, &powers.ptau);
            }
            let now = at.map_or_else(clock::now, Ok)?;
            let checked = failed_check(Checked::all(&folder, state, &powers.ptau))?;
            Ok(published.warn(summary(&checked.state, now)))
        }
        Command::Beacon(args) => beacon(context, args),
        Command::Finish { folder, powers, out } => finish(context, &folder.open(), &powers.ptau, out),
    }
}

/// Gives an error of a check its exit code. A file that can't be read is another error.
fn failed_check<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        let is_other = |source: &(dyn std::error::Error + 'static)| {
            source.is::<std::io::Error>() || source.is::<Failure>()
        };
        if error.chain().any(is_other) {
            return error;
        }
        Failure::new(Kind::Check, format!("{error:#}"))
            .next("do not use this folder: ask the coordinator for the published one")
            .into()
    })
}

impl Published {
    /// Refuses a ceremony that is not the published one.
    fn check(&self, state: &State) -> Result<()> {
        let coordinator = self.coordinator.as_ref().map(Address::to_string);
        for (what, expected, found) in [
            ("coordinator", &coordinator, &state.init.coordinator),
            ("hash", &self.ceremony, &state.id),
        ] {
            if let Some(expected) = expected.as_ref().filter(|expected| *expected != found) {
                let message = format!("the {what} of the ceremony is {found}, and not {expected}");
                return Err(Failure::new(Kind::Check, message)
                    .next("do not use this folder: its ceremony is not the published one")
                    .into());
            }
        }
        Ok(())
    }

    /// Warns if nothing was compared with another source.
    fn warn(&self, report: Report) -> Report {
        if self.coordinator.is_some() || self.ceremony.is_some() {
            return report;
        }
        report.warning(
            "only the folder names the coordinator and the ceremony: compare both with what was published \
             elsewhere, or give them with --coordinator and --ceremony",
        )
    }
}

impl FolderArg {
    fn open(&self) -> Folder {
        Folder {
            path: self.folder.clone(),
        }
    }
}

fn init(context: &Context, args: &InitArgs) -> Result<Report> {
    let (folder, coordinator) = (args.folder.open(), context.keypair()?);
    let system = constraints(&args.statement, args.depth)?;
    let bytes = read_limited(&args.zkey, MAX_ZKEY)?;
    let zkey = ZKey::from_bytes(&bytes).with_context(|| format!("can't read {}", args.zkey.display()))?;
    ensure!(
        zkey.contributions.is_empty(),
        "{} has contributions: give the file of `snarkjs groth16 setup`",
        args.zkey.display()
    );
    check_points(&zkey, &system, &args.powers.ptau)?;
    let r1cs = system.to_bytes()?;
    let participants = read_participants(&args.participants)?;
    let record = Record {
        number: 0,
        previous: String::new(),
        time: clock::now()?,
        event: Event::Init(Init {
            statement: args.statement.clone(),
            depth: args.depth,
            coordinator: coordinator.pubkey().to_string(),
            turn_seconds: args.turn.as_secs(),
            r1cs_sha256: digest(&r1cs),
            ptau_sha256: digest_of_file(&args.powers.ptau)?,
            zkey_sha256: digest(&bytes),
            participants,
        }),
    };
    fs::create_dir_all(folder.file("pending"))
        .with_context(|| format!("can't create {}", folder.path.display()))?;
    for (name, bytes) in [("circuit.r1cs", &r1cs), (&*zkey_name(0), &bytes)] {
        write(&folder.file(name), bytes)?;
    }
    // The ceremony begins with this line, so a folder without it can be used again.
    folder.write_line(&record.line(&coordinator)?, true)?;
    let state = folder.state()?;
    Ok(summary(&state, state.turn_began)
        .next(
            "announce the beacon now: `bauta ceremony beacon --announce TEXT`; a contribution must follow it",
        )
        .next("publish the folder, and the address of the coordinator through a second channel"))
}

/// Reads the participants. Each has a name and an address of their own.
fn read_participants(file: &Path) -> Result<Vec<Participant>> {
    let bytes = read_limited(file, MAX_PARTICIPANTS)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not text", file.display()))?;
    let mut participants: Vec<Participant> = Vec::new();
    for (number, line) in (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let wrong = || format!("line {number} of {} is not name,address", file.display());
        let (name, address) = line.rsplit_once(',').with_context(wrong)?;
        let address: Address = address.trim().parse().with_context(wrong)?;
        let (name, address) = (name.trim().to_owned(), address.to_string());
        ensure!(!name.is_empty(), wrong());
        ensure!(
            participants.iter().all(|known| known.address != address),
            "line {number} of {} repeats the address {address}",
            file.display()
        );
        participants.push(Participant { name, address });
    }
    ensure!(!participants.is_empty(), "{} has no participants", file.display());
    Ok(participants)
}

fn contribute(context: &Context, folder: &Folder, published: &Published, file: &Path) -> Result<Report> {
    let (state, key) = (folder.state()?, context.keypair()?);
    published.check(&state)?;
    let address = key.pubkey().to_string();
    let participants = &state.init.participants;
    let position = participants.iter().position(|known| known.address == address);
    let position = position.with_context(|| format!("{address} is not a participant of the ceremony"))?;
    let bytes = read_limited(file, folder.next_limit(&state)?)?;
    let zkey = ZKey::from_bytes(&bytes).with_context(|| format!("can't read {}", file.display()))?;
    check_contribution(&folder.zkey(&state.newest_name(), state.newest())?, &zkey)?;
    let hash = last_hash(&zkey)?;
    let statement = Statement::sign(&key, &state.id, state.newest(), &digest(&bytes), &hash);
    for (extension, bytes) in [("zkey", &bytes), ("json", &serde_json::to_vec(&statement)?)] {
        write(&folder.pending(&address, extension), bytes)?;
    }
    let report = Report::new()
        .fact("ceremony", &state.id)
        .fact("coordinator", &state.init.coordinator)
        .fact("participant", &participants[position].name)
        .fact("contribution_hash", &hash)
        .fact("zkey_sha256", &statement.zkey_sha256)
        .fact("delivered", folder.pending(&address, "zkey").display())
        .next("publish the contribution hash under your own name")
        .next("send both files of the folder pending to the coordinator, and erase the secret: docs/ceremony.md");
    let report = published.warn(report);
    Ok(if state.turn == position {
        report
    } else {
        report.warning("it is not your turn: another contribution makes this one too old")
    })
}

fn coordinator(context: &Context, state: &State) -> Result<Keypair> {
    let key = context.keypair()?;
    let address = key.pubkey().to_string();
    if address == state.init.coordinator {
        return Ok(key);
    }
    let message = format!(
        "the coordinator is {}, not the signer {address}",
        state.init.coordinator
    );
    Err(Failure::new(Kind::Other, message)
        .next("sign with the keypair of the coordinator (--keypair)")
        .into())
}

/// Returns the time of the next record. The clock can be behind the last record by a minute. A
/// record of the far future would keep all later turns from passing their deadline.
fn record_time(state: &State) -> Result<i64> {
    let now = clock::now()?;
    let ahead = state.last_time.saturating_sub(now);
    ensure!(
        ahead <= clock::MAX_DIFFERENCE,
        Failure::new(
            Kind::Other,
            format!("the last record of the transcript is {ahead} s later than the clock of this machine")
        )
        .next("correct the clock, or wait until it has the time of the last record")
    );
    Ok(now.max(state.last_time))
}

/// Ends the present turn if a contribution arrived or the deadline has passed.
fn advance(context: &Context, folder: &Folder, checked: &Checked, ptau: &Path) -> Result<Report> {
    let state = &checked.state;
    let key = coordinator(context, state)?;
    let now = record_time(state)?;
    let Some(current) = state.current() else {
        return Ok(summary(state, now));
    };
    let (participant, mut warning) = (state.turn, None);
    let event = match delivered(folder, checked, &current.address, ptau)? {
        Delivery::Arrived {
            bytes,
            statement,
            problem,
        } => {
            let name = match problem {
                None => zkey_name(state.zkeys.len()),
                Some(_) => refused_name(participant),
            };
            write(&folder.file(&name), &bytes)?;
            let Statement {
                zkey_sha256,
                contribution_hash,
                signature,
                ..
            } = statement;
            match problem {
                None => Event::Contributed {
                    participant,
                    zkey_sha256,
                    contribution_hash,
                    signature,
                },
                Some(problem) => Event::Skipped {
                    participant,
                    reason: Reason::Refused {
                        problem,
                        zkey_sha256,
                        contribution_hash,
                        signature,
                    },
                },
            }
        }
        Delivery::Missing(reason) => {
            warning = reason;
            if now <= state.deadline() {
                return Ok(warn(summary(state, now), warning));
            }
            Event::Skipped {
                participant,
                reason: Reason::Deadline,
            }
        }
    };
    folder.add(state, &key, now, event)?;
    Ok(warn(summary(&folder.state()?, now), warning))
}

fn warn(report: Report, warning: Option<String>) -> Report {
    warning.into_iter().fold(report, Report::warning)
}

/// Writes a file of the folder, which all users may read.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("can't write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    new_file::replace(path, bytes, 0o644).with_context(context)
}

fn beacon(context: &Context, args: &BeaconArgs) -> Result<Report> {
    let folder = args.folder.open();
    let state = folder.state()?;
    let key = coordinator(context, &state)?;
    let now = record_time(&state)?;
    if let Some(source) = &args.announce {
        ensure!(
            state.beacon_source.is_none() && state.current().is_some(),
            "a beacon is announced once, and before the last contribution"
        );
        let event = Event::BeaconAnnounced {
            source: source.clone(),
        };
        folder.add(&state, &key, now, event)?;
        return Ok(summary(&folder.state()?, now));
    }
    let value = args.value.as_deref().context("give the value with --value")?;
    let file = args.zkey.as_deref().context("give the key with --zkey")?;
    ensure!(
        state.current().is_none() && state.beacon.is_none(),
        "the beacon is applied once, and after the last turn"
    );
    ensure!(
        state.beacon_source.is_some(),
        "no beacon was announced before the last contribution: this ceremony can't be finished"
    );
    ensure!(
        state.has_contribution_after_announcement(),
        "nobody contributed after the announcement of the beacon: this ceremony can't be finished"
    );
    let bytes = read_limited(file, folder.next_limit(&state)?)?;
    let last = ZKey::from_bytes(&bytes).with_context(|| format!("can't read {}", file.display()))?;
    check_beacon(&folder.zkey(&state.newest_name(), state.newest())?, &last, value)?;
    write(&folder.file(FINAL), &bytes)?;
    let event = Event::Beacon {
        value: value.to_ascii_lowercase(),
        zkey_sha256: digest(&bytes),
    };
    folder.add(&state, &key, now, event)?;
    Ok(summary(&folder.state()?, now))
}

fn finish(context: &Context, folder: &Folder, ptau: &Path, out: &Path) -> Result<Report> {
    let checked = Checked::all(folder, folder.state()?, ptau)?;
    let state = &checked.state;
    let key = coordinator(context, state)?;
    let (_, sha256) = state.beacon.as_ref().context("the beacon is not applied yet")?;
    let made = import(
        &state.init.statement,
        state.init.depth,
        folder.zkey(FINAL, sha256)?,
        ptau,
    )?;
    let key_sha256 = digest(&made.bytes);
    // A repeated command writes the same file.
    if !out.exists() {
        new_file::create(out, &made.bytes).with_context(|| format!("can't write {}", out.display()))?;
    }
    ensure!(
        digest_of_file(out)? == key_sha256,
        "{} exists and is another file: choose another --out",
        out.display()
    );
    let now = record_time(state)?;
    if state.finished.is_none() {
        let event = Event::Finished {
            key_sha256: key_sha256.clone(),
            verifying_key_hash: hex::encode(made.verifying_key_hash),
        };
        folder.add(state, &key, now, event)?;
    }
    Ok(summary(&folder.state()?, now)
        .fact("key_file", out.display())
        .next("publish the folder and the key file. Each contributor compares the hash of their contribution")
        .next(format!(
            "register it: `bauta circuit register --key {}`",
            out.display()
        )))
}

/// Returns the facts of a ceremony, with an item for each participant.
fn summary(state: &State, now: i64) -> Report {
    let item = |(index, participant): (usize, &Participant)| {
        let hash = state.contributed.iter().find(|(known, _)| *known == index);
        let skipped = state.skipped.iter().find(|skipped| skipped.participant == index);
        let result = match (hash, skipped.map(|skipped| &skipped.reason)) {
            (Some(_), _) => "contributed".to_owned(),
            (None, Some(Reason::Deadline)) => "absent".to_owned(),
            (None, Some(Reason::Refused { problem, .. })) => format!("refused: {problem}"),
            (None, None) if index == state.turn => "on turn".to_owned(),
            (None, None) => "waits".to_owned(),
        };
        Report::new()
            .fact("participant", &participant.name)
            .fact("address", &participant.address)
            .fact("result", result)
            .optional("contribution_hash", hash.map(|(_, hash)| hash))
    };
    let items = state.init.participants.iter().enumerate().map(item).collect();
    let on_turn = state.current();
    Report::new()
        .fact("ceremony", &state.id)
        .fact("statement", &state.init.statement)
        .value("depth", state.init.depth)
        .fact("coordinator", &state.init.coordinator)
        .value("contributions", state.contributed.len())
        .fact("newest_key", state.newest_name())
        .fact("newest_key_sha256", state.newest())
        .optional("turn_of", on_turn.map(|participant| &participant.name))
        .value("turn_ends", on_turn.map(|_| state.deadline()))
        .value("turn_is_over", on_turn.is_some() && now > state.deadline())
        .optional("beacon_source", state.beacon_source.as_ref())
        .optional("beacon", state.beacon.as_ref().map(|(value, _)| value))
        .optional("key_sha256", state.finished.as_ref().map(|key| &key.sha256))
        .optional(
            "verifying_key_hash",
            state.finished.as_ref().map(|key| &key.verifying_key_hash),
        )
        .with_items(items)
}
