//! Tests of the start and the end of a node.

use std::{collections::HashSet, fs};

use crate::support::{Node, funded, send, transfer};
use solana_address::Address;

#[test]
fn a_node_accepts_calls_when_it_prints_that_it_is_ready() {
    let node = Node::start(&[]);
    let client = node.client();
    client.get_health().unwrap();
    let version = client.get_version().unwrap();
    assert!(version.solana_core.starts_with("4.2."), "{}", version.solana_core);
}

#[test]
fn a_node_has_only_sockets_on_the_loopback_interface() {
    let node = Node::start(&[]);
    // Some usual calls, which may open sockets.
    let client = node.client();
    let payer = funded(&client);
    send(
        &client,
        &payer,
        &[transfer(&payer, &Address::new_unique(), 1_000_000)],
    );

    let sockets: HashSet<String> = fs::read_dir(format!("/proc/{}/fd", node.id()))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|target| {
            let target = target.to_str()?;
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut seen = 0;
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let Ok(lines) = fs::read_to_string(format!("/proc/{}/net/{table}", node.id())) else {
            continue; // the kernel has no IPv6
        };
        // Columns: number, local address, remote address, ..., inode. Addresses are in the byte
        // order of the CPU.
        for line in lines.lines().skip(1) {
            let columns: Vec<&str> = line.split_whitespace().collect();
            if sockets.contains(columns[9]) {
                seen += 1;
                let loopback = format!("{:08X}:", u32::from_ne_bytes([127, 0, 0, 1]));
                assert!(columns[1].starts_with(&loopback), "{table}: {line}");
            }
        }
    }
    assert!(seen >= 2, "the node must listen on two ports");
}

#[test]
fn a_signal_ends_the_node_with_success() {
    for name in ["TERM", "INT"] {
        let status = Node::start(&[]).signal(name);
        assert!(status.success(), "{name}: {status}");
    }
}

#[test]
fn a_node_ends_when_its_standard_input_closes() {
    let status = Node::start(&[]).close_input();
    assert!(status.success(), "{status}");
}

#[test]
fn with_block_production_by_transaction_each_transaction_has_its_own_block() {
    let node = Node::start(&["--block-production", "transaction", "--slot-time", "60000"]);
    let client = node.client();
    let payer = funded(&client);
    let before = client.get_slot().unwrap();
    send(
        &client,
        &payer,
        &[transfer(&payer, &Address::new_unique(), 1_000_000)],
    );
    assert!(client.get_slot().unwrap() > before);
}
