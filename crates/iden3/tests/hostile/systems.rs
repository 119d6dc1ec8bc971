//! Tests hostile `.r1cs` and `.wtns` files.

use super::*;

#[test]
fn a_hostile_r1cs_is_refused() {
    let r = modulus_bytes::<Fr>();
    assert_refused!(
        r1cs(|file| file.put(1, 0, &[31])),
        Error::Modulus {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(1, 4, &modulus_bytes::<Fq>())),
        Error::Modulus { .. }
    );
    assert_refused!(
        r1cs(|file| file.put(1, 36, &[4, 0, 0, 0])),
        Error::Count { found: 4, .. }
    );
    assert_refused!(r1cs(|file| file.put(1, 40, &[0xff; 12])), Error::Count { .. });
    // A file of this size cannot contain a system with that many wires. Also, there can be at most
    // 2^27 rows.
    let huge = |file: &mut Container, public: u32| {
        file.put(1, 36, &u32::MAX.to_le_bytes());
        file.put(1, 44, &public.to_le_bytes());
    };
    assert_refused!(r1cs(|file| huge(file, 1)), Error::SectionSize { .. });
    assert_refused!(r1cs(|file| huge(file, 1 << 27)), Error::Count { .. });
    assert_refused!(
        r1cs(|file| file.sections.retain(|(number, _)| *number != 3)),
        Error::MissingSection { section: 3, .. }
    );
    // Memory must not be allocated for counts far beyond the file's size.
    assert_refused!(
        r1cs(|file| file.put(1, 60, &[0xff, 0xff, 0xff, 3])),
        Error::Truncated { .. }
    );
    assert_refused!(r1cs(|file| file.put(1, 60, &[0xff; 4])), Error::Count { .. });
    assert_refused!(r1cs(|file| file.put(2, 0, &[0xff; 4])), Error::Truncated { .. });
    assert_refused!(
        r1cs(|file| file.put(1, 60, &[4, 0, 0, 0])),
        Error::TrailingBytes { .. }
    );
    assert_refused!(
        r1cs(|file| file.section(3).truncate(70)),
        Error::SectionSize { .. }
    );

    // In constraint 0, A is (x, 1), and B is (p, 1), (x, 3).
    let error = r1cs(|file| file.put(2, 4, &[0xff; 4]));
    assert_refused!(
        error,
        Error::WireOutOfRange {
            wire: u32::MAX,
            wires: 9,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 8, &r)),
        Error::NotCanonical {
            modulus: Modulus::R,
            ..
        }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 8, &[0; 32])),
        Error::ZeroCoefficient { wire: 3, .. }
    );
    assert_refused!(
        r1cs(|file| file.put(2, 44, &[3, 0, 0, 0])),
        Error::DuplicateTerm { wire: 3, .. }
    );

    assert_refused!(
        r1cs(|file| file.sections.push((4, vec![1, 0, 0, 0]))),
        Error::Count { found: 1, .. }
    );
    let error = r1cs(|file| file.put(2, 8, &r)).to_string();
    assert_eq!(
        error,
        ".r1cs section 2, A[0]: the value is not canonical; it must be below the scalar-field modulus r"
    );
}

#[test]
fn a_circom_r1cs_with_empty_custom_gates_and_unsorted_terms_is_read() {
    let mut file = Container::parse(&R1CS);
    file.sections.push((4, vec![0; 4]));
    file.sections.push((5, vec![0; 4]));
    // Swap the two terms of B of constraint 0.
    let terms = file.section(2)[44..116].to_vec();
    file.put(2, 44, &terms[36..]);
    file.put(2, 80, &terms[..36]);
    assert_eq!(
        R1cs::from_bytes(&file.bytes()).expect("a good file"),
        chain(STEPS)
    );
}

#[test]
fn a_hostile_wtns_is_refused() {
    assert_refused!(
        wtns(|file| file.put(1, 4, &modulus_bytes::<Fq>())),
        Error::Modulus { .. }
    );
    assert_refused!(
        wtns(|file| file.put(1, 36, &[0xff; 4])),
        Error::SectionSize { .. }
    );
    assert_refused!(wtns(|file| file.put(2, 64, &modulus_bytes::<Fr>())), Error::NotCanonical { location, .. } if location.index == Some(2));
}

#[test]
fn neither_debug_output_nor_errors_show_a_witness() {
    let mut z = chain_witness(STEPS, 1);
    assert_eq!(
        format!("{:?}", Witness::new(z.clone())),
        "Witness(9 wires, secret)"
    );
    z[7] += Fr::from(1_u64);
    let error = chain(STEPS).is_satisfied(&z).expect_err("a wrong wire");
    assert_eq!(
        error.to_string(),
        "constraint 1 is not satisfied: (A·z)·(B·z) differs from C·z"
    );
}
