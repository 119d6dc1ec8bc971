//! `bauta holder watch`: a bot that finds holders who no longer have their assets, and evicts them.
//!
//! ```text
//!   round: live holdings ──> evidence ──> evict, within the budget ──> state and metrics
//!     ^                                                                      │
//!     └───────────────────────── interval ───────────────────────────────────┘
//! ```

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use bauta::state::{Holding, Registry, RegistryKind, Staged};
use bauta_client::{
    ReferenceTree, addresses,
    instructions::{EvictCompressedHolder, EvictHolder, OnChainPath, StagePath, Unstage},
};
use bauta_primitives::{Leaf, Root};
use bauta_rpc::Rpc;
use solana_address::Address;
use solana_instruction::Instruction;
use tokio::time::sleep;

use super::{
    evidence::{Finder, Finding},
    watch_ledger::{Counters, Ledger, Round, metrics},
};
use crate::{
    commands::collection,
    context::{Context, Signers},
    failure::{self, Kind},
    new_file,
    report::Report,
    transaction::{Action, Cost, SIGNATURE_FEE},
    tree::{Changes, LeafSource},
    values,
};

/// The number of the path that the bot stages. A signer can have 256.
const STAGED_NUMBER: u8 = 255;
/// The size of a staged path's account.
const STAGED_BYTES: usize = 8 + size_of::<Staged>();

#[derive(clap::Args)]
pub struct Args {
    /// Address of the registry
    registry: Address,
    /// Make one round and end, for example for cron
    #[arg(long)]
    once: bool,
    /// Time between two rounds
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    interval: Duration,
    /// Largest sum of the fees of all evictions in lamports. With --state, it includes those before
    /// a restart
    #[arg(long, value_name = "LAMPORTS", default_value_t = 1_000_000)]
    budget: u64,
    /// File that keeps what was spent, so that a restart continues. One bot uses one file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// File that gets metrics in the text format of Prometheus after each round
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    /// Node that indexes compressed assets (Digital Asset Standard): a name or a URL
    /// [default: compressed assets are not judged]
    #[arg(long, value_name = "CLUSTER")]
    assets_node: Option<String>,
    #[command(flatten)]
    leaves: LeafSource,
}

/// A bot of one registry.
struct Bot<'a> {
    context: &'a Context,
    args: &'a Args,
    signers: Signers,
    ledger: Ledger,
    seen: BTreeMap<Address, Address>,
    assets: Option<Rpc>,
    /// The tree after the last eviction of this bot.
    tree: Option<ReferenceTree>,
}

pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let registry: Registry = context.read(&args.registry, "registry").await?;
    registry
        .check_kind(RegistryKind::Holders)
        .ok()
        .with_context(|| format!("the registry {} is not of kind holders", args.registry))?;
    let mut bot = Bot {
        context,
        args,
        signers: context.signers()?,
        ledger: Ledger::open(args.state.as_deref(), &args.registry.to_string())?,
        seen: BTreeMap::new(),
        assets: match &args.assets_node {
            Some(node) => Some(context.at_node(node)?.rpc),
            None => None,
        },
        tree: None,
    };
    let what = format!("evict holders from {} for at most the budget", args.registry);
    let cost = Cost {
        fee: bot.remaining(),
        rent: 0,
    };
    context
        .approve(&bot.signers.payer().pubkey(), &what, &cost)
        .await?;
    if args.once || context.options.dry_run {
        let mut counters = Counters::default();
        let (round, items) = bot.round().await?;
        bot.measure(&round, &mut counters)?;
        return Ok(bot.report(&round, items));
    }
    bot.repeat().await
}

