//! Bad input ends with a message that says what was wrong.

use std::{fs, net::TcpListener};

use tempfile::TempDir;

use crate::support::output;

const ADDRESS: &str = "Stake11111111111111111111111111111111111111";

/// Runs the node with arguments it must refuse.
#[track_caller]
fn refused(arguments: &[&str], said: &[&str]) {
    let run = output(arguments);
    assert!(!run.status.success(), "it took {arguments:?}");
    assert!(run.stdout.is_empty(), "it said that it was ready");
    let error = String::from_utf8(run.stderr).unwrap();
    for part in said {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[test]
fn a_taken_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    refused(
        &["--port", &port, "--ws-port", "0"],
        &[&port, "JSON-RPC", "--port"],
    );
    refused(
        &["--port", "0", "--ws-port", &port],
        &[&port, "websocket", "--ws-port"],
    );
}

#[test]
fn a_program_that_is_none() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("script"), "#!/bin/sh\n").unwrap();
    // An ELF for Solana by its header, and nothing more.
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(18, 0);
    header.extend(247u16.to_le_bytes());
    header.resize(64, 0);
    fs::write(path("header"), &header).unwrap();
    // One for x86-64: e_machine is the two bytes at offset 18.
    header[18..20].copy_from_slice(&62u16.to_le_bytes());
    fs::write(path("foreign"), header).unwrap();

    for (name, said) in [
        ("none", "can't read the ELF"),
        ("script", "doesn't begin as an ELF"),
        ("header", "the runtime refuses the ELF"),
        ("foreign", "its machine is 62"),
    ] {
        let program = format!("{ADDRESS}={}", path(name));
        refused(&["--port", "0", "--program", &program], &[said]);
    }
}

#[test]
fn a_bad_address() {
    refused(
        &["--program", "bauta=program.so"],
        &["\"bauta\" is not an address", "base58"],
    );
    refused(&["--program", "program.so"], &["ADDRESS=ELF"]);
    refused(
        &[
            "--program",
            &format!("{ADDRESS}=x.so"),
            "--upgrade-authority",
            "me",
        ],
        &["\"me\" is not an address"],
    );
    refused(&["--upgrade-authority", ADDRESS], &["--program"]);
    let twice = format!("{ADDRESS}={}", crate::support::elf());
    refused(
        &["--port", "0", "--program", &twice, "--program", &twice],
        &["twice"],
    );
}

#[test]
fn a_file_that_is_no_ledger() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "these are notes, and they must stay").unwrap();
    refused(
        &["--port", "0", "--ledger", text.to_str().unwrap()],
        &["notes.txt", "not a ledger"],
    );
    assert_eq!(
        fs::read_to_string(&text).unwrap(),
        "these are notes, and they must stay"
    );
    let nowhere = folder.path().join("none/ledger.sqlite");
    refused(
        &["--port", "0", "--ledger", nowhere.to_str().unwrap()],
        &["can't open the ledger"],
    );
}

#[test]
fn a_slot_time_of_zero() {
    refused(&["--slot-time", "0"], &["slot-time", "1..=60000"]);
}
