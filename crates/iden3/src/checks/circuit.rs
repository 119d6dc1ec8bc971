//! Checks that a key belongs to a constraint system, as far as the key alone shows it.

use ark_bn254::G1Affine;
use ark_ec::AffineRepr;

use crate::{error::Error, r1cs::R1cs, zkey::ZKey};

impl ZKey {
    /// Compares the key with a constraint system: the counts, the domain, and every entry of A and
    /// B including the rows of the public wires. Also checks that a wire's points are infinity if
    /// and only if the matrices do not use the wire.
    ///
    /// Does not compare the values of the points, and therefore not the entries of C.
    /// [`check_powers`](Self::check_powers) compares them.
    pub fn check_circuit(&self, system: &R1cs) -> Result<(), Error> {
        system.check()?;
        self.check_lengths()?;
        let refuse = |problem: String| Err(Error::OtherCircuit { problem });
        let counts = [
            ("wires", self.n_vars as usize, system.wires as usize),
            ("public wires", self.n_public as usize, system.n_public() as usize),
            (
                "points of the domain",
                self.domain_size as usize,
                system.domain_size(),
            ),
        ];
        for (what, key, expected) in counts {
            if key != expected {
                return refuse(format!("the key has {key} {what}, but the system has {expected}"));
            }
        }

        let expected = system.coefficients();
        if self.coefficients != expected {
            let at = self
                .coefficients
                .iter()
                .zip(&expected)
                .take_while(|(key, entry)| key == entry)
                .count();
            let location = self.coefficients.get(at).or(expected.get(at));
            let location = location.map_or(String::new(), |entry| {
                format!(
                    ", matrix {:?}, row {}, wire {}",
                    entry.matrix, entry.constraint, entry.wire
                )
            });
            let (key, system) = (self.coefficients.len(), expected.len());
            return refuse(format!(
                "the first difference of the matrices is at coefficient {at}{location}; the key has {key} coefficients, \
                 the system has {system}"
            ));
        }

        let mut used = vec![[false; 3]; system.wires as usize];
        for row in &system.constraints {
            for (matrix, terms) in [&row.a, &row.b, &row.c].into_iter().enumerate() {
                for (wire, _) in terms {
                    used[*wire as usize][matrix] = true;
                }
            }
        }
        let n_public = system.n_public() as usize;
        for [in_a, ..] in &mut used[..=n_public] {
            *in_a = true;
        }
        for (wire, [in_a, in_b, in_c]) in used.into_iter().enumerate() {
            let infinite = |points: &[G1Affine]| points[wire].is_zero();
            let private = wire.checked_sub(n_public + 1);
            let wrong = (infinite(&self.a) == in_a)
                .then_some("A")
                .or((infinite(&self.b1) == in_b).then_some("B1"))
                .or((self.b2[wire].is_zero() == in_b).then_some("B2"))
                .or(private
                    .filter(|at| self.c[*at].is_zero() == (in_a || in_b || in_c))
                    .map(|_| "C"));
            if let Some(points) = wrong {
                return refuse(format!(
                    "{points} of wire {wire} must be infinity if and only if the matrices do not use the wire"
                ));
            }
        }
        Ok(())
    }
}
