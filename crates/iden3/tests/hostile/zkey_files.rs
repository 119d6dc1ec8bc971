//! Tests hostile `.zkey` files.

use super::*;

// Positions in section 2.
const N_PUBLIC: usize = 76;
const DOMAIN: usize = 80;
const ALPHA_G1: usize = 84;
const GAMMA_G2: usize = ALPHA_G1 + 64 + 64 + 128;

#[test]
fn a_zkey_with_a_wrong_header_is_refused() {
    assert_refused!(
        zkey(|file| file.put(1, 0, &[2])),
        Error::ProofSystem { found: 2, .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, 4, &modulus_bytes::<Fr>())),
        Error::Modulus {
            modulus: Modulus::Q,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(2, 40, &modulus_bytes::<Fq>())),
        Error::Modulus {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[9])),
        Error::Count { found: 9, .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[0xff; 4])),
        Error::Count { .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC, &[1])),
        Error::SectionSize { .. }
    );
    assert_refused!(
        zkey(|file| file.put(2, N_PUBLIC - 4, &[0xff; 4])),
        Error::SectionSize { .. }
    );
    for domain in [0, 1, 3, 1 << 28, u32::MAX] {
        let error = zkey(|file| file.put(2, DOMAIN, &domain.to_le_bytes()));
        assert_refused!(error, Error::Count { found, .. } if found == u64::from(domain));
    }
    assert_refused!(
        zkey(|file| file.put(2, DOMAIN, &[0, 0, 0, 8])),
        Error::SectionSize { .. }
    );
}

#[test]
fn points_off_the_curve_outside_the_subgroup_at_infinity_or_not_below_q_are_refused() {
    let q = modulus_bytes::<Fq>();
    let outside = g2_bytes(&outside_the_subgroup());
    // These are alpha, beta and delta in G1, and then the lists.
    let delta_g1 = GAMMA_G2 + 128;
    for (section, at) in [
        (2, ALPHA_G1),
        (2, ALPHA_G1 + 64),
        (2, delta_g1),
        (3, 64),
        (5, 64),
        (6, 192),
        (8, 0),
        (9, 64),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at, &q)),
            Error::NotCanonical {
                modulus: Modulus::Q,
                ..
            }
        );
        assert_refused!(
            zkey(|file| file.put(section, at + 32, &q)),
            Error::NotCanonical { .. }
        );
        assert_refused!(
            zkey(|file| file.section(section)[at] ^= 1),
            Error::NotOnCurve { .. }
        );
    }
    // These are beta, gamma and delta in G2, B in G2, and the g2_spx of a contribution.
    for (section, at) in [
        (2, ALPHA_G1 + 128),
        (2, GAMMA_G2),
        (2, delta_g1 + 64),
        (7, 256),
        (10, 68 + 192),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at + 96, &q)),
            Error::NotCanonical { .. }
        );
        assert_refused!(
            zkey(|file| file.section(section)[at] ^= 1),
            Error::NotOnCurve { .. }
        );
        assert_refused!(
            zkey(|file| file.put(section, at, &outside)),
            Error::NotInSubgroup { .. }
        );
    }
    for (section, at, size) in [
        (2, ALPHA_G1, 64),
        (2, ALPHA_G1 + 64, 64),
        (2, ALPHA_G1 + 128, 128),
        (2, GAMMA_G2, 128),
        (2, delta_g1, 64),
        (2, delta_g1 + 64, 128),
        (3, 0, 64),
        (9, 0, 64),
        (10, 68, 64),
        (10, 68 + 192, 128),
    ] {
        assert_refused!(
            zkey(|file| file.put(section, at, &vec![0; size])),
            Error::Infinity { .. }
        );
    }
    let error = zkey(|file| file.put(7, 256, &outside)).to_string();
    assert_eq!(
        error,
        ".zkey section 7, B2[2]: the point is not in the subgroup of order r"
    );
}

