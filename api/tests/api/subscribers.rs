//! Many subscribers of one event stream: each gets each event once, in order, across a fork, and the
//! memory is bounded. `cargo xtask drill subscribers` runs the test with 10,000.

use std::{env, fs, time::Duration};

use bauta_store::{RegistryKind, ScopeMode, Slot};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::common::{Chain, Running, address};

const REQUEST: &[u8] =
    b"GET /v1/events?commitment=confirmed&types=OwnershipVerified HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// Number of subscribers without the variable of the drill.
const FEW: usize = 50;
/// Largest memory of a subscriber in KiB.
const KIB_EACH: u64 = 32;
/// Largest memory in KiB for everything else that a fork and further events need.
const KIB_ONCE: u64 = 64 << 10;

/// Time limit of each wait for something to arrive.
const WAIT: Duration = Duration::from_mins(5);

/// A connection with what it has received.
struct Subscriber {
    socket: TcpStream,
    received: String,
}

impl Subscriber {
    async fn open(service: &Running) -> Self {
        let mut socket = TcpStream::connect(service.address).await.unwrap();
        socket.write_all(REQUEST).await.unwrap();
        let mut subscriber = Self {
            socket,
            received: String::new(),
        };
        // The stream begins with a resume token.
        subscriber.read_until("id: ").await;
        subscriber
    }

    async fn read_until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.received.contains(text) {
            let read = tokio::time::timeout(WAIT, self.socket.read(&mut buffer));
            let read = read.await.unwrap().unwrap();
            assert_ne!(read, 0, "the stream has ended: {}", self.received);
            self.received += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    }

    /// Returns the positions of the events, and `reverted` for a rollback.
    fn received(&self) -> Vec<&str> {
        self.received
            .lines()
            .filter_map(|line| {
                if line == "event: reverted" {
                    return Some("reverted");
                }
                let (_, rest) = line.split_once("\"position\":\"")?;
                rest.split('"').next()
            })
            .collect()
    }
}

/// Returns the memory of the service in KiB.
fn memory(service: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let size = line.unwrap().split_whitespace().nth(1);
    size.unwrap().parse().unwrap()
}

#[tokio::test]
async fn many_subscribers_get_each_event_once_in_order_across_a_fork_within_a_bounded_memory() {
    let count = env::var("BAUTA_DRILL_SUBSCRIBERS").map_or(FEW, |count| count.parse().unwrap());
    let (registry, scope) = (address("registry"), address("scope"));
    let mut chain = Chain::new().await;
    chain.create(registry, RegistryKind::Managed);
    chain.append(registry, 1);
    chain.scope(scope, registry, ScopeMode::Live);
    chain.apply().await;
    // A quarter is kept for clients with a ticket.
    let (streams, connections) = ((count * 2).to_string(), (count + 100).to_string());
    let settings = [
        ("EVENT_STREAMS", streams.as_str()),
        ("EVENT_STREAMS_PER_CLIENT", streams.as_str()),
        ("MAX_CONNECTIONS", connections.as_str()),
        ("MAX_CONNECTIONS_PER_ADDRESS", connections.as_str()),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "0"),
    ];
    let service = Running::start(&chain.database, &settings);
    let before = memory(&service);
    let mut subscribers = Vec::new();
    for _ in 0..count {
        subscribers.push(Subscriber::open(&service).await);
    }
    for _ in 0..2 {
        chain.verify(scope, registry, 7);
        chain.apply().await;
    }
    for subscriber in &mut subscribers {
        subscriber.read_until("\"103.0.0.0\"").await;
    }
    chain.database.store.roll_back_to(Slot::new(102)).await.unwrap();
    chain.slot = 103;
    for _ in 0..2 {
        chain.verify(scope, registry, 7);
    }
    chain.apply().await;
    for subscriber in &mut subscribers {
        subscriber.read_until("\"103.1.0.0\"").await;
        assert_eq!(
            subscriber.received(),
            ["102.0.0.0", "103.0.0.0", "reverted", "103.0.0.0", "103.1.0.0"]
        );
    }
    let used = memory(&service).saturating_sub(before);
    println!(
        "{count} subscribers: {used} KiB, {} KiB each",
        used / count as u64
    );
    assert!(used <= KIB_ONCE + KIB_EACH * count as u64, "{used} KiB");
}
