//! The state of a ceremony, which follows from its transcript: whose turn it is, until when, and
//! which file is the newest.

use anyhow::{Result, ensure};

use super::record::{Event, Init, Participant, Reason, Record, Statement, digest};

/// The state after the last record.
#[derive(Clone, Debug)]
pub struct State {
    pub init: Init,
    /// The SHA-256 of the first line.
    pub id: String,
    /// The SHA-256 of the last line.
    pub last_line: String,
    pub records: u64,
    /// The time of the last record.
    pub last_time: i64,
    /// The SHA-256 of each accepted key file, from the one before all contributions on.
    pub zkeys: Vec<String>,
    /// The participants who contributed, with the hash of the contribution, in order.
    pub contributed: Vec<(usize, String)>,
    /// The participants whose turn ended without a contribution.
    pub skipped: Vec<Skipped>,
    /// The next participant.
    pub turn: usize,
    /// The time at which the present turn began.
    pub turn_began: i64,
    pub beacon_source: Option<String>,
    /// The number of contributions when the beacon was announced.
    announced_after: usize,
    /// The value of the beacon and the SHA-256 of the last key file.
    pub beacon: Option<(String, String)>,
    /// The key. `None` before the end of the ceremony.
    pub finished: Option<FinishedKey>,
}

/// A turn that ended without a contribution.
#[derive(Clone, Debug)]
pub struct Skipped {
    pub participant: usize,
    pub reason: Reason,
    /// The number of contributions before the turn.
    pub after: usize,
}

/// The hashes of the key that the ceremony made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedKey {
    /// The SHA-256 of the key file.
    pub sha256: String,
    pub verifying_key_hash: String,
}

impl State {
    /// Follows the records of a transcript. Refuses one that breaks the rules of the ceremony.
    pub fn replay(text: &str) -> Result<Self> {
        let records = super::record::read(text)?;
        let mut lines = text.lines().map(|line| digest(line.as_bytes()));
        let mut records = records.into_iter();
        let (Some(first), Some(id)) = (records.next(), lines.next()) else {
            anyhow::bail!("the transcript is empty");
        };
        let Event::Init(init) = first.event else {
            anyhow::bail!("the transcript does not begin a ceremony");
        };
        let mut state = Self {
            zkeys: vec![init.zkey_sha256.clone()],
            init,
            last_line: id.clone(),
            id,
            records: 1,
            last_time: first.time,
            contributed: Vec::new(),
            skipped: Vec::new(),
            turn: 0,
            turn_began: first.time,
            beacon_source: None,
            announced_after: 0,
            beacon: None,
            finished: None,
        };
        for (record, line) in records.zip(lines) {
            state.apply(record)?;
            state.last_line = line;
        }
        Ok(state)
    }

    /// Follows the next record. Refuses one that breaks the rules of the ceremony.
    pub fn apply(&mut self, record: Record) -> Result<()> {
        let number = record.number;
        ensure!(
            record.time >= self.last_time,
            "record {number} of the transcript is older than the one before it"
        );
        (self.records, self.last_time) = (number + 1, record.time);
        ensure!(
            self.finished.is_none(),
            "record {number} of the transcript is after the end of the ceremony"
        );
        match record.event {
            Event::Init(_) => anyhow::bail!("record {number} begins the ceremony again"),
            Event::Contributed {
                participant,
                zkey_sha256,
                contribution_hash,
                signature,
            } => {
                self.check_turn(number, participant)?;
                self.check_signed(number, [&zkey_sha256, &contribution_hash, &signature])?;
                self.zkeys.push(zkey_sha256);
                self.contributed.push((participant, contribution_hash));
                self.next_turn(record.time);
            }
            Event::Skipped { participant, reason } => {
                self.check_turn(number, participant)?;
                match &reason {
                    Reason::Deadline => ensure!(
                        record.time > self.deadline(),
                        "record {number} of the transcript ends a turn before its deadline"
                    ),
                    Reason::Refused {
                        zkey_sha256,
                        contribution_hash,
                        signature,
                        ..
                    } => self.check_signed(number, [zkey_sha256, contribution_hash, signature])?,
                }
                self.skipped.push(Skipped {
                    participant,
                    reason,
                    after: self.contributed.len(),
                });
                self.next_turn(record.time);
            }
            Event::BeaconAnnounced { source } => {
                ensure!(
                    self.current().is_some() && self.beacon_source.is_none(),
                    "record {number} of the transcript announces a beacon again, or after the last turn"
                );
                self.beacon_source = Some(source);
                self.announced_after = self.contributed.len();
            }
            Event::Beacon { value, zkey_sha256 } => {
                ensure!(
                    self.current().is_none() && self.beacon_source.is_some() && self.beacon.is_none(),
                    "record {number} of the transcript applies a beacon before its time"
                );
                ensure!(
                    self.has_contribution_after_announcement(),
                    "record {number} of the transcript applies a beacon, but nobody contributed after its announcement"
                );
                self.beacon = Some((value, zkey_sha256));
            }
            Event::Finished {
                key_sha256,
                verifying_key_hash,
            } => {
                ensure!(
                    self.beacon.is_some(),
                    "record {number} of the transcript ends the ceremony without a beacon"
                );
                self.finished = Some(FinishedKey {
                    sha256: key_sha256,
                    verifying_key_hash,
                });
            }
        }
        Ok(())
    }

