//! A secret is wiped from the memory of the process after the response.
//!
//! The test searches all writable memory of the process, except for the stacks of its threads.
//! Later calls overwrite the stacks.

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

/// A member that isn't in an example of the service's documentation.
const MEMBER: u64 = 11;

/// Size of the guard page before the stack of a thread.
const GUARD: u64 = 4096;

/// Searches the memory of a process, and describes each location of one of the byte strings.
fn find(process: &Running, wanted: &[Vec<u8>]) -> Vec<String> {
    let pid = i32::try_from(process.id()).unwrap();
    let maps = Process::new(pid).unwrap().maps().unwrap();
    let maps: Vec<_> = maps.into_iter().collect();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut locations = Vec::new();
    for (before, map) in maps.iter().zip(&maps[1..]) {
        let (start, end) = map.address;
        let is_stack = before.perms == MMPermissions::PRIVATE && before.address == (start - GUARD, start);
        let is_writable = map.perms.contains(MMPermissions::READ | MMPermissions::WRITE);
        if is_stack || !is_writable {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        // The mapping may have been removed meanwhile.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for wanted in wanted {
            let found = memchr::memmem::find(&bytes, wanted);
            let wanted = String::from_utf8_lossy(wanted);
            locations.extend(found.map(|at| format!("{wanted} in {:?} at {at:x}", map.pathname)));
        }
    }
    locations
}

#[tokio::test]
async fn after_a_proof_no_buffer_contains_the_secret() {
    let folder = folder();
    let service = start(&folder, &[]);
    assert!(
        !find(&service, &[KEY.as_bytes().to_vec()]).is_empty(),
        "the search works"
    );
    let client = reqwest::Client::new();
    for _ in 0..3 {
        let post = client
            .post(format!("http://{}/prove", service.address))
            // Closing the connection frees its read buffer.
            .header("connection", "close")
            .json(&request(MEMBER));
        assert_eq!(post.send().await.unwrap().status(), 200);
    }
    let wiped = async {
        // The connection is closed a moment after its client has the response.
        while !find(&service, &encodings(secret(MEMBER))).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), wiped).await;
    assert!(
        waited.is_ok(),
        "{}",
        find(&service, &encodings(secret(MEMBER))).join("\n")
    );
}
