//! The consumer programs that a relay may call in a scope with a gate. The gate is an address of
//! the consumer program, which signs `verify` with it.
//!
//! A program that a wallet signs for can move the wallet's lamports. So the operator lists each
//! program with the hash of its ELF, the instruction, the positions of the wallet, and what the
//! program may cost. A simulation shows what a call costs now. It does not limit what the call
//! costs later. So the hash is checked with each simulation, and the last instruction of each
//! transaction fails if the wallet has fallen below its floor.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bauta_rpc::RpcError;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

use super::{
    budgets::from_text,
    error::{RelayError, RelaySetupError},
    node::Node,
    request::ConsumerCall,
    transaction::SIMULATED_AT,
    wallets::Wallets,
};

/// The loader of programs that can be upgraded.
const LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
/// Bytes of a `ProgramData` account before the ELF: the kind, the slot of the last deployment, and
/// the upgrade authority.
const HEADER_BYTES: usize = 45;
/// The kind of a `ProgramData` account.
const PROGRAM_DATA: [u8; 4] = [3, 0, 0, 0];
/// Largest number of bytes of a discriminator.
const MAX_DISCRIMINATOR: usize = 8;

/// An instruction of a consumer program that relays may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    pub program: Address,
    /// The SHA-256 of its ELF, without the zeros at the end.
    elf_hash: [u8; 32],
    /// The first bytes of the instruction's data.
    pub discriminator: Vec<u8>,
    /// The position of the account that pays the rent of the nullifier account.
    pub payer: usize,
    /// The position of the relayer.
    pub relayer: usize,
    /// The most lamports that a call may take from the payer, in addition to the rent of the
    /// nullifier account.
    pub lamports: u64,
}

/// The text isn't a [`Consumer`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be PROGRAM:SHA256:DISCRIMINATOR:PAYER:RELAYER:LAMPORTS: an address, the 64 hexadecimal digits of the ELF's \
     hash, 2 to 16 hexadecimal digits, the positions of payer and relayer from 0, and lamports"
)]
pub struct InvalidConsumer;

impl FromStr for Consumer {
    type Err = InvalidConsumer;

    fn from_str(text: &str) -> Result<Self, InvalidConsumer> {
        let fields: Vec<&str> = text.trim().split(':').collect();
        let [program, hash, discriminator, payer, relayer, lamports] = fields[..] else {
            return Err(InvalidConsumer);
        };
        let mut elf_hash = [0; 32];
        hex::decode_to_slice(hash, &mut elf_hash).map_err(|_| InvalidConsumer)?;
        let discriminator = hex::decode(discriminator).map_err(|_| InvalidConsumer)?;
        if discriminator.is_empty() || discriminator.len() > MAX_DISCRIMINATOR {
            return Err(InvalidConsumer);
        }
        let position = |text: &str| text.parse::<u8>().map(usize::from).map_err(|_| InvalidConsumer);
        Ok(Self {
            program: program.parse().map_err(|_| InvalidConsumer)?,
            elf_hash,
            discriminator,
            payer: position(payer)?,
            relayer: position(relayer)?,
            lamports: lamports.parse().map_err(|_| InvalidConsumer)?,
        })
    }
}

impl<'de> Deserialize<'de> for Consumer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.program, hex::encode(&self.discriminator))
    }
}

/// The listed consumer programs.
pub struct Consumers {
    listed: Vec<Consumer>,
    /// The slots of the deployments whose ELF was read and has the listed hash, by node and
    /// program. A faulty node decides only about itself.
    checked: Mutex<HashMap<(String, Address), u64>>,
}

impl Consumers {
    /// Uses these programs.
    pub fn new(listed: &[Consumer]) -> Result<Self, RelaySetupError> {
        for (index, consumer) in listed.iter().enumerate() {
            let is_same = |earlier: &&Consumer| {
                earlier.program == consumer.program
                    && (earlier.discriminator.starts_with(&consumer.discriminator)
                        || consumer.discriminator.starts_with(&earlier.discriminator)
                        || earlier.elf_hash != consumer.elf_hash)
            };
            if listed[..index].iter().any(|earlier| is_same(&earlier)) {
                return Err(RelaySetupError::SameConsumer(consumer.to_string()));
            }
        }
        Ok(Self {
            listed: listed.to_vec(),
            checked: Mutex::default(),
        })
    }

    /// Returns the listed programs.
    pub fn listed(&self) -> &[Consumer] {
        &self.listed
    }

    /// Returns the entry of an instruction.
    pub fn find(&self, program: Address, data: &[u8]) -> Result<&Consumer, RelayError> {
        let mut listed = self.listed.iter();
        listed
            .find(|consumer| consumer.program == program && data.starts_with(&consumer.discriminator))
            .ok_or(RelayError::ConsumerNotListed)
    }

