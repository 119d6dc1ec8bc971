//! The conditions by which a subscription selects events.

use bauta_store::{Event, LoggedEvent};
use sha2::{Digest, Sha256};
use solana_address::Address;

/// The commitment level at which events are sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Level {
    /// An event is sent when the indexer has applied it. A fork can undo it.
    Confirmed,
    /// An event is sent when no fork can undo it.
    #[default]
    Finalized,
}

impl Level {
    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }

    /// Returns the level with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut levels = [Self::Confirmed, Self::Finalized].into_iter();
        levels.find(|level| level.as_str() == name)
    }
}

/// The events that a subscription selects. Without conditions, it selects all of them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct EventFilter {
    /// The commitment level at which they are sent.
    pub level: Level,
    /// Selects the events of this scope.
    pub scope: Option<Address>,
    /// Selects the events of this registry and its scopes.
    pub registry: Option<Address>,
    /// The names of the events, in ascending order. If there are none, events have any name.
    names: Vec<&'static str>,
}

impl EventFilter {
    /// Creates a filter.
    pub fn new(level: Level, scope: Option<Address>, registry: Option<Address>) -> Self {
        Self {
            level,
            scope,
            registry,
            names: Vec::new(),
        }
    }

    /// Restricts the filter to the names of a list, which are separated by commas. `None` if the
    /// list is empty or has an unknown name.
    pub fn with_names(self, list: &str) -> Option<Self> {
        // Longer lists have a name twice, or an unknown one.
        let known = |name: &str| Event::NAMES.into_iter().find(|known| *known == name);
        let longest = Event::NAMES.len();
        let mut names: Vec<&'static str> = Vec::new();
        for (number, name) in list.split(',').enumerate() {
            names.push(known(name).filter(|_| number < longest)?);
        }
        names.sort_unstable();
        names.dedup();
        Some(Self { names, ..self })
    }

    /// Returns the names that the filter is restricted to. Empty: with every name.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Returns whether the subscription selects an event.
    pub fn matches(&self, event: &LoggedEvent) -> bool {
        (self.scope.is_none() || self.scope == event.scope)
            && (self.registry.is_none() || self.registry == event.registry)
            && (self.names.is_empty() || self.names.contains(&event.name.as_str()))
    }

    /// Returns the hash of the stream of a cluster's events with this filter. A resume token
    /// belongs to one stream.
    pub fn stream(&self, cluster: &str) -> [u8; 8] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(b"bauta event stream v1");
        part(cluster.as_bytes());
        part(self.level.as_str().as_bytes());
        for address in [&self.scope, &self.registry] {
            part(
                address
                    .as_ref()
                    .map_or(&[], |address| address.as_array().as_slice()),
            );
        }
        for name in &self.names {
            part(name.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut stream = [0; 8];
        stream.copy_from_slice(&digest[..8]);
        stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_one_stream_whatever_the_order_of_its_names() {
        let (scope, registry) = (Address::from([1; 32]), Address::from([2; 32]));
        let filter = |names| {
            let filter = EventFilter::new(Level::Finalized, Some(scope), None);
            filter.with_names(names).unwrap()
        };
        let first = filter("OwnershipVerified,ScopeClosed");
        assert_eq!(first, filter("ScopeClosed,OwnershipVerified,ScopeClosed"));
        let streams = [
            first.stream("solana:mainnet"),
            first.stream("solana:devnet"),
            filter("ScopeClosed").stream("solana:mainnet"),
            EventFilter::new(Level::Finalized, Some(scope), None).stream("solana:mainnet"),
            EventFilter::new(Level::Confirmed, Some(scope), None).stream("solana:mainnet"),
            EventFilter::new(Level::Finalized, None, Some(scope)).stream("solana:mainnet"),
            EventFilter::new(Level::Finalized, Some(scope), Some(registry)).stream("solana:mainnet"),
        ];
        for (number, stream) in streams.iter().enumerate() {
            assert!(!streams[..number].contains(stream), "{number}");
        }
        let all = EventFilter::default();
        for list in [
            "",
            "ownership_verified",
            "ScopeClosed,",
            &"ScopeClosed,".repeat(18),
        ] {
            assert!(all.clone().with_names(list).is_none(), "{list}");
        }
    }
}
