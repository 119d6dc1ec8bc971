//! A limit of open connections for each address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{TrustedProxies, rate_limit::address_key};

/// Counts the open connections of each address. The addresses of trusted proxies, which forward the
/// requests of many clients, have no limit.
pub(crate) struct AddressLimit {
    open: Arc<Open>,
    max_by_address: usize,
    trusted_proxies: TrustedProxies,
}

#[derive(Default)]
struct Open(Mutex<HashMap<String, usize>>);

/// A connection that counts until this guard is dropped.
pub(crate) struct AddressGuard(Option<(Arc<Open>, String)>);

impl AddressLimit {
    pub(crate) fn new(max_by_address: usize, trusted_proxies: TrustedProxies) -> Self {
        Self {
            open: Arc::default(),
            max_by_address,
            trusted_proxies,
        }
    }

    /// Counts a connection of this address. `None` if the address has the largest number.
    pub(crate) fn open(&self, peer: IpAddr) -> Option<AddressGuard> {
        if self.trusted_proxies.contains(peer.to_canonical()) {
            return Some(AddressGuard(None));
        }
        let client = address_key(peer);
        let mut open = self.open.lock();
        let connections = open.get(&client).copied().unwrap_or_default();
        if connections >= self.max_by_address {
            return None;
        }
        open.insert(client.clone(), connections + 1);
        drop(open);
        Some(AddressGuard(Some((self.open.clone(), client))))
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressGuard {
    fn drop(&mut self) {
        let Some((open, client)) = &self.0 else { return };
        let mut open = open.lock();
        if let Some(connections) = open.get_mut(client) {
            *connections -= 1;
            if *connections == 0 {
                open.remove(client);
            }
        }
    }
}
