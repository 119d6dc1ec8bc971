//! Reads accounts of the program, and the chain's time.

use anchor_lang::{Discriminator, Owner, ZeroCopy};
use anyhow::{Context as _, Result, ensure};
use bauta_client::decode_account;
use bauta_rpc::{Account, CommitmentLevel, Filter};
use solana_address::Address;

use crate::{
    clock,
    context::Context,
    failure::{Failure, Kind},
};

/// The commitment level of all reads.
pub const LEVEL: CommitmentLevel = CommitmentLevel::Confirmed;
/// The account with the chain's time.
const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");

impl Context {
    /// Returns an account, or `None` if there is none at the address.
    pub async fn account(&self, address: &Address) -> Result<Option<Account>> {
        Ok(self.rpc.account(address, LEVEL).await?.1)
    }

    /// Reads and decodes an account of the program. `None` if there is none at the address.
    pub async fn find<T: ZeroCopy + Discriminator + Owner>(&self, address: &Address) -> Result<Option<T>> {
        let Some(account) = self.account(address).await? else {
            return Ok(None);
        };
        let decoded = decode_account(&account.owner, &account.data);
        decoded
            .map(Some)
            .with_context(|| format!("can't read the account {address}"))
    }

    /// Reads and decodes an account of the program that must exist. `kind` names it in the error.
    pub async fn read<T: ZeroCopy + Discriminator + Owner>(
        &self,
        address: &Address,
        kind: &str,
    ) -> Result<T> {
        self.find(address).await?.ok_or_else(|| {
            Failure::new(
                Kind::Other,
                format!(
                    "there is no {kind} at {address} on the cluster of {}",
                    self.rpc.host()
                ),
            )
            .next(format!("list what exists with `bauta {kind} list`"))
            .into()
        })
    }

    /// Lists the accounts of a type whose fields have these values, by the offset of the field in
    /// the type. The order is that of the addresses.
    pub async fn list<T: ZeroCopy + Discriminator + Owner>(
        &self,
        fields: &[(usize, &[u8])],
    ) -> Result<Vec<(Address, T)>> {
        let discriminator = T::DISCRIMINATOR;
        let mut filters = vec![
            Filter::Size(discriminator.len() + size_of::<T>()),
            Filter::Bytes {
                offset: 0,
                bytes: discriminator.to_vec(),
            },
        ];
        filters.extend(fields.iter().map(|(offset, bytes)| Filter::Bytes {
            offset: discriminator.len() + offset,
            bytes: bytes.to_vec(),
        }));
        let found = self.rpc.program_accounts(&bauta::ID, &filters, LEVEL).await?;
        let mut decoded = found
            .into_iter()
            .map(|(address, account)| Ok((address, decode_account(&account.owner, &account.data)?)))
            .collect::<Result<Vec<(Address, T)>>>()?;
        decoded.sort_by_key(|(address, _)| address.to_bytes());
        Ok(decoded)
    }

    /// Returns the time of this machine in Unix seconds, for times that become public. A node that
    /// gives each client its own time would recognise the client by it. Fails if the time of the node
    /// differs by more than [`clock::MAX_DIFFERENCE`].
    pub async fn own_time(&self) -> Result<i64> {
        let own = clock::now()?;
        let difference = own - self.now().await?;
        ensure!(
            difference.abs() <= clock::MAX_DIFFERENCE,
            Failure::new(
                Kind::Node,
                format!(
                    "the clock of this machine is {difference} s before the time of the node at {}: the limit is \
                     {} s",
                    self.rpc.host(),
                    clock::MAX_DIFFERENCE
                )
            )
            .next("set the clock of this machine, or use a node that follows the cluster")
        );
        Ok(own)
    }

    /// Returns the chain's time in Unix seconds.
    pub async fn now(&self) -> Result<i64> {
        let account = self.account(&CLOCK).await?;
        // Five values of eight bytes each, little-endian. The last one is the time.
        let time = account.and_then(|account| account.data.get(32..40)?.try_into().ok());
        let time = time.with_context(|| format!("the node at {} has no clock account", self.rpc.host()))?;
        Ok(i64::from_le_bytes(time))
    }
}
