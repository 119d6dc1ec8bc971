//! Reading the program's events.
//!
//! ```text
//!   transaction that succeeded
//!     instruction             anybody's
//!       inner instruction     program: bauta, accounts: [event authority], data: tag ‖ event     <- accepted
//!     log lines               never looked at: any program can print anything, and logs are cut at 10 kB
//! ```
//!
//! The program's handler of that call demands the event authority's signature, which only the program itself can give; so
//! in a transaction that succeeded such an inner instruction is the program's own word. Callers must pass no others.

use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::{AnchorDeserialize, Discriminator};
use bauta::events;
use solana_address::Address;

use crate::{ClientError, addresses};

macro_rules! event {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One of the program's events.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $name(events::$name),)*
        }

        impl Event {
            /// The event's name in `programs/bauta/src/events.rs`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn decode(bytes: &[u8]) -> Result<Self, ClientError> {
                let (discriminator, mut fields) = bytes
                    .split_first_chunk::<8>()
                    .ok_or(ClientError::UnknownEvent { discriminator: [0; 8] })?;
                $(
                    if discriminator == events::$name::DISCRIMINATOR {
                        let event = events::$name::deserialize(&mut fields).map_err(|e| {
                            ClientError::MalformedEvent { name: stringify!($name), reason: e.to_string() }
                        })?;
                        if !fields.is_empty() {
                            return Err(ClientError::MalformedEvent {
                                name: stringify!($name),
                                reason: format!("{} bytes follow it", fields.len()),
                            });
                        }
                        return Ok(Self::$name(event));
                    }
                )*
                Err(ClientError::UnknownEvent { discriminator: *discriminator })
            }
        }
    };
}

event! {
    /// The program was initialised, paused or resumed, or its admin changed.
    ConfigChanged,
    /// A circuit was registered.
    CircuitRegistered,
    /// A circuit was retired.
    CircuitRetired,
    /// A registry was created.
    RegistryCreated,
    /// A collection was added to a registry of holders.
    CollectionAdded,
    /// A registry's collections were fixed for ever.
    RegistrySealed,
    /// A token's holder was written into a leaf.
    HolderRegistered,
    /// A token's leaf was emptied.
    HolderEvicted,
    /// Leaves were appended to a Managed registry.
    LeavesAppended,
    /// A leaf of a Managed registry was replaced.
    LeafReplaced,
    /// An Attested registry's authority published a root.
    RootPublished,
    /// A registry's root changed; follows the change's own event.
    MerkleRootUpdated,
    /// A scope was created.
    ScopeCreated,
    /// A scope was closed early.
    ScopeClosed,
    /// A proof of any statement was accepted.
    OwnershipVerified,
    /// A nullifier account was closed and its rent returned.
    NullifierReclaimed,
}

/// Reads the event in an inner instruction, given its program, its accounts and its data.
///
/// `None` when it is no event of this program. An error when it is one, but one that this client can't read.
pub fn decode_event(
    program: &Address,
    accounts: &[Address],
    data: &[u8],
) -> Result<Option<Event>, ClientError> {
    if *program != bauta::ID || accounts != [addresses::event_authority().address] {
        return Ok(None);
    }
    data.strip_prefix(EVENT_IX_TAG_LE).map(Event::decode).transpose()
}
