//! `bauta ceremony`: turns, deadlines and a signed transcript for the ceremony of a key.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};
use bauta_iden3::{ContributionKind, R1cs, ZKey};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{
    ceremony::{
        Folder, MAX_ZKEY, check_contribution, check_follows, check_points, constraints, digest_of_file,
        import, read_limited,
        record::{Event, Init, Participant, Reason, Record, Statement, digest},
        state::{State, zkey_name},
    },
    context::Context,
    failure::{Failure, Kind},
    new_file,
    report::Report,
    values,
};

/// The largest list of participants that is read, in bytes.
const MAX_PARTICIPANTS: u64 = 1 << 20;
/// The name of the key after the beacon.
const FINAL: &str = "final.zkey";

#[derive(clap::Subcommand)]
pub enum Command {
    /// Begin a ceremony. The signer is its coordinator
    Init(InitArgs),
    /// Deliver a contribution that snarkjs made. The signer is the participant
    Contribute {
        #[command(flatten)]
        folder: FolderArg,
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
        /// Accept or refuse what the participant of the present turn delivered. The signer is the
        /// coordinator
        #[arg(long)]
        advance: bool,
        /// Time in Unix seconds [default: the clock of this machine]
        #[arg(long, value_name = "TIME")]
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
    match command {
        Command::Init(args) => init(context, args),
        Command::Contribute { folder, zkey } => contribute(context, &folder.open(), zkey),
        Command::Check {
            folder,
            powers,
            advance,
            at,
        } => {
            let (folder, now) = (folder.open(), at.map_or_else(clock, Ok)?);
            if *advance {
                let checked = Checked::newest(&folder, &powers.ptau)?;
                return self::advance(context, &folder, &checked, &powers.ptau, now);
            }
            let checked = Checked::all(&folder, &powers.ptau)?;
            Ok(summary(&checked.state, now))
        }
        Command::Beacon(args) => beacon(context, args),
        Command::Finish { folder, powers, out } => finish(context, &folder.open(), &powers.ptau, out),
    }
}

impl FolderArg {
    fn open(&self) -> Folder {
        Folder {
            path: self.folder.clone(),
        }
    }
}

fn clock() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.context("the clock of this machine is before 1970")?.as_secs();
    Ok(i64::try_from(now)?)
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
        time: clock()?,
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
        let file = folder.file(name);
        new_file::replace(&file, bytes, 0o644).with_context(|| format!("can't write {}", file.display()))?;
    }
    // The ceremony begins with this line, so a folder without it can be used again.
    folder.write_line(&record.line(&coordinator)?, true)?;
    let state = folder.state()?;
    Ok(summary(&state, state.turn_began)
        .next("announce the beacon before the last contribution: `bauta ceremony beacon --announce TEXT`")
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

fn contribute(context: &Context, folder: &Folder, file: &Path) -> Result<Report> {
    let (state, key) = (folder.state()?, context.keypair()?);
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
        let path = folder.pending(&address, extension);
        new_file::replace(&path, bytes, 0o644).with_context(|| format!("can't write {}", path.display()))?;
    }
    let report = Report::new()
        .fact("participant", &participants[position].name)
        .fact("contribution_hash", &hash)
        .fact("zkey_sha256", &statement.zkey_sha256)
        .fact("delivered", folder.pending(&address, "zkey").display())
        .next("publish the contribution hash under your own name")
        .next("send both files of the folder pending to the coordinator, and erase the secret: docs/ceremony.md");
    Ok(if state.turn == position {
        report
    } else {
        report.warning("it is not your turn: another contribution makes this one too old")
    })
}

/// Returns the hash of the last contribution.
fn last_hash(zkey: &ZKey) -> Result<String> {
    let last = zkey
        .contributions
        .last()
        .context("the file has no contribution")?;
    Ok(hex::encode(last.hash()))
}

/// A transcript and its newest key.
struct Checked {
    state: State,
    system: R1cs,
    newest: ZKey,
}

impl Checked {
    /// Checks the transcript, and that the newest key is the one that the coordinator accepted. Its
    /// SHA-256 is in the signed transcript, so its points are not compared again.
    fn newest(folder: &Folder, ptau: &Path) -> Result<Self> {
        let state = folder.state()?;
        let system = Self::system(&state, ptau)?;
        let newest = folder.zkey(&state.newest_name(), state.newest())?;
        Ok(Self {
            state,
            system,
            newest,
        })
    }

    /// Returns the constraint system, if it and the powers of tau are those of the transcript.
    fn system(state: &State, ptau: &Path) -> Result<R1cs> {
        let system = constraints(&state.init.statement, state.init.depth)?;
        ensure!(
            digest(&system.to_bytes()?) == state.init.r1cs_sha256,
            "the ceremony is for another constraint system: use the release that began it"
        );
        ensure!(
            digest_of_file(ptau)? == state.init.ptau_sha256,
            "the SHA-256 of {} is not that of the transcript",
            ptau.display()
        );
        Ok(system)
    }

