//! Which addresses webhooks may be sent to.
//!
//! A client chooses the URL, so this service must not reach with it what only this service reaches:
//! its own network, its host, and the metadata service of a cloud. The check is in the resolver of
//! the HTTP client: the addresses that it returns are those that are connected to. So an answer
//! that changes between a check and a connection has no effect.
//!
//! A look-up blocks a thread, also after its caller has stopped waiting: the resolver of the system
//! can't be interrupted. The same threads verify proofs. So look-ups have a bound, and those of one
//! account a smaller one.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex, PoisonError},
};

use bauta_service_common::Network;
use bauta_store::AccountId;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// An address of a webhook is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host has no public address")]
pub struct NotPublic;

/// Largest number of look-ups at the same time. Tokio has 512 threads for blocking work.
const MAX_LOOKUPS: usize = 32;
/// Largest number of look-ups of an account at the same time.
const MAX_LOOKUPS_OF_ACCOUNT: usize = 2;

tokio::task_local! {
    /// The account that the look-ups of a task count for. The HTTP client calls its resolver in the
    /// task of the request, and gives it nothing but the name.
    pub static ACCOUNT: AccountId;
}

/// Looks names up.
pub trait Lookup: Send + Sync + 'static {
    /// Returns the addresses of a host.
    fn lookup(&self, host: String) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The resolver of the system. Look-ups count for the [`ACCOUNT`] of the task.
#[derive(Clone, Default)]
pub struct SystemLookup(Arc<Places>);

impl Lookup for SystemLookup {
    async fn lookup(&self, host: String) -> io::Result<Vec<IpAddr>> {
        let found = move || {
            let found = (host, 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect())
        };
        self.0.run(found).await
    }
}

/// The places of look-ups.
struct Places {
    all: Arc<Semaphore>,
    /// The accounts with look-ups.
    accounts: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            accounts: Mutex::default(),
        }
    }
}

impl Places {
    /// Waits for a place, and runs a look-up on a thread for blocking work. It has the place until it
    /// returns, even if this future is dropped.
    async fn run<T: Send + 'static>(
        &self,
        lookup: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        // Without an account, look-ups share the places of one.
        let account = ACCOUNT.try_with(|account| *account);
        let account = account.unwrap_or(AccountId([0; 16]));
        let of_account = self.of(account).acquire_owned().await.map_err(io::Error::other)?;
        let of_all = self.all.clone().acquire_owned().await.map_err(io::Error::other)?;
        let found = tokio::task::spawn_blocking(move || {
            let found = lookup();
            drop((of_account, of_all));
            found
        });
        found.await.map_err(io::Error::other)?
    }

    /// Returns the places of an account. Forgets accounts without a look-up.
    fn of(&self, account: AccountId) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, places| Arc::strong_count(places) > 1);
        let places = accounts.entry(account);
        places
            .or_insert_with(|| Arc::new(Semaphore::new(MAX_LOOKUPS_OF_ACCOUNT)))
            .clone()
    }
}

/// The addresses that are allowed: public ones, and those in the operator's networks.
#[derive(Clone, Default)]
pub struct AllowedAddresses(Arc<Vec<Network>>);

