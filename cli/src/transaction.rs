//! Sends transactions: preview, simulation, confirmation by the user, and the result.

use std::{
    fmt,
    io::{self, BufRead, IsTerminal, Write},
};

use anyhow::{Context as _, Result, ensure};
use bauta_client::ProgramError;
use bauta_rpc::{Confirmation, RpcError, Simulation, unsigned};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::{
    chain::LEVEL,
    commands,
    context::{Context, Signers},
    failure::{Failure, Kind},
    key::{SignerOf, sign},
    report::Report,
};

/// The fee of a signature in lamports.
pub const SIGNATURE_FEE: u64 = 5_000;
/// Bytes that an account takes besides its data.
const ACCOUNT_OVERHEAD: u64 = 128;
/// The rent of a byte in lamports on all public clusters: two years of 3,480 lamports.
const LAMPORTS_PER_BYTE: u64 = 6_960;
/// The largest priority fee of a transaction in lamports. A higher one is a mistake in the price.
pub const MAX_PRIORITY_FEE: u64 = LAMPORTS_PER_SOL / 10;
/// The compute units of a transaction of a series at most, for the preview of its priority fees.
const SERIES_UNITS: u32 = 400_000;
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
    /// The lamports that it deposits in accounts besides the rent of `accounts`.
    pub deposit: u64,
    /// The fees of the transactions that follow it, which are confirmed with it.
    pub following_fees: u64,
    /// If nothing can undo it, how the user confirms it. Such an action needs this on every
    /// cluster.
    pub is_final: Option<TypedAddress<'a>>,
    /// Whether the user has approved it already, with a limit of its cost.
    pub is_approved: bool,
    /// The highest fee in lamports. An action that costs more is not sent.
    pub most_fee: Option<u64>,
    /// Whether it writes the cluster tag that the user chose. Every other action needs a pinned
    /// tag.
    pub sets_tag: bool,
}

impl<'a> Action<'a> {
    /// Creates an action of one instruction that creates no account.
    pub fn of(what: &'a str, instruction: Instruction) -> Self {
        Self {
            instructions: vec![instruction],
            ..Self::of_all(what, Vec::new())
        }
    }

    /// Creates an action of instructions that create no account.
    pub fn of_all(what: &'a str, instructions: Vec<Instruction>) -> Self {
        Self {
            what,
            instructions,
            signers: Vec::new(),
            accounts: Vec::new(),
            deposit: 0,
            following_fees: 0,
            is_final: None,
            is_approved: false,
            most_fee: None,
            sets_tag: false,
        }
    }

    /// Adds an account that the transaction creates, with its size without the discriminator.
    pub fn creating<T>(mut self) -> Self {
        self.accounts.push(8 + size_of::<T>());
        self
    }
}

/// The address or hash that a user types to confirm what nothing can undo.
#[derive(Clone, Copy)]
pub struct TypedAddress<'a> {
    /// What it is, for the question: "address".
    pub name: &'a str,
    /// The address that must be typed.
    pub address: &'a Address,
    /// The address that the command line has.
    pub given: Option<&'a Address>,
    /// The option of the command line.
    pub option: &'a str,
}

/// What a transaction, or a series of them, costs in lamports.
#[derive(Clone, Copy)]
pub struct Cost {
    pub fee: u64,
    pub rent: u64,
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