    /// Builds the instruction of a call. `payer` pays the rent of the nullifier account. The only
    /// accounts that sign are the payer and the relayer, at their positions. No wallet of this
    /// service is at another position.
    pub fn instruction(
        &self,
        call: &ConsumerCall,
        payer: Address,
        relayer: Address,
        wallets: &Wallets,
    ) -> Result<Instruction, RelayError> {
        let consumer = self.find(call.program, &call.data)?;
        let at = |position: usize| call.accounts.get(position).map(|account| account.address);
        if at(consumer.payer) != Some(payer) || at(consumer.relayer) != Some(relayer) {
            return Err(RelayError::ConsumerAccounts {
                payer: consumer.payer,
                relayer: consumer.relayer,
            });
        }
        let mut accounts = Vec::with_capacity(call.accounts.len());
        for (position, account) in call.accounts.iter().enumerate() {
            let (is_payer, is_relayer) = (position == consumer.payer, position == consumer.relayer);
            let is_signer = is_payer || is_relayer;
            if !is_signer && wallets.get(&account.address).is_some() {
                return Err(RelayError::ConsumerAccounts {
                    payer: consumer.payer,
                    relayer: consumer.relayer,
                });
            }
            accounts.push(AccountMeta {
                pubkey: account.address,
                is_signer,
                is_writable: is_payer || !is_signer && account.is_writable,
            });
        }
        Ok(Instruction {
            program_id: call.program,
            accounts,
            data: call.data.clone(),
        })
    }

    /// Checks on one node that the ELF of a program is the listed one. The ELF is read once from
    /// each node for each deployment: the cluster allows one deployment of a program in a slot.
    pub async fn check_elf(
        &self,
        node: &Node,
        consumer: &Consumer,
    ) -> Result<Result<(), RelayError>, RpcError> {
        let (address, _) = Address::find_program_address(&[consumer.program.as_ref()], &LOADER);
        let known = (node.url().to_string(), consumer.program);
        let beginning = node
            .in_time(node.account_beginning(&address, HEADER_BYTES, SIMULATED_AT))
            .await?;
        let Some(slot) = beginning.and_then(|account| deployed_at(&account.owner, &account.data)) else {
            return Ok(Err(RelayError::ConsumerChanged));
        };
        if self.checked().get(&known) == Some(&slot) {
            return Ok(Ok(()));
        }
        let (_, account) = node.in_time(node.account(&address, SIMULATED_AT)).await?;
        let found = account.as_ref().and_then(|account| {
            let slot = deployed_at(&account.owner, &account.data)?;
            Some((slot, elf_hash(account.data.get(HEADER_BYTES..)?)))
        });
        Ok(match found {
            Some((slot, hash)) if hash == consumer.elf_hash => {
                self.checked().insert(known, slot);
                Ok(())
            }
            _ => Err(RelayError::ConsumerChanged),
        })
    }

    fn checked(&self) -> MutexGuard<'_, HashMap<(String, Address), u64>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the slot of the last deployment. `None` if the account isn't one of `ProgramData`.
fn deployed_at(owner: &Address, data: &[u8]) -> Option<u64> {
    let header = data.get(..HEADER_BYTES)?;
    let (kind, rest) = header.split_first_chunk::<4>()?;
    let slot = rest.first_chunk::<8>()?;
    (*owner == LOADER && *kind == PROGRAM_DATA).then(|| u64::from_le_bytes(*slot))
}

/// Returns the SHA-256 of an ELF without the zeros at the end, which fill the account.
fn elf_hash(bytes: &[u8]) -> [u8; 32] {
    let length = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    Sha256::digest(&bytes[..length]).into()
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, extract::State, routing::post};
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    use bauta_rpc::Rpc;
    use serde_json::{Value, json};

    use super::{
        super::{node::Waits, request::ConsumerAccount},
        *,
    };

    const PROGRAM: &str = "Ga9HP4e3TZxu47C5KifEsbDMajjDqvJ44BC7Dn97rt5h";

    fn entry(fields: &str) -> Result<Consumer, InvalidConsumer> {
        format!("{PROGRAM}:{fields}").parse()
    }

    fn address(number: u8) -> Address {
        Address::new_from_array([number; 32])
    }

    #[test]
    fn a_consumer_has_a_program_a_hash_a_discriminator_two_positions_and_lamports() {
        let hash = "07".repeat(32);
        let consumer = entry(&format!("{hash}:0a0b:0:10:5000")).unwrap();
        assert_eq!((consumer.elf_hash, consumer.lamports), ([7; 32], 5_000));
        assert_eq!(consumer.discriminator, [10, 11]);
        assert_eq!((consumer.payer, consumer.relayer), (0, 10));
        for fields in [
            String::new(),
            format!("{hash}:0a0b:0:10"),
            format!("{hash}:0a0b:0:10:5000:1"),
            format!("{hash}::0:10:5000"),
            format!("{hash}:{}:0:10:5000", "0a".repeat(9)),
            format!("{hash}:0a:256:10:5000"),
            format!("{hash}:0a:0:-1:5000"),
            format!("{}:0a:0:1:5000", "07".repeat(31)),
        ] {
            assert_eq!(entry(&fields), Err(InvalidConsumer), "{fields}");
        }
    }

