//! Random changes of a JSON value.

use serde_json::{Value, json};

/// A small random number generator (xorshift64*), so that a seed gives the same answers everywhere.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit.max(1)
    }
}

/// Returns a value that a node can send and that is unlikely to be expected.
fn strange(random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Null,
        1 => true.into(),
        2 => 0.into(),
        3 => (-1).into(),
        4 => u64::MAX.into(),
        5 => json!(1.5),
        6 => "".into(),
        7 => "x".repeat(random.below(3_000)).into(),
        8 => "Stake11111111111111111111111111111111111111".into(),
        9 => json!([]),
        10 => json!({}),
        11 => json!({ "InstructionError": [random.below(300), { "AnErrorOfTheFuture": "x" }] }),
        12 => (0..random.below(300)).fold(Value::Null, |inner, _| json!([inner])),
        _ => json!({ "a key of the future": [1, { "Custom": 7 }] }),
    }
}

/// Replaces, removes or repeats one value. Returns the path to it.
pub fn mutate(json: &mut Value, random: &mut Random) -> Vec<String> {
    let mut path = Vec::new();
    let mut place = json;
    loop {
        let stops = path.len() > 1 && random.below(3) == 0;
        let is_empty = match &*place {
            Value::Object(entries) => entries.is_empty(),
            Value::Array(elements) => elements.is_empty(),
            _ => true,
        };
        if is_empty || stops {
            *place = strange(random);
            return path;
        }
        match place {
            Value::Object(entries) => {
                let key = entries.keys().nth(random.below(entries.len())).unwrap().clone();
                path.push(key.clone());
                if random.below(8) == 0 {
                    entries.remove(&key);
                    return path;
                }
                place = entries.get_mut(&key).unwrap();
            }
            Value::Array(elements) => {
                let index = random.below(elements.len());
                path.push(index.to_string());
                match random.below(12) {
                    0 => {
                        elements.remove(index);
                        path.push("signature".into());
                        return path;
                    }
                    1 => {
                        let repeated = elements[index].clone();
                        elements.push(repeated);
                        path.push("signature".into());
                        return path;
                    }
                    _ => place = &mut elements[index],
                }
            }
            _ => unreachable!("a value without children was replaced"),
        }
    }
}
