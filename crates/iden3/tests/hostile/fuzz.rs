//! Tests that randomly damaged files never cause a panic.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic_and_never_read_as_the_same_key(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4),
        length in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        for (good, read, ..) in formats() {
            let mut bytes = good.to_vec();
            for (position, change) in &changes {
                *position.get_mut(&mut bytes) ^= change;
            }
            if let Some(length) = &length {
                bytes.truncate(length.index(bytes.len()));
            }
            // The file may still be readable, for example as another witness. Reading it must not
            // panic.
            drop(read(&bytes));
            if bytes != good && let Ok(key) = ZKey::from_bytes(&bytes) {
                prop_assert_ne!(key, ZKey::from_bytes(&ZKEY).expect("a good key"));
            }
        }
    }

    #[test]
    fn changed_sections_never_panic(
        which in any::<prop::sample::Index>(),
        position in any::<prop::sample::Index>(),
        replacement in prop::collection::vec(any::<u8>(), 0..40),
        cut in any::<bool>(),
    ) {
        for (good, read, ..) in formats() {
            let mut container = Container::parse(good);
            let content = &mut which.get_mut(&mut container.sections).1;
            let start = position.index(content.len());
            let end = if cut { content.len() } else { (start + replacement.len()).min(content.len()) };
            content.splice(start..end, replacement.clone());
            drop(read(&container.bytes()));
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (good, read, ..) in formats() {
            drop(read(&bytes));
            drop(read(&[&good[..12], &bytes[..]].concat()));
        }
    }

    #[test]
    fn writing_and_reading_systems_and_witnesses_gives_the_same_values(steps in 1_u32..40, seed in any::<u64>()) {
        let (system, z) = (chain(steps), chain_witness(steps, seed));
        prop_assert_eq!(system.is_satisfied(&z), Ok(()));
        let read = R1cs::from_bytes(&system.to_bytes().expect("a valid system")).expect("just written");
        prop_assert_eq!(read.hash(), system.hash());
        prop_assert_eq!(read, system);
        let witness = Witness::new(z);
        let bytes = witness.to_bytes().expect("few values");
        prop_assert_eq!(Witness::from_bytes(&bytes).expect("just written"), witness);
    }
}