    #[test]
    fn one_instruction_has_one_entry_and_one_program_has_one_hash() {
        let (hash, other) = ("07".repeat(32), "08".repeat(32));
        let first = entry(&format!("{hash}:0a:0:1:5")).unwrap();
        let new = |second: &str| Consumers::new(&[first.clone(), entry(second).unwrap()]);
        assert!(new(&format!("{hash}:0b:0:1:5")).is_ok());
        let refused = [
            format!("{hash}:0a:2:3:6"),
            format!("{hash}:0a01:0:1:5"),
            format!("{other}:0b:0:1:5"),
        ];
        for second in refused {
            assert!(
                matches!(new(&second), Err(RelaySetupError::SameConsumer(_))),
                "{second}"
            );
        }
    }

    #[test]
    fn only_payer_and_relayer_sign_and_only_at_their_positions() {
        let hash = "07".repeat(32);
        let consumers = Consumers::new(&[entry(&format!("{hash}:0a:0:2:5")).unwrap()]).unwrap();
        let wallets = Wallets::of_addresses(&[address(1), address(9)]);
        let built = |accounts: &[u8], data: &[u8], payer: u8| {
            let account = |number: &u8| ConsumerAccount {
                address: address(*number),
                is_writable: true,
            };
            let call = ConsumerCall {
                program: PROGRAM.parse().unwrap(),
                accounts: accounts.iter().map(account).collect(),
                data: data.to_vec(),
            };
            consumers.instruction(&call, address(payer), address(1), &wallets)
        };
        let instruction = built(&[1, 5, 1, 6], &[10, 4], 1).unwrap();
        let metas: Vec<_> = instruction
            .accounts
            .iter()
            .map(|meta| (meta.is_signer, meta.is_writable))
            .collect();
        assert_eq!(metas, [(true, true), (false, true), (true, false), (false, true)]);
        // The recipient pays, and the wallet is only the relayer.
        assert!(built(&[5, 5, 1], &[10], 5).is_ok());
        assert!(matches!(
            built(&[1, 5, 1], &[11], 1),
            Err(RelayError::ConsumerNotListed)
        ));
        for (accounts, payer) in [
            (&[5, 5, 1][..], 1),
            (&[1, 5, 5], 1),
            (&[1, 5], 1),
            // A wallet at a third position: the relayer, or a wallet other than the relayer.
            (&[1, 1, 1], 1),
            (&[1, 9, 1], 1),
            (&[1, 5, 1, 9], 1),
            (&[1, 5, 1], 5),
        ] {
            let refused = built(accounts, &[10], payer);
            assert!(
                matches!(refused, Err(RelayError::ConsumerAccounts { .. })),
                "{accounts:?}"
            );
        }
    }

    /// Starts a node that has a program with this ELF, deployed in slot 7.
    async fn node_with(elf: &'static [u8]) -> Node {
        let answer = |State(elf): State<&'static [u8]>, Json(request): Json<Value>| async move {
            let data = [PROGRAM_DATA.as_slice(), &7_u64.to_le_bytes(), &[0; 33], elf].concat();
            let account = json!({
                "lamports": 1, "owner": LOADER.to_string(), "executable": false, "rentEpoch": 0, "space": data.len(),
                "data": [BASE64.encode(data), "base64"],
            });
            let result = json!({"context": {"slot": 9}, "value": account});
            Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = Router::new().route("/", post(answer)).with_state(elf);
        tokio::spawn(async move { axum::serve(listener, node).await });
        Node::new(Rpc::new(&url).unwrap(), Waits::DEFAULT)
    }

    #[tokio::test]
    async fn a_node_that_lies_about_an_elf_answers_only_for_itself() {
        let (listed, other) = (node_with(&[1, 2]).await, node_with(&[3, 4]).await);
        let hash = hex::encode(elf_hash(&[1, 2]));
        let consumer = entry(&format!("{hash}:0a:0:1:5")).unwrap();
        let consumers = Consumers::new(std::slice::from_ref(&consumer)).unwrap();
        for _ in 0..2 {
            assert!(consumers.check_elf(&listed, &consumer).await.unwrap().is_ok());
            let refused = consumers.check_elf(&other, &consumer).await.unwrap();
            assert!(matches!(refused, Err(RelayError::ConsumerChanged)));
        }
    }

    #[test]
    fn an_elf_is_hashed_without_the_zeros_that_fill_its_account() {
        assert_eq!(elf_hash(&[1, 0, 2, 0, 0]), elf_hash(&[1, 0, 2]));
        assert_ne!(elf_hash(&[1, 0, 2]), elf_hash(&[1, 0]));
        let mut data = [PROGRAM_DATA.as_slice(), &7_u64.to_le_bytes(), &[0; 33]].concat();
        assert_eq!(deployed_at(&LOADER, &data), Some(7));
        assert_eq!(deployed_at(&address(1), &data), None);
        assert_eq!(deployed_at(&LOADER, &data[..44]), None);
        data[0] = 2;
        assert_eq!(deployed_at(&LOADER, &data), None);
    }
}
