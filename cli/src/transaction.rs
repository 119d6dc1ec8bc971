//! Sends transactions: preview, simulation, confirmation by the user, and the result.

use std::{
    fmt,
    io::{self, BufRead, IsTerminal, Write},
};

use anyhow::{Context as _, Result, ensure};
use bauta_client::ProgramError;
use bauta_rpc::{Confirmation, RpcError, Simulation, sign, unsigned};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;

use crate::{
    chain::LEVEL,
    context::{Context, Signers},
    failure::{Failure, Kind},
    report::Report,
};

/// The fee of a signature in lamports.
const SIGNATURE_FEE: u64 = 5_000;
/// Bytes that an account takes besides its data.
const ACCOUNT_OVERHEAD: u64 = 128;
/// The rent of a byte in lamports on all public clusters: two years of 3,480 lamports.
const LAMPORTS_PER_BYTE: u64 = 6_960;
/// The largest priority fee of a transaction in lamports. A higher one is a mistake in the price.
const MAX_PRIORITY_FEE: u64 = LAMPORTS_PER_SOL / 10;
/// Lamports in a SOL.
pub const LAMPORTS_PER_SOL: u64 = 1_000_000_000;
/// The program that sets the limits and the price of a transaction.
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");

/// A transaction that a command sends.
pub struct Action<'a> {
    /// What it does, for the question and for errors: "create a registry".
    pub what: &'a str,
    pub instructions: Vec<Instruction>,
    /// Signers besides the payer and the signer of the command.
    pub signers: Vec<&'a Keypair>,
    /// The sizes in bytes of the accounts whose rent it pays.
    pub accounts: Vec<usize>,
    /// Whether nothing can undo it. Such an action needs a confirmation on every cluster.
    pub is_final: bool,
    /// Whether it writes the cluster tag that the user chose. Every other action needs a pinned
    /// tag.
    pub sets_tag: bool,
}

impl<'a> Action<'a> {
    /// Creates an action of one instruction that creates no account.
    pub fn of(what: &'a str, instruction: Instruction) -> Self {
        Self {
            what,
            instructions: vec![instruction],
            signers: Vec::new(),
            accounts: Vec::new(),
            is_final: false,
            sets_tag: false,
        }
    }

    /// Adds an account that the transaction creates, with its size without the discriminator.
    pub fn creating<T>(mut self) -> Self {
        self.accounts.push(8 + size_of::<T>());
        self
    }
}

/// What a transaction costs, in lamports.
#[derive(Clone, Copy)]
struct Cost {
    fee: u64,
    rent: u64,
}

/// The result of an action: what it costs and, unless it was a dry run, its confirmation.
pub struct Outcome {
    cost: Cost,
    compute_units: Option<u64>,
    confirmation: Option<Confirmation>,
}

impl Outcome {
    /// Returns whether the transaction was sent and confirmed. A dry run sends nothing.
    pub fn is_sent(&self) -> bool {
        self.confirmation.is_some()
    }

    /// Returns the facts of the result.
    pub fn report(&self) -> Report {
        let report = Report::new()
            .value("sent", self.confirmation.is_some())
            .value("fee_lamports", self.cost.fee)
            .value("rent_lamports", self.cost.rent)
            .value("compute_units", self.compute_units);
        match &self.confirmation {
            None => report,
            Some(confirmation) => report
                .fact("signature", confirmation.signature)
                .value("slot", confirmation.slot),
        }
    }
}