impl Bot<'_> {
    fn remaining(&self) -> u64 {
        self.args.budget.saturating_sub(self.ledger.state.spent_lamports)
    }

    /// Makes rounds until the process ends. An error of a node ends only the round.
    async fn repeat(&mut self) -> Result<Report> {
        let (mut counters, mut last) = (Counters::default(), Round::default());
        loop {
            match self.round().await {
                Ok((round, items)) => {
                    last = round;
                    self.measure(&last, &mut counters)?;
                    self.report(&last, items).print(self.context.options.json)?;
                }
                Err(error) => {
                    let (kind, next) = failure::classify(&error);
                    failure::print(&error, kind, next.as_deref(), self.context.options.json);
                    counters.failed_rounds += 1;
                    self.write_metrics(&last, &counters)?;
                }
            }
            sleep(self.args.interval).await;
        }
    }

    async fn round(&mut self) -> Result<(Round, Vec<Report>)> {
        let collections = collection::of_registry(self.context, &self.args.registry).await?;
        let fields: [(usize, &[u8]); 1] = [(0, self.args.registry.as_ref())];
        let listed = self.context.list::<Holding>(&fields).await?;
        let mut holdings: Vec<Holding> = listed.into_iter().map(|(_, holding)| holding).collect();
        holdings.retain(|holding| holding.live != 0);
        // A budget that ends in each round must not leave the same holdings for ever.
        let first = self.ledger.state.next_index;
        holdings.sort_by_key(|holding| (holding.index < first, holding.index));
        let mut finder = Finder {
            context: self.context,
            collections: &collections,
            seen: &mut self.seen,
            assets: self.assets.as_ref(),
        };
        let findings = finder.find_all(&holdings).await?;
        let mut round = Round {
            holdings: holdings.len() as u64,
            stale: findings
                .iter()
                .filter(|finding| matches!(finding, Ok(Some(_))))
                .count() as u64,
            ..Round::default()
        };
        let mut items = Vec::new();
        for (holding, finding) in holdings.iter().zip(findings) {
            let done = match finding {
                Ok(None) => continue,
                Ok(Some(finding)) => {
                    let result = self.evict(holding, &finding, &mut round).await?;
                    item(holding, &format!("{:?}", finding.evidence), &result)
                }
                Err(error) => {
                    round.failed += 1;
                    item(holding, "unknown", &format!("{error:#}"))
                }
            };
            items.push(done);
        }
        Ok((round, items))
    }

    /// Evicts a holder if the budget suffices. Returns what happened. Only an error of the node
    /// ends the round.
    async fn evict(&mut self, holding: &Holding, finding: &Finding, round: &mut Round) -> Result<String> {
        // A compressed asset needs three transactions: stage the path, evict, return the rent.
        let transactions = if finding.compressed.is_some() { 3 } else { 1 };
        if self.remaining() < transactions * SIGNATURE_FEE * self.signers.count() {
            round.is_exhausted = true;
            return Ok("left: the budget is exhausted".into());
        }
        let (registry, path) = self.path(holding).await?;
        let evicted = match &finding.compressed {
            None => {
                let evict = self.instruction(holding, finding, (registry.tree, path));
                self.send(holding, evict, 0).await
            }
            Some((place, leaf)) => {
                let evict = EvictCompressedHolder {
                    registry: self.args.registry,
                    tree: registry.tree,
                    place: place.clone(),
                    leaf: leaf.clone(),
                    left_collection: finding.left_collection,
                    path: None,
                    staged: None,
                };
                self.evict_compressed(holding, evict, path).await
            }
        };
        match evicted {
            Ok(false) => Ok("dry run".into()),
            Ok(true) => {
                let state = &mut self.ledger.state;
                state.evicted += 1;
                state.next_index = holding.index + 1;
                self.ledger.save()?;
                round.evicted += 1;
                if let Some(tree) = &mut self.tree {
                    tree.set(holding.index, Leaf::EMPTY)?;
                }
                Ok("evicted".into())
            }
            Err(error) => {
                // Another change of the tree makes the path wrong, so the tree is read again.
                self.tree = None;
                // A transaction that was sent can have cost its fee, even if it failed.
                self.ledger.state.spent_lamports += failure::spent(&error);
                self.ledger.save()?;
                match failure::classify(&error).0 {
                    Kind::Declined => {
                        round.is_exhausted = true;
                        Ok("left: the budget is exhausted".into())
                    }
                    Kind::Refused | Kind::Unknown => {
                        round.failed += 1;
                        Ok(format!("{error:#}"))
                    }
                    _ => Err(error),
                }
            }
        }
    }

    /// Evicts the holder of a compressed asset. The path and the proof of the asset do not fit into
    /// one transaction, so the path is staged by another one. The last one returns the rent.
    async fn evict_compressed(
        &mut self,
        holding: &Holding,
        mut evict: EvictCompressedHolder,
        path: OnChainPath,
    ) -> Result<bool> {
        let authority = self.signers.signer.pubkey();
        let stage = StagePath {
            authority,
            number: STAGED_NUMBER,
            path,
        };
        let unstage = Unstage {
            authority,
            number: STAGED_NUMBER,
        };
        evict.staged = Some(addresses::staged(&authority, STAGED_NUMBER).address);
        if self.context.options.dry_run {
            return self.send(holding, stage.instruction(), STAGED_BYTES).await;
        }
        self.send(holding, stage.instruction(), STAGED_BYTES).await?;
        let evicted = self.send(holding, evict.instruction(), 0).await;
        // The rent returns also after an eviction that was refused.
        let returned = self.send(holding, unstage.instruction(), 0).await;
        let evicted = evicted?;
        returned?;
        Ok(evicted)
    }

    /// Sends one transaction of an eviction within the budget, and counts its fee. `deposit` is the
    /// size of an account whose rent returns. Returns whether it was sent.
    async fn send(&mut self, holding: &Holding, instruction: Instruction, deposit: usize) -> Result<bool> {
        let what = format!("evict the holder of {}", holding.mint);
        let mut action = Action::of(&what, instruction);
        action.is_approved = true;
        action.most_fee = Some(self.remaining());
        if deposit > 0 {
            action.accounts.push(deposit);
        }
        let outcome = self.context.run(&self.signers, action).await?;
        if outcome.is_sent() {
            self.ledger.state.spent_lamports += outcome.cost().fee;
            self.ledger.save()?;
        }
        Ok(outcome.is_sent())
    }

    /// Returns the registry, and the path of a holding in its current tree.
    async fn path(&mut self, holding: &Holding) -> Result<(Registry, OnChainPath)> {
        let address = self.args.registry;
        let registry: Registry = self.context.read(&address, "registry").await?;
        let root = Root::from_bytes(registry.root)?;
        let tree = match self.tree.take() {
            Some(tree) if tree.root() == root => tree,
            _ => {
                let changes =
                    Changes::at_current_root(self.context, &self.args.leaves, &address, &registry).await?;
                changes.tree(root)?
            }
        };
        let path = tree.on_chain_path(holding.index)?;
        self.tree = Some(tree);
        Ok((registry, path))
    }

    fn instruction(
        &self,
        holding: &Holding,
        finding: &Finding,
        (tree, path): (Address, OnChainPath),
    ) -> Instruction {
        let is_token = holding.form == bauta::state::AssetForm::Token as u8;
        let evict = EvictHolder {
            registry: self.args.registry,
            tree,
            mint: holding.mint,
            token_account: finding.token_account,
            left_collection: finding.left_collection,
            metadata: finding
                .left_collection
                .filter(|_| is_token)
                .map(|_| addresses::metadata(&holding.mint).address),
            path,
        };
        evict.instruction()
    }

    /// Counts a complete round and writes the metrics.
    fn measure(&self, round: &Round, counters: &mut Counters) -> Result<()> {
        counters.rounds += 1;
        counters.failed_holdings += round.failed;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        counters.last_round = now.map(|now| now.as_secs()).unwrap_or_default();
        self.write_metrics(round, counters)
    }

    fn write_metrics(&self, round: &Round, counters: &Counters) -> Result<()> {
        let Some(file) = &self.args.metrics_file else {
            return Ok(());
        };
        let text = metrics(&self.ledger.state, round, counters, self.args.budget);
        // A collector of another user reads the file.
        new_file::replace(file, text.as_bytes(), 0o644)
            .with_context(|| format!("can't write {}", file.display()))
    }

    fn report(&self, round: &Round, items: Vec<Report>) -> Report {
        let report = Report::new()
            .fact("registry", self.args.registry)
            .value("holdings", round.holdings)
            .value("stale", round.stale)
            .value("evicted", round.evicted)
            .value("failed", round.failed)
            .value("spent_lamports", self.ledger.state.spent_lamports)
            .value("budget_lamports", self.args.budget)
            .value("budget_exhausted", round.is_exhausted)
            .with_items(items);
        if round.is_exhausted {
            return report.warning("the budget does not suffice for another eviction: raise --budget");
        }
        report
    }
}

fn item(holding: &Holding, evidence: &str, result: &str) -> Report {
    Report::new()
        .fact("asset", holding.mint)
        .fact("owner", holding.owner)
        .value("index", holding.index)
        .fact("evidence", evidence)
        .fact("result", result)
}
