//! Decodes the program's events.
//!
//! ```text
//!   successful transaction
//!     instruction             of any program
//!       inner instruction     program: bauta, accounts: [event authority], data: tag ‖ event
//!                             <- accepted
//!     log lines               ignored: any program can print any line, and logs are cut at 10 kB
//! ```
//!
//! The program's handler of this inner instruction requires the signature of the event authority.
//! Only the program itself can sign for it. In a successful transaction, such an inner instruction
//! is therefore an event of the program. Callers must not pass inner instructions of failed
//! transactions.

use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::{AnchorDeserialize, Discriminator};
use bauta::events;
use solana_address::Address;

use crate::{ClientError, addresses};

/// Events that got more fields: the length of the earlier form and the number of new bytes, which
/// are at the end. Their zeros mean what the earlier program did: a collection without rules and
/// without a number, and a token.
const EXTENDED: [(&[u8], usize, usize); 2] = [
    (events::CollectionAdded::DISCRIMINATOR, 3 * 32 + 1 + 2 * 8, 4),
    (events::HolderRegistered::DISCRIMINATOR, 4 * 32 + 4 * 8 + 1, 3),
];

/// Returns the fields of an event with the new bytes, if it has the earlier form.
fn extended(discriminator: &[u8], fields: &[u8]) -> Option<Vec<u8>> {
    EXTENDED
        .iter()
        .find(|(of, length, _)| *of == discriminator && *length == fields.len())
        .map(|(_, _, added)| [fields, &vec![0; *added]].concat())
}

macro_rules! event {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// An event of the program.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $name(events::$name),)*
        }

        impl Event {
            /// Returns the event's name in the IDL.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }

            fn decode(bytes: &[u8]) -> Result<Self, ClientError> {
                let (discriminator, fields) = bytes
                    .split_first_chunk::<8>()
                    .ok_or(ClientError::UnknownEvent { discriminator: [0; 8] })?;
                let extended = extended(discriminator, fields);
                let mut fields = extended.as_deref().unwrap_or(fields);
                $(
                    if discriminator == events::$name::DISCRIMINATOR {
                        let event = events::$name::deserialize(&mut fields).map_err(|e| {
                            ClientError::MalformedEvent { name: stringify!($name), reason: e.to_string() }
                        })?;
                        if !fields.is_empty() {
                            return Err(ClientError::MalformedEvent {
                                name: stringify!($name),
                                reason: format!("{} bytes follow the event", fields.len()),
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
    /// A circuit was suspended or resumed, or its retirement was scheduled or cancelled.
    CircuitStatusChanged,
    /// A registry was created.
    RegistryCreated,
    /// A collection was added to a registry of holders.
    CollectionAdded,
    /// A registry was sealed.
    RegistrySealed,
    /// A holder registered a token.
    HolderRegistered,
    /// A token's leaf was emptied.
    HolderEvicted,
    /// Leaves were appended to a registry of kind `Managed`.
    LeavesAppended,
    /// A leaf of a registry of kind `Managed` was replaced.
    LeafReplaced,
    /// The authority of a registry of kind `Attested` published a root.
    RootPublished,
    /// A registry's root changed. The event follows the event of the change.
    MerkleRootUpdated,
    /// A scope was created.
    ScopeCreated,
    /// A scope was closed before `closes_at`.
    ScopeClosed,
    /// A proof of any statement was accepted.
    OwnershipVerified,
    /// A nullifier account was closed and its rent returned.
    NullifierReclaimed,
}

/// Decodes the event in an inner instruction, from its program, its accounts and its data.
///
/// Returns `None` if the instruction is not an event of this program.
///
/// # Errors
/// If the instruction is an event of this program that this client can't decode.
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