    /// Returns whether a participant contributed after the announcement of the beacon. The source of a
    /// beacon is public, so without a later contribution the coordinator could choose the beacon
    /// whose value suits them.
    pub fn has_contribution_after_announcement(&self) -> bool {
        self.beacon_source.is_some() && self.contributed.len() > self.announced_after
    }

    /// Refuses a record about a file to the newest key that the participant of the turn did not
    /// sign. `file` has the SHA-256, the hash of the contribution and the signature.
    fn check_signed(&self, number: u64, file: [&String; 3]) -> Result<()> {
        let address = self.current().map_or("", |current| current.address.as_str());
        let [zkey_sha256, contribution_hash, signature] = file.map(String::clone);
        let statement = Statement {
            ceremony: self.id.clone(),
            previous_zkey_sha256: self.newest().to_owned(),
            zkey_sha256,
            contribution_hash,
            signature,
        };
        ensure!(
            statement.is_signed_by(address),
            "record {number} of the transcript has no signature of the participant {address}"
        );
        Ok(())
    }

    fn check_turn(&self, number: u64, participant: usize) -> Result<()> {
        ensure!(
            self.current().is_some() && self.turn == participant,
            "record {number} of the transcript is not about the participant whose turn it is"
        );
        Ok(())
    }

    fn next_turn(&mut self, time: i64) {
        self.turn += 1;
        self.turn_began = time;
    }

    /// Returns the participant whose turn it is. `None` after the last turn.
    pub fn current(&self) -> Option<&Participant> {
        self.init.participants.get(self.turn)
    }

    /// Returns the last time of the present turn in Unix seconds.
    pub fn deadline(&self) -> i64 {
        let turn = i64::try_from(self.init.turn_seconds).unwrap_or(i64::MAX);
        self.turn_began.saturating_add(turn)
    }

    /// Returns the SHA-256 of the newest key file before the beacon.
    pub fn newest(&self) -> &str {
        // The list begins with the file of the first record.
        self.zkeys.last().map_or("", String::as_str)
    }

    /// Returns the name of the newest key file before the beacon.
    pub fn newest_name(&self) -> String {
        zkey_name(self.zkeys.len() - 1)
    }
}

/// Returns the name of the file of a participant that was refused.
pub fn refused_name(participant: usize) -> String {
    format!("refused/{participant:04}.zkey")
}

/// Returns the name of the key file after this number of contributions.
pub fn zkey_name(contributions: usize) -> String {
    format!("{contributions:04}.zkey")
}

#[cfg(test)]
mod tests {
    use solana_keypair::Keypair;
    use solana_signer::Signer;

    use super::*;

