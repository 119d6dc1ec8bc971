//! Tests that invalid input is refused with a message that names the reason.

use std::{fs, net::TcpListener};

use tempfile::TempDir;

use crate::support::output;

const ADDRESS: &str = "Stake11111111111111111111111111111111111111";

/// Runs the node with invalid arguments, and checks that the error contains the expected texts.
#[track_caller]
fn assert_refused(arguments: &[&str], expected: &[&str]) {
    let run = output(arguments);
    assert!(!run.status.success(), "the node accepted {arguments:?}");
    assert!(run.stdout.is_empty(), "the node printed that it is ready");
    let error = String::from_utf8(run.stderr).unwrap();
    for text in expected {
        assert!(error.contains(text), "{text:?} is not in: {error}");
    }
}

#[test]
fn a_port_in_use_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    assert_refused(
        &["--port", &port, "--ws-port", "0"],
        &[&port, "JSON-RPC", "--port"],
    );
    assert_refused(
        &["--port", "0", "--ws-port", &port],
        &[&port, "websocket", "--ws-port"],
    );
}

#[test]
fn a_file_that_is_not_a_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("script"), "#!/bin/sh\n").unwrap();
    // A file that consists only of the ELF header of a Solana program.
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(18, 0);
    header.extend(247u16.to_le_bytes());
    header.resize(64, 0);
    fs::write(path("header"), &header).unwrap();
    // An ELF for x86-64. e_machine is the two bytes at offset 18.
    header[18..20].copy_from_slice(&62u16.to_le_bytes());
    fs::write(path("foreign"), header).unwrap();

    for (name, expected) in [
        ("none", "cannot read the ELF"),
        ("script", "does not begin with the magic number"),
        ("header", "the runtime refused the ELF"),
        ("foreign", "its machine is 62"),
    ] {
        let program = format!("{ADDRESS}={}", path(name));
        assert_refused(&["--port", "0", "--program", &program], &[expected]);
    }
}

#[test]
fn an_invalid_address_is_refused() {
    assert_refused(
        &["--program", "bauta=program.so"],
        &["\"bauta\" is not an address", "base58"],
    );
    assert_refused(&["--program", "program.so"], &["ADDRESS=ELF"]);
    assert_refused(
        &[
            "--program",
            &format!("{ADDRESS}=x.so"),
            "--upgrade-authority",
            "me",
        ],
        &["\"me\" is not an address"],
    );
    assert_refused(&["--upgrade-authority", ADDRESS], &["--program"]);
    let twice = format!("{ADDRESS}={}", crate::support::elf());
    assert_refused(
        &["--port", "0", "--program", &twice, "--program", &twice],
        &["twice"],
    );
}

#[test]
fn a_file_that_is_not_a_ledger_is_refused_and_unchanged() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "notes that must not be overwritten").unwrap();
    assert_refused(
        &["--port", "0", "--ledger", text.to_str().unwrap()],
        &["notes.txt", "not a ledger"],
    );
    assert_eq!(
        fs::read_to_string(&text).unwrap(),
        "notes that must not be overwritten"
    );
    let missing_folder = folder.path().join("none/ledger.sqlite");
    assert_refused(
        &["--port", "0", "--ledger", missing_folder.to_str().unwrap()],
        &["cannot open the ledger"],
    );
}

#[test]
fn a_slot_time_of_zero_is_refused() {
    assert_refused(&["--slot-time", "0"], &["slot-time", "1..=60000"]);
}
