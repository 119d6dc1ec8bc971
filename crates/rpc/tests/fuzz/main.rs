//! No answer of a node crashes the client, blocks it or makes it lose a transaction.
//!
//! A local socket plays the node. It returns answers as nodes send them (`answers/`), in which
//! values have been replaced, removed or repeated at random. This is the short form of the drill
//! `cargo xtask drill fuzz`, which sets `BAUTA_FUZZ_SECONDS` and `BAUTA_FUZZ_SEED`.

mod mutation;

use std::env;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bauta_rpc::{CommitmentLevel, Options, Page, Rpc, RpcError};
use serde_json::Value;
use solana_address::Address;
use solana_signature::Signature;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use mutation::{Random, mutate};

const ANSWERS: [&str; 5] = [
    include_str!("answers/getTransaction.json"),
    include_str!("answers/getSignaturesForAddress.json"),
    include_str!("answers/getSignatureStatuses.json"),
    include_str!("answers/getBlock.json"),
    include_str!("answers/getProgramAccounts.json"),
];
/// The number of answers without `BAUTA_FUZZ_SECONDS`.
const ROUNDS: usize = 5_000;
const SEED: u64 = 0x6261_7574_6121;

/// Starts a node that answers every request with the present body.
async fn node(body: Arc<Mutex<String>>) -> Rpc {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let body = Arc::clone(&body);
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let body = body.lock().unwrap().clone();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    let response = [head.as_bytes(), body.as_bytes()].concat();
                    if stream.write_all(&response).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let options = Options {
        timeout: Duration::from_secs(5),
        ..Options::default()
    };
    Rpc::with_options(&url, options).unwrap()
}

/// What a reader learns from an answer: for each transaction its signature, its slot and the data
/// of its inner instructions.
type Learned = Vec<(Signature, u64, Option<Vec<Vec<u8>>>)>;

/// Requests the answer with this index and returns what it says.
async fn request(rpc: &Rpc, index: usize) -> Result<Learned, RpcError> {
    let level = CommitmentLevel::Confirmed;
    let (signature, address) = (Signature::from([201; 64]), Address::default());
    Ok(match index {
        0 => {
            let transaction = rpc.transaction(&signature, level).await?;
            let data = |inner: Vec<bauta_rpc::InnerInstruction>| {
                inner.into_iter().map(|inner| inner.instruction.data).collect()
            };
            transaction
                .into_iter()
                .map(|found| (found.signature, found.slot, found.inner_instructions.map(data)))
                .collect()
        }
        1 => {
            let listed = rpc.signatures_for(&address, &Page::default(), level).await?;
            listed
                .iter()
                .map(|entry| (entry.signature, entry.slot, None))
                .collect()
        }
        2 => {
            let statuses = rpc.statuses(&[signature], true).await?;
            statuses
                .into_iter()
                .flatten()
                .map(|status| (signature, status.slot, None))
                .collect()
        }
        3 => {
            let block = rpc.block(7, level).await?;
            let signatures = block.into_iter().flat_map(|block| block.signatures);
            signatures.map(|signature| (signature, 7, None)).collect()
        }
        _ => {
            rpc.program_accounts(&address, &[], level).await?;
            Vec::new()
        }
    })
}

/// Returns whether the value at a path decides what a reader learns. An answer and its `result` or
/// `error` as a whole do.
fn is_essential(path: &[String]) -> bool {
    const ESSENTIAL: [&str; 7] = [
        "innerInstructions",
        "message",
        "loadedAddresses",
        "signatures",
        "signature",
        "slot",
        "value",
    ];
    path.len() <= 2 || path.iter().any(|key| ESSENTIAL.contains(&key.as_str()))
}

#[tokio::test]
async fn no_answer_of_a_node_crashes_or_blocks_the_client_or_hides_a_transaction() {
    let seconds = env::var("BAUTA_FUZZ_SECONDS")
        .ok()
        .map(|text| text.parse().unwrap());
    let limit = seconds.map(Duration::from_secs);
    let chosen = env::var("BAUTA_FUZZ_SEED").ok().map(|text| text.parse().unwrap());
    // A long run without a chosen seed is different each time.
    let seed = chosen.unwrap_or_else(|| limit.map_or(SEED, |_| u64::from(std::process::id())));
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let body = Arc::new(Mutex::new(String::new()));
    let rpc = node(Arc::clone(&body)).await;
    let mut originals = Vec::new();
    for (index, answer) in ANSWERS.iter().enumerate() {
        *body.lock().unwrap() = (*answer).to_owned();
        originals.push(request(&rpc, index).await.unwrap());
    }
    let (start, mut rounds, mut understood) = (Instant::now(), 0_usize, 0_usize);
    while limit.map_or(rounds < ROUNDS, |limit| start.elapsed() < limit) {
        rounds += 1;
        let index = random.below(ANSWERS.len());
        let mut json: Value = serde_json::from_str(ANSWERS[index]).unwrap();
        let mut paths = Vec::new();
        for _ in 0..=random.below(3) {
            paths.push(mutate(&mut json, &mut random));
        }
        let text = json.to_string();
        body.lock().unwrap().clone_from(&text);
        let Ok(learned) = request(&rpc, index).await else {
            continue;
        };
        understood += 1;
        if !paths.iter().any(|path| is_essential(path)) {
            assert_eq!(learned, originals[index], "{paths:?}: {text}");
        }
    }
    // The test proves nothing if every answer is refused.
    assert!(understood > rounds / 20, "{understood} of {rounds}");
}