    fn init(coordinator: &Keypair, participants: &[&Keypair]) -> Event {
        Event::Init(Init {
            statement: "ownership".into(),
            depth: 10,
            coordinator: coordinator.pubkey().to_string(),
            turn_seconds: 100,
            r1cs_sha256: "r".into(),
            ptau_sha256: "p".into(),
            zkey_sha256: "z0".into(),
            participants: participants
                .iter()
                .map(|key| Participant {
                    name: "a name".into(),
                    address: key.pubkey().to_string(),
                })
                .collect(),
        })
    }

    /// Adds a record that the coordinator signs.
    fn add(text: &mut String, coordinator: &Keypair, time: i64, event: Event) {
        let record = Record {
            number: text.lines().count() as u64,
            previous: text
                .lines()
                .last()
                .map(|line| digest(line.as_bytes()))
                .unwrap_or_default(),
            time,
            event,
        };
        text.push_str(&record.line(coordinator).unwrap());
        text.push('\n');
    }

    fn contributed(text: &str, participant: usize, key: &Keypair, zkey: &str) -> Event {
        let state = State::replay(text).unwrap();
        let statement = Statement::sign(key, &state.id, state.newest(), zkey, "hash");
        Event::Contributed {
            participant,
            zkey_sha256: zkey.into(),
            contribution_hash: "hash".into(),
            signature: statement.signature,
        }
    }

    fn announced() -> Event {
        Event::BeaconAnnounced {
            source: "drand".into(),
        }
    }

    fn beacon() -> Event {
        Event::Beacon {
            value: "01".into(),
            zkey_sha256: "z9".into(),
        }
    }

    fn skipped(participant: usize, reason: Reason) -> Event {
        Event::Skipped { participant, reason }
    }

    /// Returns the refusal of a file that a participant signed.
    fn refused(text: &str, key: &Keypair, zkey: &str) -> Reason {
        let state = State::replay(text).unwrap();
        let statement = Statement::sign(key, &state.id, state.newest(), zkey, "hash");
        Reason::Refused {
            problem: "bad".into(),
            zkey_sha256: zkey.into(),
            contribution_hash: "hash".into(),
            signature: statement.signature,
        }
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", State::replay(text).unwrap_err())
    }

    #[test]
    fn turns_follow_the_order_and_a_turn_ends_at_its_deadline() {
        let (coordinator, first, second) = (Keypair::new(), Keypair::new(), Keypair::new());
        let mut text = String::new();
        add(
            &mut text,
            &coordinator,
            1_000,
            init(&coordinator, &[&first, &second]),
        );
        let mut early = text.clone();
        add(&mut early, &coordinator, 1_100, skipped(0, Reason::Deadline));
        assert!(refusal(&early).contains("before its deadline"));
        let mut wrong = text.clone();
        let event = contributed(&text, 1, &second, "z1");
        add(&mut wrong, &coordinator, 1_001, event);
        assert!(refusal(&wrong).contains("whose turn it is"));

        add(&mut text, &coordinator, 1_101, skipped(0, Reason::Deadline));
        let mut unsigned = text.clone();
        let event = contributed(&text, 1, &first, "z1");
        add(&mut unsigned, &coordinator, 1_110, event);
        assert!(refusal(&unsigned).contains("no signature of the participant"));
        let event = contributed(&text, 1, &second, "z1");
        add(&mut text, &coordinator, 1_110, event);
        let state = State::replay(&text).unwrap();
        assert_eq!(
            (state.newest(), state.newest_name().as_str()),
            ("z1", "0001.zkey")
        );
        assert!(state.current().is_none());
    }

    #[test]
    fn a_beacon_is_announced_before_the_last_contribution_and_applied_after_it() {
        let (coordinator, first) = (Keypair::new(), Keypair::new());
        let mut text = String::new();
        add(&mut text, &coordinator, 1, init(&coordinator, &[&first]));
        let mut late = text.clone();
        let event = contributed(&text, 0, &first, "z1");
        add(&mut late, &coordinator, 2, event);
        let mut without = late.clone();
        add(&mut late, &coordinator, 3, announced());
        assert!(refusal(&late).contains("after the last turn"));
        add(&mut without, &coordinator, 3, beacon());
        assert!(refusal(&without).contains("before its time"));

        add(&mut text, &coordinator, 2, announced());
        let mut early = text.clone();
        add(&mut early, &coordinator, 3, beacon());
        assert!(refusal(&early).contains("before its time"));
        let event = contributed(&text, 0, &first, "z1");
        add(&mut text, &coordinator, 3, event);
        add(&mut text, &coordinator, 4, beacon());
        assert!(State::replay(&text).unwrap().beacon.is_some());
    }

