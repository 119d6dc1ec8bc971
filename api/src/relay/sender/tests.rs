//! Steps of the sender that panic, and the number of steps that run at a time.

use bauta_primitives::{FieldElement, Nullifier};
use bauta_service_common::Secret;
use bauta_store::{AddedRelay, NewRelay, RelayLimits, Store, testing::TestDatabase};
use confique::Config as _;
use solana_address::Address;

use super::{
    super::{
        consumers::Consumers, nodes::Nodes, policy::Policy, sealer::Sealer, transaction::Fees,
        wallets::Wallets,
    },
    *,
};
use crate::settings::RelaySettings;

const INSTANCE: [u8; 16] = [1; 16];
const OTHER_INSTANCE: [u8; 16] = [2; 16];

fn wallet() -> Address {
    Address::new_from_array([3; 32])
}

fn shared(store: &Store) -> Arc<Shared> {
    let settings = RelaySettings::builder().load().unwrap();
    Arc::new(Shared {
        store: store.clone(),
        wallets: Wallets::of_addresses(&[]),
        nodes: Nodes::new(&[], Some("http://127.0.0.1:1")).unwrap(),
        sealer: Sealer::new(&Secret::new("a".repeat(64))).unwrap(),
        policy: Policy::new(&settings).unwrap(),
        consumers: Consumers::new(&[]).unwrap(),
        fees: Fees::new(0),
        instance: INSTANCE,
    })
}

/// Adds a relay that the instance has leased.
async fn add(store: &Store, number: u8) -> OpenRelay {
    let relay = NewRelay {
        id: [number; 16],
        scope: Address::new_from_array([4; 32]),
        nullifier: Nullifier::new(FieldElement::from_u64(number.into())),
        wallet: wallet(),
        request_hash: [5; 32],
        idempotency_hash: None,
        request: vec![6; 41],
        expiry: i64::MAX,
        delay_seconds: 0,
        reserved: 1,
        has_deposit: true,
        instance: INSTANCE,
        lease_seconds: 600,
        record: None,
    };
    let limits = RelayLimits {
        budget: relay.scope,
        lamports_per_day: 100,
        min_balance: 0,
        max_open: 10,
        max_open_of_budget: None,
    };
    let added = store.add_relay(&relay, &limits).await.unwrap();
    assert_eq!(added, AddedRelay::Added);
    OpenRelay {
        lease: RelayLease::first(relay.id, INSTANCE),
        scope: relay.scope,
        nullifier: relay.nullifier,
        wallet: wallet(),
        request: relay.request,
        is_confirmed: false,
        expiry: relay.expiry,
        age_seconds: 0,
        attempt: None,
    }
}

fn panicking() -> Done {
    panic!("a test")
}

#[tokio::test]
async fn a_step_that_panics_releases_its_relay_and_leaves_the_others() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    store.open_relay_wallet(wallet(), 1_000, None).await.unwrap();
    let (_new, incoming) = mpsc::channel(1);
    let mut sender = Sender::new(shared(store), incoming);
    let mut leases = Vec::new();
    for number in 1..=2 {
        let relay = add(store, number).await;
        leases.push(relay.lease);
        sender
            .relays
            .insert(relay.lease, Tracked::new(relay, Vec::new(), Instant::now()));
    }
    sender.running.extend([Work::Heights, Work::Lease]);
    sender.step(Subject::Relay(leases[0]), async { panicking() });
    sender.step(Subject::Work(Work::Heights), async { panicking() });
    while let Some(joined) = sender.tasks.join_next_with_id().await {
        sender.joined(joined);
    }
    assert_eq!(sender.relays.keys().collect::<Vec<_>>(), [&leases[1]]);
    assert_eq!(sender.running, HashSet::from([Work::Lease]));
    assert!(sender.subjects.is_empty());

    // Another instance continues long before the end of the lease, and only the one relay.
    let taken = async {
        loop {
            let leased = store.lease_relays(OTHER_INSTANCE, &[wallet()], 60, 10).await;
            let leased = leased.unwrap();
            if !leased.is_empty() {
                return leased;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let taken = tokio::time::timeout(Duration::from_mins(1), taken).await.unwrap();
    let taken: Vec<_> = taken.iter().map(|relay| relay.lease.relay).collect();
    assert_eq!(taken, [leases[0].relay]);
    assert_eq!(store.renew_relays(&leases, 60).await.unwrap(), [leases[1]]);
}

#[tokio::test]
async fn upkeep_of_many_relays_lets_a_bounded_number_of_steps_run() {
    let database = TestDatabase::create().await.unwrap();
    let (_new, incoming) = mpsc::channel(1);
    let mut sender = Sender::new(shared(&database.store), incoming);
    let now = Instant::now();
    for number in 0..3 * MAX_STEPS {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let relay = OpenRelay {
            lease: RelayLease::first(id, INSTANCE),
            scope: Address::default(),
            nullifier: Nullifier::new(FieldElement::from_u64(1)),
            wallet: wallet(),
            request: Vec::new(),
            is_confirmed: false,
            expiry: i64::MAX,
            age_seconds: 0,
            attempt: None,
        };
        sender
            .relays
            .insert(relay.lease, Tracked::new(relay, Vec::new(), now));
    }
    sender.running.extend([Work::Heights, Work::Lease, Work::Renew]);
    let busy = |sender: &Sender| {
        let busy = sender.relays.iter().filter(|(_, tracked)| tracked.busy);
        busy.map(|(lease, _)| *lease).collect::<HashSet<_>>()
    };
    sender.upkeep();
    let first = busy(&sender);
    assert_eq!(first.len(), MAX_STEPS);
    sender.upkeep();
    assert_eq!(busy(&sender), first);
    // The steps have failed, so the relays that have waited longer are next.
    for lease in &first {
        sender.retry(*lease);
        if let Some(tracked) = sender.relays.get_mut(lease) {
            tracked.not_before = Instant::now();
        }
    }
    sender.upkeep();
    let next = busy(&sender);
    assert_eq!(next.len(), MAX_STEPS);
    assert!(next.is_disjoint(&first));
}
