//! Tests that chains start, return their URLs, and end with their value. They need
//! `cargo xtask localnet`.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bauta_dev_servers::{
    Chain, ChainSettings, Error, Service, TestValidator, TestValidatorSettings, node_program,
};

const PROGRAM: &str = "BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2";
const AUTHORITY: &str = "Stake11111111111111111111111111111111111111";

fn elf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../programs/bauta/artifacts/bauta.v3.so")
}

fn listens(url: &str) -> bool {
    let (_, address) = url.split_once("://").unwrap();
    TcpStream::connect(address).is_ok()
}

#[test]
fn a_chain_accepts_connections_until_it_is_stopped() {
    let settings = ChainSettings {
        programs: vec![(PROGRAM.to_owned(), elf())],
        upgrade_authority: Some(AUTHORITY.to_owned()),
        ..ChainSettings::default()
    };
    let mut chain = Chain::start(&settings).unwrap();
    let (rpc, websocket) = (chain.rpc_url().to_owned(), chain.websocket_url().to_owned());
    assert!(listens(&rpc) && listens(&websocket));
    chain.check().unwrap();
    chain.stop();
    assert!(!listens(&rpc) && !listens(&websocket));
}

#[test]
fn the_error_of_a_chain_that_cannot_start_names_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = ChainSettings {
        port,
        ..ChainSettings::default()
    };
    let error = Chain::start(&settings).err().unwrap().to_string();
    assert!(error.contains(&format!("cannot use port {port}")), "{error}");
}

/// A script with the validator's command line that starts the local node instead. The validator is
/// not installed on every machine.
const FAKE_VALIDATOR: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in
        --rpc-port) port=$2; shift 2 ;;
        --upgradeable-program) program=$2=$3 authority=$4; shift 4 ;;
        --bind-address) [ "$2" = 127.0.0.1 ] || exit 1; shift 2 ;;
        --ledger | --faucet-port) shift 2 ;;
        --quiet | --reset) shift ;;
        *) echo "unexpected: $1"; exit 1 ;;
    esac
done
exec NODE --port "$port" --program "$program" --upgrade-authority "$authority"
"#;

#[test]
fn a_test_validator_runs_until_it_is_dropped() {
    let node = node_program().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fake_validator = folder.path().join("solana-test-validator");
    fs::write(
        &fake_validator,
        FAKE_VALIDATOR.replace("NODE", node.to_str().unwrap()),
    )
    .unwrap();
    fs::set_permissions(&fake_validator, fs::Permissions::from_mode(0o755)).unwrap();
    let validator = TestValidator::start(&TestValidatorSettings {
        validator: &fake_validator,
        port: 0,
        program: PROGRAM,
        elf: &elf(),
        upgrade_authority: AUTHORITY,
    })
    .unwrap();
    let (rpc, websocket) = (
        validator.rpc_url().to_owned(),
        validator.websocket_url().to_owned(),
    );
    assert!(listens(&rpc) && listens(&websocket));
    validator.check().unwrap();
    drop(validator);
    assert!(!listens(&rpc) && !listens(&websocket));
}

#[test]
fn a_service_whose_port_is_in_use_is_not_started() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = Service::start("sh", port, |_| std::process::Command::new("sh"))
        .err()
        .unwrap();
    assert!(matches!(error, Error::Port { .. }), "{error}");
}

#[test]
fn the_error_of_a_service_that_ends_at_once_contains_its_output() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#"echo "DATABASE_URL is $DATABASE_URL"; exit 1"#]);
    command.env("DATABASE_URL", "not set");
    let error = Service::start("sh", 0, |_| command).err().unwrap().to_string();
    assert!(error.contains("DATABASE_URL is not set"), "{error}");
}
