//! What a member sent is gone from the process's memory once it has its answer.
//!
//! All memory that the process can write is searched but the stacks of its threads: what lies there is overwritten by whatever is called next.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use procfs::process::{MMPermissions, Process};

use crate::{
    cache::{KEY, folder, start},
    common::{Running, request, secret},
    secrets::encodings,
};

/// A member that no example of the service's documentation has.
const MEMBER: u64 = 11;

/// What keeps a thread's stack apart from what lies before it.
const GUARD: u64 = 4096;

/// Where the process's memory has one of these.
fn find(process: &Running, wanted: &[Vec<u8>]) -> Vec<String> {
    let pid = i32::try_from(process.id()).unwrap();
    let maps = Process::new(pid).unwrap().maps().unwrap();
    let maps: Vec<_> = maps.into_iter().collect();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut places = Vec::new();
    for (before, map) in maps.iter().zip(&maps[1..]) {
        let (start, end) = map.address;
        let guarded = before.perms == MMPermissions::PRIVATE && before.address == (start - GUARD, start);
        let writable = map.perms.contains(MMPermissions::READ | MMPermissions::WRITE);
        if guarded || !writable {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        // A mapping may have gone since.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for wanted in wanted {
            let found = memchr::memmem::find(&bytes, wanted);
            let wanted = String::from_utf8_lossy(wanted);
            places.extend(found.map(|at| format!("{wanted} in {:?} at {at:x}", map.pathname)));
        }
    }
    places
}

#[tokio::test]
async fn a_secret_is_in_no_buffer_once_its_proof_is_made() {
    let folder = folder();
    let service = start(&folder, &[]);
    assert!(
        !find(&service, &[KEY.as_bytes().to_vec()]).is_empty(),
        "the search finds what is there"
    );
    let client = reqwest::Client::new();
    for _ in 0..3 {
        let answer = client
            .post(format!("http://{}/prove", service.address))
            // With the connection goes what was read from it.
            .header("connection", "close")
            .json(&request(MEMBER));
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
    let gone = async {
        // The connection is closed a moment after its client has the answer.
        while !find(&service, &encodings(secret(MEMBER))).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), gone).await;
    assert!(
        waited.is_ok(),
        "{}",
        find(&service, &encodings(secret(MEMBER))).join("\n")
    );
}
