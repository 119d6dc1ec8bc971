//! Tests that invalid keys and powers of tau are refused.

use super::*;

#[test]
fn the_initial_key_of_snarkjs_is_refused_because_gamma_equals_delta() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("0.zkey");
    key.check_powers(&ceremony.system, &mut ceremony.powers())
        .expect("only the contributions are missing");
    let error = key.check_sound().expect_err("there is no contribution");
    assert!(error.to_string().contains("γ = ±δ"), "{error}");
}

#[test]
fn a_key_of_another_constraint_system_is_refused() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("final.zkey");

    // A and B are the same and C is different. Only the powers of tau show the difference.
    let mut other = ceremony.system.clone();
    other.constraints[2].c[0].1 += Fr::from(1_u64);
    key.check_circuit(&other).expect("a key has no matrix C");
    let error = key
        .check_powers(&other, &mut ceremony.powers())
        .expect_err("C differs");
    assert!(matches!(error, Error::OtherPowers { part: "C" }), "{error}");

    let mut other = ceremony.system.clone();
    other.constraints[2].a[0].1 += Fr::from(1_u64);
    let error = key.check_circuit(&other).expect_err("A differs");
    assert!(error.to_string().contains("matrix A, row 2, wire 0"), "{error}");

    let mut other = ceremony.system.clone();
    other.constraints.swap(1, 2);
    key.check_circuit(&other)
        .expect_err("the order of the constraints matters");
}

#[test]
fn a_key_whose_points_were_tampered_with_is_refused() {
    let ceremony = &*CEREMONY;
    let honest = ceremony.read_key("final.zkey");
    let mut powers = ceremony.powers();
    let mut refused = |part: &str, tamper: fn(&mut ZKey)| {
        let mut key = honest.clone();
        tamper(&mut key);
        let error = check_all(&key, &ceremony.system, &mut powers).expect_err(part);
        assert!(error.to_string().contains(part), "{part}: {error}");
    };
    refused(": A is different", |key| key.a.swap(1, 2));
    refused("B in G1 and B in G2 differ", |key| key.b1[3] = key.a[3]);
    refused(": B in G1 is different", |key| {
        key.b1.swap(0, 3);
        key.b2.swap(0, 3);
    });
    refused(": IC is different", |key| key.ic.swap(0, 1));
    refused(": C is different", |key| key.c.swap(2, 3));
    refused(": H is different", |key| key.h.swap(0, 1));
    refused(": the circuit hash is different", |key| key.cs_hash[0] ^= 1);
    refused(": α or β in G1 is different", |key| {
        key.alpha_g1 = (key.alpha_g1 + key.alpha_g1).into();
    });
    refused("α or β is ±1", |key| key.alpha_g1 = G1Affine::generator());
    refused("β in G1 and β in G2 differ", |key| key.beta_g1 = key.alpha_g1);
    refused(": γ (which must be the generator of G2) is different", |key| {
        key.gamma_g2 = key.beta_g2;
    });
    refused("δ in G1 and δ in G2 differ", |key| key.delta_g1 = key.alpha_g1);
    refused("γ = ±δ", |key| key.delta_g2 = key.gamma_g2);
    refused("γ = ±δ", |key| key.delta_g2 = -key.gamma_g2);
    refused("contribution 1: its transcript", |key| {
        key.contributions.remove(0);
    });
    refused("δ in G1 is not that of the last contribution", |key| {
        key.contributions.pop();
    });
    refused("contribution 2: its proof of knowledge", |key| {
        key.contributions[1].g2_spx = key.contributions[0].g2_spx;
    });
    refused("contribution 2: its δ", |key| {
        key.contributions[1].delta_after = key.alpha_g1;
    });
    refused(
        "contribution 3: its points differ from those that its beacon gives",
        |key| {
            key.contributions[2].kind = ContributionKind::Beacon {
                hash: vec![1],
                iterations_exp: 10,
            };
        },
    );
    refused(
        "contribution 1: its points differ from those that its beacon gives",
        |key| {
            key.contributions[0].kind = ContributionKind::Beacon {
                hash: vec![1],
                iterations_exp: 10,
            };
        },
    );
    refused("more than 2^24 iterations", |key| {
        key.contributions[2].kind = ContributionKind::Beacon {
            hash: vec![1],
            iterations_exp: 63,
        };
    });
}

#[test]
fn different_too_few_and_unprepared_powers_of_tau_are_refused() {
    let ceremony = &*CEREMONY;
    let key = ceremony.read_key("final.zkey");
    let error = key
        .check_powers(&ceremony.system, &mut TIGHT.powers())
        .expect_err("another τ");
    assert!(
        matches!(
            error,
            Error::OtherPowers {
                part: "α or β in G1"
            }
        ),
        "{error}"
    );

    let few = Ceremony::new("few", 1);
    few.snarkjs
        .powers_of_tau(&few.directory, 3)
        .expect("snarkjs makes powers of tau");
    let error = key
        .check_powers(&ceremony.system, &mut few.powers())
        .expect_err("too few");
    assert!(
        matches!(
            error,
            Error::TooFewPowers {
                power: 3,
                domain_size: 32
            }
        ),
        "{error}"
    );

    let file = File::open(ceremony.path("powers_0.ptau")).expect("snarkjs wrote it");
    let mut new = PowersOfTau::open(BufReader::new(file)).expect("complete");
    let error = key
        .check_powers(&ceremony.system, &mut new)
        .expect_err("τ is one");
    assert!(error.to_string().contains("there is no contribution"), "{error}");

    let file = File::open(ceremony.path("powers_1.ptau")).expect("snarkjs wrote it");
    let mut unprepared =
        PowersOfTau::open(BufReader::new(file)).expect("complete except for the Lagrange form");
    let error = key
        .check_powers(&ceremony.system, &mut unprepared)
        .expect_err("not prepared for phase 2");
    assert!(
        matches!(error, Error::MissingSection { section: 12, .. }),
        "{error}"
    );
}

#[test]
fn a_damaged_ptau_is_refused_and_never_panics() {
    let ceremony = &*TIGHT;
    let key = ceremony.read_key("final.zkey");
    let whole = fs::read(ceremony.path("powers.ptau")).expect("snarkjs wrote it");
    let check = |bytes: &[u8]| -> Result<(), Error> {
        let mut powers = PowersOfTau::open(Cursor::new(bytes))?;
        key.check_powers(&ceremony.system, &mut powers)
    };
    check(&whole).expect("an honest ceremony");
    for length in (0..whole.len()).step_by(613).chain([whole.len() - 1]) {
        check(&whole[..length]).expect_err("a truncated file");
    }
    // Damage the header, and one byte in each of sections 2 to 6. Every point there is read.
    let header = 12 + 12 + 44;
    let sizes = [63 * 64, 32 * 128, 32 * 64, 32 * 64, 128];
    let starts = sizes.iter().scan(header, |end, size| {
        let start = *end + 12;
        *end = start + size;
        Some(start)
    });
    for position in (0..header).chain(starts.map(|start| start + 77)) {
        let mut damaged = whole.clone();
        damaged[position] ^= 1;
        // The power of the whole ceremony may have any value that is not smaller.
        assert!(
            check(&damaged).is_err() || (64..68).contains(&position),
            "byte {position}"
        );
    }
}
