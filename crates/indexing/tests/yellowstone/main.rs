//! Tests of the source with a Yellowstone gRPC stream, with a real gRPC server and a private
//! Postgres. `cargo xtask drill yellowstone` runs the drill with more rounds.

mod server;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::chain::{Answers, Instruction, ListedTransaction, Source, Transaction};
use bauta_indexing::stream::{StreamSettings, StreamedSource};
use bauta_indexing::testing::{TestChain, TestSource, named};
use bauta_indexing::{Follower, Indexer, RunSettings, Settings};
use bauta_store::Slot;
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use server::Server;

/// Waits until a condition holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(2), waited).await;
    assert!(waited.is_ok(), "{what} did not happen within 2 minutes");
}

/// Adds an instruction to the transactions of a chain that have none. In the form of the stream,
/// inner instructions belong to one.
fn complete(chain: &mut TestChain) {
    for transaction in &mut chain.transactions {
        if transaction.instructions.is_empty() {
            transaction.instructions.push(Instruction {
                program: bauta::ID,
                accounts: vec![named("payer"), named("registry")],
                data: vec![1, 2, 3],
            });
        }
    }
}

fn listed(transaction: &Transaction) -> ListedTransaction {
    ListedTransaction {
        slot: transaction.slot,
        signature: transaction.signature,
        succeeded: transaction.succeeded,
        is_refused_reuse: transaction.refused_reuse.is_some(),
    }
}

/// A server, and a source that receives from it.
struct Fixture {
    chain: TestChain,
    server: Server,
    source: Arc<StreamedSource<TestSource>>,
    wake_up: Arc<Notify>,
    receiving: JoinHandle<()>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

impl Fixture {
    async fn start() -> Self {
        let (registry, scope) = (named("registry"), named("scope"));
        let mut chain = TestChain::default();
        chain.initialize();
        chain.create(registry, bauta::state::RegistryKind::Holders);
        chain.open_scope(scope, registry);
        for mint in 0..6 {
            chain.wait(1);
            chain.register(registry, mint, mint / 2, 7).unwrap();
            chain.verify(scope, registry, 7);
        }
        chain.wait(1);
        complete(&mut chain);
        let server = Server::start().await;
        let source = Arc::new(StreamedSource::new(TestSource::new(&chain)));
        let wake_up = Arc::new(Notify::new());
        let settings = StreamSettings {
            url: server.url().to_owned(),
            token: Some("secret".into()),
        };
        let receiving = tokio::spawn(source.receive(settings, bauta::ID, Arc::clone(&wake_up)));
        let fixture = Self {
            chain,
            server,
            source,
            wake_up,
            receiving,
        };
        eventually("the subscription", || fixture.server.subscriptions() == 1).await;
        fixture
    }

