//! Tests the files of prepared tables beside the key.

use std::{fs, path::PathBuf, sync::Barrier, thread};

use crate::common::{Case, Values, products, rng};
use bauta_iden3::ZKey;
use bauta_prover::{BackEnd, Engine, Options, ProverError, Refusal, TableSource, Witness};

fn on_disk(case: &Case, directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("circuit.zkey");
    fs::write(&path, case.key.to_bytes().unwrap()).unwrap();
    path
}

fn tables(key: &std::path::Path) -> PathBuf {
    key.with_extension("zkey.tables")
}

#[test]
fn the_second_start_loads_the_file_and_makes_the_same_proofs() {
    for back_end in BackEnd::ALL {
        let case = products(100, 2, 3, Values::Random, 1);
        let directory = tempfile::tempdir().unwrap();
        let key = on_disk(&case, &directory);
        let options = Options {
            back_end: Some(back_end),
            ..Options::default()
        };
        let Ok((first, source)) = Engine::open(&key, options) else {
            continue;
        };
        assert!(matches!(source, TableSource::Computed(Ok(()))));
        let (second, source) = Engine::open(&key, options).unwrap();
        assert!(matches!(source, TableSource::File));
        assert_eq!(second.back_end(), back_end);
        let proofs = [first, second].map(|engine| {
            engine
                .prove(&Witness::new(case.wires.clone()), &mut rng(1))
                .unwrap()
        });
        assert_eq!(proofs[0], proofs[1]);
        assert!(case.ark_verifies(&proofs[1]));
        // The folder contains only the key and its tables.
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}

#[test]
fn the_tables_of_a_small_circuit_are_loaded_from_their_file() {
    let case = products(3, 1, 2, Values::Random, 1);
    let directory = tempfile::tempdir().unwrap();
    let key = on_disk(&case, &directory);
    Engine::open(&key, Options::default()).unwrap();
    let (engine, source) = Engine::open(&key, Options::default()).unwrap();
    assert!(matches!(source, TableSource::File));
    assert_eq!(engine.back_end(), BackEnd::Portable);
}

#[test]
fn tables_of_a_back_end_that_is_not_the_fastest_are_replaced() {
    let case = products(100, 1, 2, Values::Random, 1);
    let directory = tempfile::tempdir().unwrap();
    let key = on_disk(&case, &directory);
    let portable = Options {
        back_end: Some(BackEnd::Portable),
        ..Options::default()
    };
    Engine::open(&key, portable).unwrap();
    let fastest = Engine::prepare(&case.key).unwrap().back_end();
    let (engine, source) = Engine::open(&key, Options::default()).unwrap();
    assert_eq!(engine.back_end(), fastest);
    let is_replaced = matches!(source, TableSource::Recomputed(Refusal::OtherOptions, Ok(())));
    assert_eq!(is_replaced, fastest != BackEnd::Portable);
}

#[test]
fn damaged_files_are_refused_and_replaced() {
    let case = products(20, 1, 3, Values::Random, 2);
    let directory = tempfile::tempdir().unwrap();
    let key = on_disk(&case, &directory);
    let (engine, _) = Engine::open(&key, Options::default()).unwrap();
    let good = fs::read(tables(&key)).unwrap();
    let proof = engine
        .prove(&Witness::new(case.wires.clone()), &mut rng(1))
        .unwrap();

    let flipped = |position: usize| {
        let mut bytes = good.clone();
        bytes[position] ^= 1;
        bytes
    };
    let damages = [
        (flipped(0), Refusal::Format),
        (flipped(16), Refusal::Format),
        (flipped(30), Refusal::OtherOptions),
        (flipped(60), Refusal::OtherKey),
        (flipped(100), Refusal::Damaged),
        (flipped(192), Refusal::Damaged),
        (flipped(good.len() - 1), Refusal::Damaged),
        (good[..good.len() - 64].to_vec(), Refusal::Damaged),
        (good[..100].to_vec(), Refusal::Format),
        ([&good[..], &[0; 64]].concat(), Refusal::Damaged),
        (Vec::new(), Refusal::Format),
    ];
    for (bytes, expected) in damages {
        drop(fs::remove_file(tables(&key)));
        fs::write(tables(&key), bytes).unwrap();
        let (engine, source) = Engine::open(&key, Options::default()).unwrap();
        match source {
            TableSource::Recomputed(refusal, Ok(())) => assert_eq!(refusal, expected),
            // An empty file cannot be mapped.
            TableSource::Computed(Ok(())) => assert_eq!(expected, Refusal::Format),
            other => panic!("{other:?} instead of {expected:?}"),
        }
        assert_eq!(fs::read(tables(&key)).unwrap(), good);
        assert_eq!(
            engine
                .prove(&Witness::new(case.wires.clone()), &mut rng(1))
                .unwrap(),
            proof
        );
    }
}

#[test]
fn tables_of_another_key_or_budget_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let case = products(20, 1, 3, Values::Random, 2);
    let key = on_disk(&case, &directory);
    Engine::open(&key, Options::default()).unwrap();
    let options = Options {
        table_budget: 20_000_000,
        ..Options::default()
    };
    let (_, source) = Engine::open(&key, options).unwrap();
    assert!(matches!(
        source,
        TableSource::Recomputed(Refusal::OtherOptions, Ok(()))
    ));

    let other: ZKey = products(20, 1, 3, Values::Random, 3).key;
    fs::write(&key, other.to_bytes().unwrap()).unwrap();
    let (_, source) = Engine::open(&key, options).unwrap();
    assert!(matches!(
        source,
        TableSource::Recomputed(Refusal::OtherKey, Ok(()))
    ));
}

#[test]
fn an_engine_opens_even_if_its_tables_cannot_be_saved() {
    let directory = tempfile::tempdir().unwrap();
    let case = products(20, 1, 3, Values::Random, 2);
    let key = on_disk(&case, &directory);
    fs::create_dir(tables(&key)).unwrap();
    let (engine, source) = Engine::open(&key, Options::default()).unwrap();
    assert!(matches!(source, TableSource::Computed(Err(_))));
    let proof = engine
        .prove(&Witness::new(case.wires.clone()), &mut rng(1))
        .unwrap();
    assert!(case.ark_verifies(&proof));
}

/// Starts several engines at the same time. All have the same process id, as processes in
/// containers that share a folder can have.
#[test]
fn simultaneous_starts_do_not_overwrite_each_others_tables() {
    const STARTS: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let case = products(2_000, 2, 3, Values::Random, 1);
    let key = on_disk(&case, &directory);
    let together = Barrier::new(STARTS);
    thread::scope(|scope| {
        for _ in 0..STARTS {
            scope.spawn(|| {
                together.wait();
                let (_, source) = Engine::open(&key, Options::default()).unwrap();
                assert!(
                    matches!(source, TableSource::Computed(Ok(())) | TableSource::File),
                    "{source:?}"
                );
            });
        }
    });
    let (_, source) = Engine::open(&key, Options::default()).unwrap();
    assert!(matches!(source, TableSource::File));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn missing_and_invalid_key_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("circuit.zkey");
    assert!(matches!(
        Engine::open(&path, Options::default()),
        Err(ProverError::Read(..))
    ));
    fs::write(&path, b"not a key").unwrap();
    assert!(matches!(
        Engine::open(&path, Options::default()),
        Err(ProverError::Key(_))
    ));
}