    /// Returns what the action costs.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns the facts of the result, after what was read since.
    pub fn report_after(&self, read: Result<Report>) -> Result<Report> {
        let read = if self.is_sent() { after_sent(read) } else { read? };
        Ok(read.and(self.report()))
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

/// Returns what was read after an executed transaction. A read that fails is only a warning,
/// because an error would say that the command failed, and a repeated command would act again.
pub fn after_sent(read: Result<Report>) -> Report {
    read.unwrap_or_else(|error| {
        Report::new().warning(format!(
            "the transaction was executed, but the node did not show its result: {error:#}"
        ))
    })
}

impl Context {
    /// Previews a transaction, requests a confirmation where one is needed, and sends it. A dry run
    /// only simulates it.
    pub async fn run(&self, signers: &Signers, mut action: Action<'_>) -> Result<Outcome> {
        let payer = signers.payer();
        let mut all = vec![SignerOf::Key(payer)];
        let others = action.signers.iter().copied().map(SignerOf::Keypair);
        for signer in std::iter::once(SignerOf::Key(&signers.signer)).chain(others) {
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
        let is_mainnet = self.check_cluster(action.sets_tag).await?;
        let mut rent = action.deposit;
        for bytes in &action.accounts {
            rent += self.rent(*bytes).await?;
        }
        let fee = SIGNATURE_FEE * all.len() as u64 + action.following_fees;
        self.check_balance(&payer.pubkey(), fee + rent).await?;
        let simulation = self.simulate(&action, &payer.pubkey()).await?;
        let mut cost = Cost { fee, rent };
        cost.fee += self.add_priority(&mut action, simulation.compute_units)?;
        self.check_balance(&payer.pubkey(), cost.fee + rent).await?;
        if let Some(most) = action.most_fee.filter(|most| cost.fee > *most) {
            let message = format!(
                "the fee would be {}, above the limit of {}",
                sol(cost.fee),
                sol(most)
            );
            return Err(Failure::new(Kind::Declined, message).into());
        }
        self.preview(action.what, &cost);
        let mut outcome = Outcome {
            cost,
            compute_units: simulation.compute_units,
            confirmation: None,
        };
        if self.options.dry_run {
            return Ok(outcome);
        }
        if let Some(typed) = &action.is_final {
            Self::confirm_address(typed, action.what, &cost)?;
        }
        if is_mainnet && !action.is_approved && !self.take_approved(cost.fee + rent) {
            self.confirm(action.what, &cost)?;
        }
        let (blockhash, last_valid_height) = self.rpc.latest_blockhash(LEVEL).await?;
        let transaction = Box::pin(sign(&action.instructions, &all, blockhash))
            .await
            .with_context(|| format!("can't {}", action.what))?;
        let signature = transaction.signatures[0];
        if !self.options.json {
            eprintln!("signature: {signature}");
        }
        let sent = self
            .rpc
            .send_until_confirmed(&transaction, last_valid_height)
            .await;
        let confirmation = sent.map_err(|error| match error.transaction_error() {
            Some(reason) => {
                let refusal = refusal(action.what, &reason, &action.instructions);
                // A transaction that was executed and failed costs its fee.
                let is_executed = matches!(error, RpcError::Failed { .. });
                refusal.costs(if is_executed { cost.fee } else { 0 })
            }
            None => unknown(action.what, &error, &signature).costs(cost.fee),
        });
        outcome.confirmation = Some(confirmation?);
        Ok(outcome)
    }

    /// Previews a series of transactions, and requests a confirmation on mainnet. Returns whether
    /// they are to be sent. A dry run sends nothing.
    pub async fn approve(&self, payer: &Address, what: &str, cost: &Cost) -> Result<bool> {
        let is_mainnet = self.check_cluster(false).await?;
        self.check_balance(payer, cost.fee + cost.rent).await?;
        self.preview(what, cost);
        if self.options.dry_run {
            return Ok(false);
        }
        if is_mainnet && !self.take_approved(cost.fee + cost.rent) {
            self.confirm(what, cost)?;
        }
        Ok(true)
    }

    /// Approves a series of transactions once, with what all of them cost together. Each of them is
    /// then sent without another question, until the sum is used up. Returns whether they are to be
    /// sent.
    pub async fn approve_series(&self, payer: &Address, what: &str, cost: &Cost) -> Result<bool> {
        let go = self.approve(payer, what, cost).await?;
        self.set_approved(cost.fee + cost.rent);
        Ok(go)
    }

    /// Returns the highest fee of `count` transactions with this number of signatures each.
    pub fn fee_of_series(&self, count: usize, signatures: u64) -> u64 {
        let priority = match self.options.compute_unit_price {
            0 => 0,
            price => priority_fee(SERIES_UNITS, price),
        };
        count as u64 * (SIGNATURE_FEE * signatures + priority)
    }

    /// Returns whether the node serves mainnet. Only a dry run, or an action that sets the tag, is
    /// possible without a pinned tag.
    async fn check_cluster(&self, sets_tag: bool) -> Result<bool> {
        if !self.options.dry_run && !sets_tag {
            // Without a pinned tag, only the node would say whether this is mainnet.
            self.tag()?;
        }
        self.check_genesis().await
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
                Some(known) => refusal(action.what, &known, &action.instructions).into(),
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
        // They follow the others, so that errors name the same instructions as in the simulation.
        action.instructions.extend(compute_budget(limit, price));
        let fee = priority_fee(limit, price);
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

    fn preview(&self, what: &str, cost: &Cost) {
        if self.options.json {
            return;
        }
        let sent = if self.options.dry_run {
            "dry run"
        } else {
            "sending"
        };
        eprintln!("{sent}: {what} on {}; {cost}", self.rpc.host());
    }

    /// Requests a confirmation, unless the user gave it on the command line. The question has the
    /// cost, because there is no preview with `--json`.
    fn confirm(&self, what: &str, cost: &Cost) -> Result<()> {
        if self.options.yes {
            return Ok(());
        }
        if !has_terminal() {
            return Err(Failure::new(
                Kind::Declined,
                format!(
                    "this is mainnet: the command would {what} ({cost}), and there is no terminal to \
                     confirm it"
                ),
            )
            .next("check it with --dry-run, then repeat the command with --yes")
            .into());
        }
        let answer = question(&format!(
            "Confirm: this is mainnet. Type yes to {what} ({cost}): "
        ))?;
        ensure!(
            answer == "yes",
            Failure::new(Kind::Declined, "not confirmed: nothing was sent")
        );
        Ok(())
    }

    /// Requests the address that confirms what can't be undone. `--yes` does not replace it.
    fn confirm_address(typed: &TypedAddress<'_>, what: &str, cost: &Cost) -> Result<()> {
        let (name, address) = (typed.name, typed.address.to_string());
        let answer = match typed.given {
            Some(given) => given.to_string(),
            None if has_terminal() => question(&format!(
                "Confirm: this can't be undone. Type the {name} {address} to {what} ({cost}): "
            ))?,
            None => {
                let message = format!(
                    "this can't be undone: the command would {what} ({cost}), and there is no terminal to \
                     confirm it"
                );
                let option = typed.option;
                return Err(Failure::new(Kind::Declined, message)
                    .next(format!(
                        "check it with --dry-run, then repeat the command with {option} {address}"
                    ))
                    .into());
            }
        };
        ensure!(
            answer == address,
            Failure::new(
                Kind::Declined,
                format!("not confirmed, because the typed {name} is not {address}: nothing was sent")
            )
        );
        Ok(())
    }
}

/// Returns the instructions that set the limit of compute units, and their price.
pub fn compute_budget(limit: u32, price: u64) -> [Instruction; 2] {
    let budget = |kind: u8, value: &[u8]| Instruction {
        program_id: COMPUTE_BUDGET,
        accounts: Vec::new(),
        data: [&[kind], value].concat(),
    };
    [budget(2, &limit.to_le_bytes()), budget(3, &price.to_le_bytes())]
}

/// Returns the priority fee of a transaction in lamports.
pub fn priority_fee(limit: u32, price: u64) -> u64 {
    let micro = u128::from(limit) * u128::from(price);
    u64::try_from(micro.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Prints a question, and returns the line that the user types.
fn question(text: &str) -> Result<String> {
    eprint!("{text}");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

impl fmt::Display for Cost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "fee {}, rent {}", sol(self.fee), sol(self.rent))
    }
}

/// Returns the error of a transaction that was sent and whose result is not known.
fn unknown(what: &str, error: &RpcError, signature: &Signature) -> Failure {
    let message = format!(
        "can't {what}, or it is not known whether it happened: {error}; the transaction {signature} was sent"
    );
    Failure::new(Kind::Unknown, message).next(format!(
        "look the transaction {signature} up in an explorer before you repeat the command"
    ))
}

/// Names the program's reason for a failed transaction.
fn refusal(what: &str, error: &TransactionError, instructions: &[Instruction]) -> Failure {
    let programs: Vec<Address> = instructions
        .iter()
        .map(|instruction| instruction.program_id)
        .collect();
    let reason = ProgramError::of_transaction(error, &programs)
        .map(|known| known.to_string())
        .or_else(|| commands::airdrop::reason(error, instructions))
        .unwrap_or_else(|| error.to_string());
    Failure::new(Kind::Refused, format!("can't {what}: {reason}"))
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