impl Context {
    /// Previews a transaction, requests a confirmation where one is needed, and sends it. A dry run
    /// only simulates it.
    pub async fn run(&self, signers: &Signers, mut action: Action<'_>) -> Result<Outcome> {
        let payer = signers.payer();
        let mut all = vec![payer];
        for signer in std::iter::once(&signers.signer).chain(action.signers.iter().copied()) {
            let is_new = all.iter().all(|known| known.pubkey() != signer.pubkey());
            let signs = action
                .instructions
                .iter()
                .flat_map(|instruction| &instruction.accounts)
                .any(|meta| meta.is_signer && meta.pubkey == signer.pubkey());
            if is_new && signs {
                all.push(signer);
            }
        }
        if !self.options.dry_run && !action.sets_tag {
            // Without a pinned tag, only the node would say whether this is mainnet.
            self.tag()?;
        }
        let is_mainnet = self.check_genesis().await?;
        let mut rent = 0;
        for bytes in &action.accounts {
            rent += self.rent(*bytes).await?;
        }
        let fee = SIGNATURE_FEE * all.len() as u64;
        self.check_balance(&payer.pubkey(), fee + rent).await?;
        let simulation = self.simulate(&action, &payer.pubkey()).await?;
        let mut cost = Cost { fee, rent };
        cost.fee += self.add_priority(&mut action, simulation.compute_units)?;
        self.check_balance(&payer.pubkey(), cost.fee + rent).await?;
        self.preview(&action, &cost);
        let mut outcome = Outcome {
            cost,
            compute_units: simulation.compute_units,
            confirmation: None,
        };
        if self.options.dry_run {
            return Ok(outcome);
        }
        if is_mainnet || action.is_final {
            let reason = if is_mainnet {
                "this is mainnet"
            } else {
                "this can't be undone"
            };
            self.confirm(reason, &action, &cost)?;
        }
        let (blockhash, last_valid_height) = self.rpc.latest_blockhash(LEVEL).await?;
        let transaction =
            sign(&action.instructions, &all, blockhash).with_context(|| format!("can't {}", action.what))?;
        let signature = transaction.signatures[0];
        if !self.options.json {
            eprintln!("signature: {signature}");
        }
        let sent = self
            .rpc
            .send_until_confirmed(&transaction, last_valid_height)
            .await;
        let confirmation = sent.map_err(|error| match error.transaction_error() {
            Some(reason) => refusal(action.what, &reason, &action.instructions),
            None => unknown(action.what, &error, &signature),
        });
        outcome.confirmation = Some(confirmation?);
        Ok(outcome)
    }

    /// Returns the rent of an account in lamports, as the node reports it. No cluster takes more
    /// than [`LAMPORTS_PER_BYTE`], so a node that reports more would make the payer lose the
    /// difference.
    pub async fn rent(&self, bytes: usize) -> Result<u64> {
        let rent = self.rpc.rent_exempt_balance(bytes).await?;
        let most = (bytes as u64 + ACCOUNT_OVERHEAD) * LAMPORTS_PER_BYTE;
        if rent <= most {
            return Ok(rent);
        }
        let message = format!(
            "the node {} reports a rent of {} for {bytes} bytes, but no cluster takes more than {}",
            self.rpc.host(),
            sol(rent),
            sol(most)
        );
        Err(Failure::new(Kind::Node, message)
            .next("use another node with --cluster")
            .into())
    }

    async fn check_balance(&self, payer: &Address, cost: u64) -> Result<()> {
        let balance = self.account(payer).await?.map_or(0, |account| account.lamports);
        if balance >= cost {
            return Ok(());
        }
        let message = format!(
            "the payer {payer} has {}, but the transaction costs {}",
            sol(balance),
            sol(cost)
        );
        Err(Failure::new(Kind::Other, message)
            .next("transfer SOL to the payer, or name another one with --fee-payer")
            .into())
    }

    async fn simulate(&self, action: &Action<'_>, payer: &Address) -> Result<Simulation> {
        let (blockhash, _) = self.rpc.latest_blockhash(LEVEL).await?;
        let transaction = unsigned(&action.instructions, payer, blockhash)
            .with_context(|| format!("can't {}", action.what))?;
        let simulation = self.rpc.simulate(&transaction, LEVEL).await?;
        match &simulation.error {
            None => Ok(simulation),
            Some(error) => Err(match error.known() {
                Some(known) => refusal(action.what, &known, &action.instructions),
                None => Failure::new(Kind::Refused, format!("can't {}: {error}", action.what)).into(),
            }),
        }
    }