    /// Checks the transcript and every file. The points of the newest key are compared with the
    /// powers of tau. Those of earlier keys are not, because nothing is made from them any more.
    fn all(folder: &Folder, ptau: &Path) -> Result<Self> {
        let state = folder.state()?;
        let system = Self::system(&state, ptau)?;
        let mut newest = folder.zkey(&zkey_name(0), &state.zkeys[0])?;
        ensure!(newest.contributions.is_empty(), "the first key has contributions");
        for (number, (sha256, (_, hash))) in (1..).zip(state.zkeys[1..].iter().zip(&state.contributed)) {
            let name = zkey_name(number);
            let next = folder.zkey(&name, sha256)?;
            check_contribution(&newest, &next).with_context(|| format!("the key {name} is wrong"))?;
            ensure!(
                last_hash(&next)? == *hash,
                "the contribution hash of {name} is not that of the transcript"
            );
            newest = next;
        }
        check_points(&newest, &system, ptau)?;
        if let Some((value, sha256)) = &state.beacon {
            let last = folder.zkey(FINAL, sha256)?;
            check_beacon(&newest, &last, value)?;
            check_points(&last, &system, ptau)?;
        }
        Ok(Self {
            state,
            system,
            newest,
        })
    }
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

/// Ends the present turn if a contribution arrived or the deadline has passed.
fn advance(context: &Context, folder: &Folder, checked: &Checked, ptau: &Path, now: i64) -> Result<Report> {
    let state = &checked.state;
    let key = coordinator(context, state)?;
    let Some(current) = state.current() else {
        return Ok(summary(state, now));
    };
    let address = &current.address;
    let has_arrived = folder.pending(address, "zkey").exists() && folder.pending(address, "json").exists();
    let event = if has_arrived {
        match delivered(folder, checked, address, ptau) {
            Ok((bytes, statement)) => {
                let name = zkey_name(state.zkeys.len());
                let file = folder.file(&name);
                new_file::replace(&file, &bytes, 0o644)
                    .with_context(|| format!("can't write {}", file.display()))?;
                Event::Contributed {
                    participant: state.turn,
                    zkey_sha256: statement.zkey_sha256,
                    contribution_hash: statement.contribution_hash,
                    signature: statement.signature,
                }
            }
            Err(error) => Event::Skipped {
                participant: state.turn,
                reason: Reason::Refused(format!("{error:#}")),
            },
        }
    } else if now > state.deadline() {
        Event::Skipped {
            participant: state.turn,
            reason: Reason::Deadline,
        }
    } else {
        return Ok(summary(state, now));
    };
    // The clock of the coordinator can be behind that of an earlier record.
    folder.add(state, &key, now.max(state.turn_began), event)?;
    Ok(summary(&folder.state()?, now))
}

/// Reads what a participant delivered, and checks everything that the files can prove.
fn delivered(folder: &Folder, checked: &Checked, address: &str, ptau: &Path) -> Result<(Vec<u8>, Statement)> {
    let state = &checked.state;
    let statement = folder.statement(address)?;
    ensure!(
        statement.ceremony == state.id && statement.is_signed_by(address),
        "the statement is not signed by the participant for this ceremony"
    );
    ensure!(
        statement.previous_zkey_sha256 == state.newest(),
        "the contribution is to an old file, and not to the newest one"
    );
    let bytes = read_limited(&folder.pending(address, "zkey"), folder.next_limit(state)?)?;
    ensure!(
        digest(&bytes) == statement.zkey_sha256,
        "the file is not the one that the participant signed"
    );
    let zkey = ZKey::from_bytes(&bytes)?;
    check_contribution(&checked.newest, &zkey)?;
    ensure!(
        last_hash(&zkey)? == statement.contribution_hash,
        "the contribution hash is not the one that the participant signed"
    );
    check_points(&zkey, &checked.system, ptau)?;
    Ok((bytes, statement))
}

fn beacon(context: &Context, args: &BeaconArgs) -> Result<Report> {
    let folder = args.folder.open();
    let state = folder.state()?;
    let key = coordinator(context, &state)?;
    let now = clock()?.max(state.turn_began);
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
        !state.contributed.is_empty(),
        "nobody contributed: this ceremony can't be finished"
    );
    let bytes = read_limited(file, folder.next_limit(&state)?)?;
    let last = ZKey::from_bytes(&bytes).with_context(|| format!("can't read {}", file.display()))?;
    check_beacon(&folder.zkey(&state.newest_name(), state.newest())?, &last, value)?;
    let path = folder.file(FINAL);
    new_file::replace(&path, &bytes, 0o644).with_context(|| format!("can't write {}", path.display()))?;
    let event = Event::Beacon {
        value: value.to_ascii_lowercase(),
        zkey_sha256: digest(&bytes),
    };
    folder.add(&state, &key, now, event)?;
    Ok(summary(&folder.state()?, now))
}

/// Refuses a key that does not follow the newest one by a beacon of this value.
fn check_beacon(newest: &ZKey, last: &ZKey, value: &str) -> Result<()> {
    check_follows(newest, last)?;
    let value = hex::decode(value).context("the value of the beacon is not in hexadecimal digits")?;
    let kind = last.contributions.last().map(|contribution| &contribution.kind);
    ensure!(
        matches!(kind, Some(ContributionKind::Beacon { hash, .. }) if *hash == value),
        "the last contribution of the key is not the beacon of this value"
    );
    Ok(())
}

fn finish(context: &Context, folder: &Folder, ptau: &Path, out: &Path) -> Result<Report> {
    let checked = Checked::all(folder, ptau)?;
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
    let now = clock()?.max(state.turn_began);
    if state.key_sha256.is_none() {
        let event = Event::Finished {
            key_sha256: key_sha256.clone(),
            verifying_key_hash: hex::encode(made.verifying_key_hash),
        };
        folder.add(state, &key, now, event)?;
    }
    Ok(summary(&folder.state()?, now)
        .fact("key_file", out.display())
        .fact("verifying_key_hash", hex::encode(made.verifying_key_hash))
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
        let skipped = state.skipped.iter().find(|(known, _)| *known == index);
        let result = match (hash, skipped) {
            (Some(_), _) => "contributed".to_owned(),
            (None, Some((_, Reason::Deadline))) => "absent".to_owned(),
            (None, Some((_, Reason::Refused(reason)))) => format!("refused: {reason}"),
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
        .optional("key_sha256", state.key_sha256.as_ref())
        .with_items(items)
}