impl AllowedAddresses {
    /// Allows these networks in addition to public addresses.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(Arc::new(networks))
    }

    /// Returns whether messages may be sent to an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        is_public(address.to_canonical()) || self.is_of_operator(address)
    }

    /// Returns whether an address is in the operator's networks.
    pub fn is_of_operator(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Resolves names to allowed addresses.
pub struct GuardedResolver<L> {
    lookup: Arc<L>,
    allowed: AllowedAddresses,
}

impl<L: Lookup> GuardedResolver<L> {
    /// Creates a resolver.
    pub fn new(lookup: L, allowed: AllowedAddresses) -> Self {
        Self {
            lookup: Arc::new(lookup),
            allowed,
        }
    }
}

impl<L: Lookup> Resolve for GuardedResolver<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, allowed) = (self.lookup.clone(), self.allowed.clone());
        Box::pin(async move {
            let found = lookup.lookup(name.as_str().to_owned()).await?;
            let usable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| allowed.contains(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if usable.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// Returns whether an address is one of the public internet. Everything else is refused, also what
/// is reserved today.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // This network, private, loopback, multicast and reserved.
        0 | 10 | 127 | 224..=255 => true,
        // Carrier-grade translation.
        100 => (64..128).contains(&b),
        // Link-local, with the metadata services of clouds.
        169 => b == 254,
        172 => (16..32).contains(&b),
        // Protocol assignments, documentation, 6to4 relays, AS112, private.
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (31, 196) | (52, 193) | (175, 48)) || b == 168,
        // Benchmarks and documentation.
        198 => matches!(b, 18 | 19) || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only global unicast has been assigned.
    let is_global = (0x2000..0x4000).contains(&a);
    // Protocol assignments with Teredo, documentation, 6to4, documentation.
    let is_special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Mutex, PoisonError},
    };

    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_allowed() {
        let allowed = AllowedAddresses::default();
        for address in [
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "2606:4700::1",
            "2001:200::1",
        ] {
            assert!(allowed.contains(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "100::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "4000::1",
        ] {
            assert!(!allowed.contains(address.parse().unwrap()), "{address}");
        }
        let own = AllowedAddresses::new(vec!["10.1.0.0/16".parse().unwrap()]);
        assert!(own.contains("10.1.2.3".parse().unwrap()) && !own.contains("10.2.0.1".parse().unwrap()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn look_ups_that_do_not_return_keep_their_places_and_leave_those_of_other_accounts() {
        let places = Arc::new(Places::default());
        let (begun, mut started) = tokio::sync::mpsc::unbounded_channel();
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Arc::new(Mutex::new(blocked));
        let slow = |account: u8| {
            let (places, begun, blocked) = (places.clone(), begun.clone(), blocked.clone());
            tokio::spawn(ACCOUNT.scope(AccountId([account; 16]), async move {
                let lookup = move || {
                    begun.send(account).unwrap();
                    let _ = blocked.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    Ok(())
                };
                places.run(lookup).await
            }))
        };
        let tasks: Vec<_> = (0..10).map(|_| slow(1)).collect();
        for _ in 0..MAX_LOOKUPS_OF_ACCOUNT {
            assert_eq!(started.recv().await, Some(1));
        }
        // Their callers stop waiting. The threads do not return, so no further one begins.
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        let waiting = slow(1);
        let other = places.run(|| Ok(7));
        let other = ACCOUNT.scope(AccountId([2; 16]), other).await;
        assert_eq!(other.unwrap(), 7);
        assert!(started.try_recv().is_err());
        // Many accounts together have the bound of all.
        let many: Vec<_> = (2..60).map(slow).collect();
        for _ in 0..MAX_LOOKUPS - MAX_LOOKUPS_OF_ACCOUNT {
            assert_ne!(started.recv().await, Some(1));
        }
        assert_eq!(places.all.available_permits(), 0);
        drop(release);
        for task in many {
            task.await.unwrap().unwrap();
        }
        waiting.await.unwrap().unwrap();
        while places.all.available_permits() < MAX_LOOKUPS {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        places.of(AccountId([9; 16]));
        let accounts = places.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(accounts.len(), 1);
    }

    /// A name server that gives another answer each time.
    struct Changing(Mutex<VecDeque<IpAddr>>);

    impl Lookup for Changing {
        async fn lookup(&self, _: String) -> std::io::Result<Vec<IpAddr>> {
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            Ok(next.into_iter().collect())
        }
    }

    #[tokio::test]
    async fn an_answer_that_changes_after_a_check_leads_to_no_internal_address() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://rebind.example:{}/", listener.local_addr().unwrap().port());
        let internal: IpAddr = "127.0.0.1".parse().unwrap();
        let answers = VecDeque::from(["1.1.1.1".parse().unwrap(), internal]);
        let lookup = Changing(Mutex::new(answers));
        // The first look-up: the address is public.
        let first = lookup.lookup(String::new()).await.unwrap();
        assert!(AllowedAddresses::default().contains(first[0]));
        let client = |lookup, allowed| {
            reqwest::Client::builder()
                .no_proxy()
                .dns_resolver(Arc::new(GuardedResolver::new(lookup, allowed)))
                .build()
                .unwrap()
        };
        let refused = client(lookup, AllowedAddresses::default())
            .get(&url)
            .send()
            .await
            .unwrap_err();
        assert!(refused.is_connect(), "{refused:?}");
        // The same client reaches the listener if the operator allows its network.
        let own = AllowedAddresses::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let lookup = Changing(Mutex::new(VecDeque::from([internal])));
        let connected = tokio::spawn(client(lookup, own).get(&url).send());
        let (_, peer) = listener.accept().await.unwrap();
        assert!(peer.ip().is_loopback());
        connected.abort();
    }
}
