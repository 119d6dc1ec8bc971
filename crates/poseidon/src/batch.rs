//! Hashes many groups of inputs at once: eight at a time if the machine has the instructions, one
//! at a time otherwise.

use ark_bn254::Fr;
#[cfg(target_arch = "x86_64")]
use bauta_packed_field::Ifma;

use crate::{MAX_INPUTS, PoseidonError, scalar::hash};

/// The number of hashes in one unit of parallel work.
#[cfg(feature = "parallel")]
const CHUNK: usize = 512;

/// The back end that computes batches.
#[derive(Clone, Copy, Debug)]
pub struct Batch(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Ifma(Ifma),
}

impl Default for Batch {
    /// Returns the fastest back end for this machine.
    fn default() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(arch) = Ifma::detect() {
            return Self(Kind::Ifma(arch));
        }
        Self::portable()
    }
}

impl Batch {
    /// Returns the back end that works on every machine.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Scalar)
    }

    /// Returns whether this back end uses AVX-512 IFMA.
    #[must_use]
    pub fn is_vectorised(self) -> bool {
        !matches!(self.0, Kind::Scalar)
    }

    /// Returns `PoseidonN` of each group of `n` elements. `inputs` contains the groups one after
    /// another. The work is split over the threads of the rayon pool in which the call is made.
    ///
    /// # Errors
    ///
    /// Returns an error if `n` is not in 1 to [`MAX_INPUTS`], or if the number of elements is not a
    /// multiple of `n`.
    pub fn hash(self, inputs: &[Fr], n: usize) -> Result<Vec<Fr>, PoseidonError> {
        if n == 0 || n > MAX_INPUTS {
            return Err(PoseidonError::InputCount(n));
        }
        if !inputs.len().is_multiple_of(n) {
            return Err(PoseidonError::PartialGroup {
                elements: inputs.len(),
                group: n,
            });
        }
        let mut hashes = vec![Fr::default(); inputs.len() / n];
        #[cfg(feature = "parallel")]
        {
            use rayon::{
                iter::{IndexedParallelIterator, ParallelIterator},
                slice::{ParallelSlice, ParallelSliceMut},
            };
            inputs
                .par_chunks(CHUNK * n)
                .zip(hashes.par_chunks_mut(CHUNK))
                .for_each(|(inputs, hashes)| self.hash_into(inputs, n, hashes));
        }
        #[cfg(not(feature = "parallel"))]
        self.hash_into(inputs, n, &mut hashes);
        Ok(hashes)
    }

    fn hash_into(self, inputs: &[Fr], n: usize, hashes: &mut [Fr]) {
        match self.0 {
            Kind::Scalar => {
                for (group, result) in inputs.chunks_exact(n).zip(hashes) {
                    *result = hash(group).expect("the number of inputs was checked");
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(arch) => crate::batch_ifma::hash_into(arch, inputs, n, hashes),
        }
    }
}
