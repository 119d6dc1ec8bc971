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
    /// The SHA-256 of each accepted key file, from the one before all contributions on.
    pub zkeys: Vec<String>,
    /// The participants who contributed, with the hash of the contribution, in order.
    pub contributed: Vec<(usize, String)>,
    /// The participants whose turn ended without a contribution.
    pub skipped: Vec<(usize, Reason)>,
    /// The next participant.
    pub turn: usize,
    /// The time at which the present turn began.
    pub turn_began: i64,
    pub beacon_source: Option<String>,
    /// The value of the beacon and the SHA-256 of the last key file.
    pub beacon: Option<(String, String)>,
    /// The SHA-256 of the key.
    pub key_sha256: Option<String>,
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
            contributed: Vec::new(),
            skipped: Vec::new(),
            turn: 0,
            turn_began: first.time,
            beacon_source: None,
            beacon: None,
            key_sha256: None,
        };
        for (record, line) in records.zip(lines) {
            state.apply(record)?;
            state.last_line = line;
        }
        Ok(state)
    }

    fn apply(&mut self, record: Record) -> Result<()> {
        let number = record.number;
        self.records = number + 1;
        ensure!(
            self.key_sha256.is_none(),
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
                let address = self.check_turn(number, participant)?.address.clone();
                let statement = Statement {
                    ceremony: self.id.clone(),
                    previous_zkey_sha256: self.newest().to_owned(),
                    zkey_sha256: zkey_sha256.clone(),
                    contribution_hash: contribution_hash.clone(),
                    signature,
                };
                ensure!(
                    statement.is_signed_by(&address),
                    "record {number} of the transcript has no signature of the participant {address}"
                );
                self.zkeys.push(zkey_sha256);
                self.contributed.push((participant, contribution_hash));
                self.next_turn(record.time);
            }
            Event::Skipped { participant, reason } => {
                self.check_turn(number, participant)?;
                ensure!(
                    reason != Reason::Deadline || record.time > self.deadline(),
                    "record {number} of the transcript ends a turn before its deadline"
                );
                self.skipped.push((participant, reason));
                self.next_turn(record.time);
            }
            Event::BeaconAnnounced { source } => {
                ensure!(
                    self.current().is_some() && self.beacon_source.is_none(),
                    "record {number} of the transcript announces a beacon again, or after the last turn"
                );
                self.beacon_source = Some(source);
            }
            Event::Beacon { value, zkey_sha256 } => {
                ensure!(
                    self.current().is_none() && self.beacon_source.is_some() && self.beacon.is_none(),
                    "record {number} of the transcript applies a beacon before its time"
                );
                self.beacon = Some((value, zkey_sha256));
            }
            Event::Finished { key_sha256, .. } => {
                ensure!(
                    self.beacon.is_some(),
                    "record {number} of the transcript ends the ceremony without a beacon"
                );
                self.key_sha256 = Some(key_sha256);
            }
        }
        Ok(())
    }

    fn check_turn(&self, number: u64, participant: usize) -> Result<&Participant> {
        match self.current() {
            Some(current) if self.turn == participant => Ok(current),
            _ => anyhow::bail!(
                "record {number} of the transcript is not about the participant whose turn it is"
            ),
        }
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

    fn skipped(participant: usize, reason: Reason) -> Event {
        Event::Skipped { participant, reason }
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
        let announced = || Event::BeaconAnnounced {
            source: "drand".into(),
        };
        let beacon = || Event::Beacon {
            value: "01".into(),
            zkey_sha256: "z2".into(),
        };
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
        add(
            &mut text,
            &coordinator,
            3,
            skipped(0, Reason::Refused("bad".into())),
        );
        State::replay(&text).unwrap();
        assert!(refusal(&text.replace("drand", "dice!")).contains("not signed"));
        let lines: Vec<&str> = text.lines().collect();
        assert!(refusal(&[lines[0], lines[2]].join("\n")).contains("does not follow"));
        let mut other = [lines[0], ""].join("\n");
        add(&mut other, &first, 2, skipped(0, Reason::Refused("bad".into())));
        assert!(refusal(&other).contains("not signed"));
        assert!(refusal("").contains("empty"));
    }
}