    /// Adds the limit and the price of compute units if the user chose a price. Returns the
    /// priority fee in lamports.
    fn add_priority(&self, action: &mut Action<'_>, compute_units: Option<u64>) -> Result<u64> {
        let price = self.options.compute_unit_price;
        if price == 0 {
            return Ok(0);
        }
        // A tenth more than in the simulation, because the state can change before the execution.
        // The two instructions of the budget need 300 compute units.
        let needed = compute_units.unwrap_or(1_400_000);
        let limit = (needed + needed / 10 + 1_000).min(1_400_000);
        let limit = u32::try_from(limit).expect("the limit is at most 1,400,000");
        let budget = |kind: u8, value: &[u8]| Instruction {
            program_id: COMPUTE_BUDGET,
            accounts: Vec::new(),
            data: [&[kind], value].concat(),
        };
        // They follow the others, so that errors name the same instructions as in the simulation.
        action.instructions.push(budget(2, &limit.to_le_bytes()));
        action.instructions.push(budget(3, &price.to_le_bytes()));
        let micro = u128::from(limit) * u128::from(price);
        let fee = u64::try_from(micro.div_ceil(1_000_000)).unwrap_or(u64::MAX);
        ensure!(
            fee <= MAX_PRIORITY_FEE,
            Failure::new(
                Kind::Other,
                format!(
                    "the priority fee would be {}, above {}",
                    sol(fee),
                    sol(MAX_PRIORITY_FEE)
                )
            )
            .next("choose a lower --compute-unit-price: it is in millionths of a lamport")
        );
        Ok(fee)
    }

    fn preview(&self, action: &Action<'_>, cost: &Cost) {
        if self.options.json {
            return;
        }
        let sent = if self.options.dry_run {
            "dry run"
        } else {
            "sending"
        };
        eprintln!("{sent}: {} on {}; {cost}", action.what, self.rpc.host());
    }

    /// Requests a confirmation, unless the user gave it on the command line. The question has the
    /// cost, because there is no preview with `--json`.
    fn confirm(&self, reason: &str, action: &Action<'_>, cost: &Cost) -> Result<()> {
        let what = action.what;
        if self.options.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(Failure::new(
                Kind::Declined,
                format!(
                    "{reason}: the command would {what} ({cost}), and there is no terminal to confirm it"
                ),
            )
            .next("check it with --dry-run, then repeat the command with --yes")
            .into());
        }
        eprint!("Confirm: {reason}. Type yes to {what} ({cost}): ");
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        ensure!(
            answer.trim() == "yes",
            Failure::new(Kind::Declined, "not confirmed: nothing was sent")
        );
        Ok(())
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "fee {}, rent {}", sol(self.fee), sol(self.rent))
    }
}

/// Returns the error of a transaction that was sent and whose result is not known.
fn unknown(what: &str, error: &RpcError, signature: &Signature) -> anyhow::Error {
    let message = format!(
        "can't {what}, or it is not known whether it happened: {error}; the transaction {signature} was sent"
    );
    Failure::new(Kind::Unknown, message)
        .next(format!(
            "look the transaction {signature} up in an explorer before you repeat the command"
        ))
        .into()
}

/// Names the program's reason for a failed transaction.
fn refusal(what: &str, error: &TransactionError, instructions: &[Instruction]) -> anyhow::Error {
    let programs: Vec<Address> = instructions
        .iter()
        .map(|instruction| instruction.program_id)
        .collect();
    let reason = ProgramError::of_transaction(error, &programs)
        .map_or_else(|| error.to_string(), |known| known.to_string());
    Failure::new(Kind::Refused, format!("can't {what}: {reason}")).into()
}

/// Returns lamports as text in SOL.
pub fn sol(lamports: u64) -> String {
    let (whole, part) = (lamports / LAMPORTS_PER_SOL, lamports % LAMPORTS_PER_SOL);
    let digits = format!("{part:09}");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        format!("{whole} SOL")
    } else {
        format!("{whole}.{digits} SOL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lamports_are_shown_as_sol_without_trailing_zeros() {
        assert_eq!(sol(0), "0 SOL");
        assert_eq!(sol(5_000), "0.000005 SOL");
        assert_eq!(sol(2_500_000_000), "2.5 SOL");
        assert_eq!(sol(3_000_000_000), "3 SOL");
    }
}
