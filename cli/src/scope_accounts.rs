//! The accounts that a proof depends on: the scope, its registry and its circuit.
//!
//! ```text
//!   one node:  scope ──> registry, circuit
//!   two nodes: scope ──> registry, circuit, read at both until all three are equal
//! ```
//!
//! A faulty node can report a registry whose root belongs to a false history with only some of the
//! members. Whether the member then proves shows the node whether it is one of them. A second
//! node that is honest has other accounts, so the command ends in the same way for every member.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Circuit, Registry, Scope};
use bauta_client::{decode_account, decode_scope};
use bauta_rpc::Account;
use solana_address::Address;

use crate::{
    chain::LEVEL,
    cluster::is_loopback,
    commands::scope,
    context::Context,
    failure::{Failure, Kind},
};

/// The number of times that the accounts of both nodes are compared. One node can be some slots
/// behind the other.
const ATTEMPTS: usize = 5;
/// The time between two comparisons.
const INTERVAL: Duration = Duration::from_secs(1);

/// The accounts that a proof depends on.
pub struct ScopeAccounts {
    pub scope: Scope,
    pub registry: Registry,
    pub circuit: Circuit,
}

impl ScopeAccounts {
    /// Reads the accounts from the node.
    pub async fn read(context: &Context, address: &Address) -> Result<Self> {
        let scope = scope::read(context, address).await?;
        Ok(Self {
            registry: context.read(&scope.registry, "registry").await?,
            circuit: context.read(&scope.circuit, "circuit").await?,
            scope,
        })
    }

    /// Reads the accounts from the node and from a second one. Fails if they are not equal.
    pub async fn read_at_both(context: &Context, second: &str, address: &Address) -> Result<Self> {
        let second = context.at_node(second)?;
        ensure!(
            second.rpc.url() != context.rpc.url(),
            Failure::new(Kind::Other, "the second node is the same as the first")
                .next("give --check-node the URL of a node of another operator")
        );
        ensure!(
            context.rpc.genesis_hash().await? == second.rpc.genesis_hash().await?,
            Failure::new(
                Kind::Node,
                format!(
                    "the nodes at {} and {} serve different clusters",
                    context.rpc.host(),
                    second.rpc.host()
                )
            )
            .next("give --check-node the URL of a node of the same cluster")
        );
        let scope = scope::read(context, address).await?;
        let addresses = [*address, scope.registry, scope.circuit];
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(INTERVAL).await;
            }
            let found = accounts(context, &addresses).await?;
            if found == accounts(&second, &addresses).await? {
                return Self::decode(context, &addresses, &found)
                    .with_context(|| format!("can't read the accounts of the scope {address}"));
            }
        }
        let message = format!(
            "the nodes at {} and {} have different accounts of the scope, its registry or its circuit: one of them is \
             behind, or gives wrong answers",
            context.rpc.host(),
            second.rpc.host()
        );
        Err(Failure::new(Kind::Node, message)
            .next("use two other nodes; a proof with the accounts of one of these nodes can show it who you are")
            .into())
    }

    fn decode(context: &Context, addresses: &[Address; 3], found: &[Option<Account>]) -> Result<Self> {
        let [address, ..] = addresses;
        let [Some(scope), Some(registry), Some(circuit)] = found else {
            return Err(Failure::new(Kind::Other, "an account does not exist").into());
        };
        let scope = decode_scope(&context.tag()?, address, &scope.owner, &scope.data)?;
        check_parts(addresses, scope.registry, scope.circuit)?;
        Ok(Self {
            scope,
            registry: decode_account(&registry.owner, &registry.data)?,
            circuit: decode_account(&circuit.owner, &circuit.data)?,
        })
    }
}

/// Fails if the registry and the circuit of the scope are not those that were read. Their addresses
/// come from an earlier response of one node, which could have paired the scope with another
/// circuit.
fn check_parts(addresses: &[Address; 3], registry: Address, circuit: Address) -> Result<()> {
    ensure!(
        addresses[1..] == [registry, circuit],
        Failure::new(
            Kind::Node,
            "the node gave another registry or circuit of the scope before: one of its answers is false"
        )
        .next("use another node")
    );
    Ok(())
}

/// Returns the warning of a proof whose accounts come from one node. `None` for a node of this
/// machine, which the member trusts.
pub fn warning_of_one_node(context: &Context) -> Option<String> {
    if is_loopback(&context.cluster.url) {
        return None;
    }
    Some(format!(
        "only the node at {} reported the root: if it gives wrong answers, this proof can show it which member you are; compare it \
         with a node of another operator with --check-node URL",
        context.rpc.host()
    ))
}

/// Reads accounts in one request. Compares without the lamports, which anyone can change.
async fn accounts(context: &Context, addresses: &[Address]) -> Result<Vec<Option<Account>>> {
    let found = context.rpc.accounts(addresses, LEVEL).await?;
    let without_lamports = found.into_iter().map(|(_, account)| {
        account.map(|account| Account {
            lamports: 0,
            ..account
        })
    });
    Ok(without_lamports.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_whose_registry_or_circuit_is_not_what_was_read_is_refused() {
        let [scope, registry, circuit, other] = [1, 2, 3, 4].map(|byte| Address::from([byte; 32]));
        let read = [scope, registry, circuit];
        assert!(check_parts(&read, registry, circuit).is_ok());
        assert!(check_parts(&read, registry, other).is_err());
        assert!(check_parts(&read, other, circuit).is_err());
    }
}