    #[test]
    fn a_ceremony_without_a_contribution_after_the_announcement_has_no_beacon() {
        let (coordinator, first, second) = (Keypair::new(), Keypair::new(), Keypair::new());
        let mut begun = String::new();
        add(
            &mut begun,
            &coordinator,
            1_000,
            init(&coordinator, &[&first, &second]),
        );
        // Nobody contributes.
        let mut text = begun.clone();
        add(&mut text, &coordinator, 1_000, announced());
        add(&mut text, &coordinator, 1_101, skipped(0, Reason::Deadline));
        add(&mut text, &coordinator, 1_202, skipped(1, Reason::Deadline));
        add(&mut text, &coordinator, 1_203, beacon());
        assert!(refusal(&text).contains("nobody contributed after"));

        // The only contribution is before the announcement.
        let mut text = begun;
        let event = contributed(&text, 0, &first, "z1");
        add(&mut text, &coordinator, 1_001, event);
        add(&mut text, &coordinator, 1_002, announced());
        let mut late = text.clone();
        add(&mut late, &coordinator, 1_103, skipped(1, Reason::Deadline));
        add(&mut late, &coordinator, 1_104, beacon());
        assert!(refusal(&late).contains("nobody contributed after"));
        let event = contributed(&text, 1, &second, "z2");
        add(&mut text, &coordinator, 1_003, event);
        add(&mut text, &coordinator, 1_004, beacon());
        assert!(State::replay(&text).unwrap().beacon.is_some());
    }

    #[test]
    fn only_a_file_to_the_newest_key_that_the_participant_signed_is_refused() {
        let (coordinator, first, second) = (Keypair::new(), Keypair::new(), Keypair::new());
        let mut text = String::new();
        add(
            &mut text,
            &coordinator,
            1_000,
            init(&coordinator, &[&first, &second]),
        );
        let old = refused(&text, &second, "z9");
        let mut censored = text.clone();
        let by_coordinator = refused(&text, &coordinator, "z9");
        add(&mut censored, &coordinator, 1_001, skipped(0, by_coordinator));
        assert!(refusal(&censored).contains("no signature of the participant"));
        let event = contributed(&text, 0, &first, "z1");
        add(&mut text, &coordinator, 1_001, event);
        let mut late = text.clone();
        add(&mut late, &coordinator, 1_002, skipped(1, old));
        assert!(refusal(&late).contains("no signature of the participant"));
        let wrong = refused(&text, &second, "z9");
        add(&mut text, &coordinator, 1_002, skipped(1, wrong));
        assert_eq!(State::replay(&text).unwrap().skipped[0].after, 1);
    }

    #[test]
    fn a_record_that_is_changed_left_out_or_signed_by_another_key_is_refused() {
        let (coordinator, first) = (Keypair::new(), Keypair::new());
        let mut text = String::new();
        add(&mut text, &coordinator, 1, init(&coordinator, &[&first]));
        add(
            &mut text,
            &coordinator,
            2,
            Event::BeaconAnnounced {
                source: "drand".into(),
            },
        );
        let refusal_of_first = refused(&text, &first, "z1");
        add(&mut text, &coordinator, 3, skipped(0, refusal_of_first.clone()));
        State::replay(&text).unwrap();
        assert!(refusal(&text.replace("drand", "dice!")).contains("not signed"));
        let lines: Vec<&str> = text.lines().collect();
        assert!(refusal(&[lines[0], lines[2]].join("\n")).contains("does not follow"));
        let mut other = [lines[0], ""].join("\n");
        add(&mut other, &first, 2, skipped(0, refusal_of_first));
        assert!(refusal(&other).contains("not signed"));
        assert!(refusal("").contains("empty"));
    }
}