#[test]
fn hostile_coefficients_are_refused() {
    assert_refused!(zkey(|file| file.put(4, 0, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        zkey(|file| file.section(4)[0] -= 1),
        Error::TrailingBytes { extra: 44, .. }
    );
    assert_refused!(zkey(|file| file.put(4, 4, &[2])), Error::Count { found: 2, .. });
    assert_refused!(zkey(|file| file.put(4, 8, &[8])), Error::Count { found: 8, .. });
    assert_refused!(
        zkey(|file| file.put(4, 12, &[9])),
        Error::WireOutOfRange {
            wire: 9,
            wires: 9,
            ..
        }
    );
    assert_refused!(
        zkey(|file| file.put(4, 16, &modulus_bytes::<Fr>())),
        Error::NotCanonical {
            modulus: Modulus::R,
            ..
        }
    );
    // The second and third entries are B's terms for the public input and x in row 0.
    assert_refused!(
        zkey(|file| file.put(4, 4 + 44 + 8, &[3])),
        Error::DuplicateTerm { wire: 3, .. }
    );
}

#[test]
fn hostile_contributions_are_refused() {
    let parameters = 68 + 192 + 128 + 64 + 4;
    let set = |kind: u8, content: &'static [u8]| {
        zkey(move |file| {
            let section = file.section(10);
            section.truncate(parameters);
            section[parameters - 4] = kind;
            section.extend(u32::try_from(content.len()).expect("few").to_le_bytes());
            section.extend(content);
        })
    };
    assert_refused!(zkey(|file| file.put(10, 64, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        zkey(|file| file.put(10, parameters, &[0xff; 4])),
        Error::Truncated { .. }
    );
    for (kind, content) in [
        (2, &[][..]),
        (0, &[1, 1, 0xff]),
        (0, &[4, 0]),
        (0, &[1, 1, b'a', 1, 1, b'a']),
        (0, &[2, 10, 3, 1, 7]),
        (1, &[]),
        (1, &[2, 10]),
        (1, &[3, 1, 7]),
        (1, &[2, 10, 3, 0]),
        (1, &[3, 1, 7, 2, 10]),
    ] {
        assert_refused!(set(kind, content), Error::ContributionParameters { .. });
    }
    assert_refused!(set(0, &[1, 200, b'a']), Error::Truncated { .. });
    assert_refused!(set(1, &[2, 10, 3, 99, 1]), Error::Truncated { .. });
}

#[test]
fn a_key_or_system_that_contradicts_its_counts_is_not_written() {
    let good = ZKey::from_bytes(&ZKEY).expect("a good key");
    let damages: [fn(&mut ZKey); 6] = [
        |key| key.a.truncate(1),
        |key| key.b2.truncate(1),
        |key| key.c.truncate(1),
        |key| key.h.truncate(1),
        |key| key.n_public += 1,
        |key| key.contributions[0].name = Some("n".repeat(256)),
    ];
    for damage in damages {
        let mut key = good.clone();
        damage(&mut key);
        assert_refused!(
            key.to_bytes().expect_err("an inconsistent key"),
            Error::NotWritable { .. }
        );
    }
    let mut system = chain(STEPS);
    system.constraints[0].b.swap(0, 1);
    assert_refused!(
        system.to_bytes().expect_err("unsorted terms"),
        Error::NotWritable { .. }
    );
    let mut system = chain(STEPS);
    system.wires -= 1;
    assert_refused!(
        system.to_bytes().expect_err("one wire is missing"),
        Error::WireOutOfRange { .. }
    );
}

#[test]
fn points_and_infinity_are_encoded_as_in_snarkjs() {
    let key = ZKey::from_bytes(&ZKEY).expect("a good key");
    let mut file = Container::parse(&ZKEY);
    assert_eq!(file.section(2)[ALPHA_G1..ALPHA_G1 + 64], g1_bytes(&key.alpha_g1));
    assert_eq!(file.section(2)[GAMMA_G2..GAMMA_G2 + 128], g2_bytes(&key.gamma_g2));
    // No constraint uses wire 4.
    assert_eq!(file.section(5)[4 * 64..5 * 64], [0; 64]);
    assert_eq!(file.section(7)[4 * 128..5 * 128], [0; 128]);
}