    /// Announces transactions, and waits until all updates so far have arrived.
    async fn announce(&self, transactions: &[Transaction]) {
        for transaction in transactions {
            self.server.announce(transaction);
        }
        // Each update wakes the indexer. The last one is no transaction that a list contains.
        let mut last = transactions[0].clone();
        last.signature = [255; 64].into();
        last.slot = Slot::new(u64::MAX >> 1);
        self.server.announce(&last);
        let arrived = async {
            while self
                .source
                .fetch(&[listed(&last)])
                .await
                .map_or(true, |fetched| fetched.is_empty())
            {
                self.wake_up.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), arrived)
            .await
            .expect("the announcements do not arrive");
        self.source.inner().state().fetched = 0;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_transactions_are_not_requested_and_equal_those_of_a_node() {
    let fixture = Fixture::start().await;
    let request = &fixture.server.requests()[0];
    assert_eq!(
        request.transactions["program"].account_include,
        [bauta::ID.to_string()]
    );
    let transactions = &fixture.chain.transactions;
    fixture.announce(transactions).await;
    let entries: Vec<_> = transactions.iter().map(listed).collect();
    let streamed = fixture.source.fetch(&entries).await.unwrap();
    assert_eq!(fixture.source.inner().state().fetched, 0);
    let mut requested = fixture.source.inner().fetch(&entries).await.unwrap();
    // The stream has no block time, which only failed transactions need.
    for transaction in &mut requested {
        transaction.time = None;
    }
    requested.sort_by_key(|transaction| (transaction.slot, transaction.index));
    assert_eq!(streamed, requested);
    // Each is used once. A rollback reads them from a node.
    fixture.source.fetch(&entries).await.unwrap();
    assert_eq!(fixture.source.inner().state().fetched, 2 * entries.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_node_lists_as_streamed_is_requested_from_a_node() {
    let fixture = Fixture::start().await;
    let transactions = &fixture.chain.transactions[3..6];
    // In another slot, without its events, and as a transaction of another form.
    let mut changed = transactions.to_vec();
    changed[0].slot = Slot::new(1);
    changed[1].inner_instructions.clear();
    changed[2].instructions.clear();
    fixture.announce(&changed).await;
    fixture.server.ping();
    let entries: Vec<_> = transactions.iter().map(listed).collect();
    let mut fetched = fixture.source.fetch(&entries).await.unwrap();
    fetched.sort_by_key(|transaction| (transaction.slot, transaction.index));
    assert_eq!(fetched, transactions);
    assert_eq!(fixture.source.inner().state().fetched, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_contradiction_the_stream_is_not_used_for_some_time() {
    let fixture = Fixture::start().await;
    let transactions = &fixture.chain.transactions;
    fixture.announce(transactions).await;
    fixture.source.distrust(Answers::Transactions);
    let entries: Vec<_> = transactions.iter().map(listed).collect();
    fixture.source.fetch(&entries).await.unwrap();
    let state = fixture.source.inner().state();
    assert_eq!((state.fetched, state.distrusted), (entries.len(), 1));
}

/// The stream breaks, omits transactions and sends wrong ones, while the chain grows.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_loses_nothing() {
    let variable = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = variable("BAUTA_DRILL_ROUNDS").unwrap_or(30);
    let seed = variable("BAUTA_DRILL_SEED").unwrap_or_else(rand::random);
    println!("{rounds} rounds; BAUTA_DRILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let mut fixture = Fixture::start().await;
    let (registry, scope) = (named("registry"), named("scope"));
    let database = TestDatabase::create().await.unwrap();
    let follow = Settings {
        compare_interval: Duration::from_millis(100),
        ..Settings::new(bauta::ID)
    };
    let settings = RunSettings {
        follow: follow.clone(),
        poll_interval: Duration::from_millis(100),
        finality_interval: Duration::from_millis(100),
        reconcile_interval: None,
    };
    let (indexer, status) = Indexer::new(Arc::clone(&fixture.source), database.store.clone(), settings);
    let wake_up = indexer.wake_up();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    let (mut announced, mut breaks) = (0_usize, 0);
    for round in 0..rounds {
        let from = fixture.chain.transactions.len();
        // The slot of the head is complete.
        fixture.chain.wait(1);
        for number in 0..random.gen_range(1..5) {
            let mint = 1_000 + round * 10 + number;
            fixture.chain.register(registry, mint, mint % 40, 7).unwrap();
            fixture.chain.verify(scope, registry, 7);
        }
        fixture.chain.wait(1);
        complete(&mut fixture.chain);
        for transaction in &fixture.chain.transactions[from..] {
            let mut update = transaction.clone();
            match random.gen_range(0..10) {
                // It is omitted.
                0 => continue,
                1 => update.slot = Slot::new(update.slot.get() + 1),
                2 => update.inner_instructions.clear(),
                3 => update.signature = [random.r#gen(); 64].into(),
                _ => announced += 1,
            }
            fixture.server.announce(&update);
        }
        if random.gen_bool(0.3) {
            fixture.server.break_streams();
            breaks += 1;
        }
        if random.gen_bool(0.3) {
            tokio::time::sleep(Duration::from_millis(random.gen_range(0..300))).await;
        }
        fixture.source.inner().set_chain(&fixture.chain);
        wake_up.notify_one();
        let slot = fixture.chain.slot;
        eventually("the newest slot", || {
            status.borrow().checkpoint.is_some_and(|at| at.slot >= slot)
        })
        .await;
        assert_eq!(status.borrow().stop_reason, None);
    }
    if breaks > 0 {
        eventually("a second subscription", || fixture.server.subscriptions() > 1).await;
    }
    shutdown.cancel();
    running.await.unwrap();
    let requested = fixture.source.inner().state().fetched;
    let all = fixture.chain.transactions.len();
    println!("{all} transactions, {announced} announced, {breaks} breaks, {requested} requested from a node");
    assert!(requested < all, "the stream was not used");

    let expected = TestDatabase::create().await.unwrap();
    let source = Arc::new(TestSource::new(&fixture.chain));
    let mut follower = Follower::new(source, expected.store.clone(), follow);
    follower.step().await.unwrap();
    assert_eq!(
        rows_of_the_chain(database.pool()).await.unwrap(),
        rows_of_the_chain(expected.pool()).await.unwrap()
    );
}
