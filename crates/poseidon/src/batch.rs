//! Hashes many groups of inputs at once: eight or four at a time if the machine has the
//! instructions, one at a time otherwise.

use ark_bn254::Fr;
#[cfg(target_arch = "x86_64")]
use bauta_packed_field::{Arch, Fused, Ifma};

#[cfg(target_arch = "x86_64")]
use crate::vectors::Vectorised;
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
    Fused(Fused),
    #[cfg(target_arch = "x86_64")]
    Ifma(Ifma),
}

impl Default for Batch {
    /// Returns the fastest back end for this machine.
    fn default() -> Self {
        let mut all = Self::all();
        all.next().unwrap_or_else(Self::portable)
    }
}

impl Batch {
    /// Returns the back end that works on every machine.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Scalar)
    }

    /// Returns the back ends of this machine, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectorised = [Ifma::detect().map(Kind::Ifma), Fused::detect().map(Kind::Fused)];
        #[cfg(not(target_arch = "x86_64"))]
        let vectorised: [Option<Kind>; 0] = [];
        vectorised.into_iter().flatten().chain([Kind::Scalar]).map(Self)
    }

    /// Returns the name for reports: that of the instructions, or `portable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Fused(_) => Fused::NAME,
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(_) => Ifma::NAME,
        }
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
            Kind::Fused(arch) => arch.hash_into(inputs, n, hashes),
            #[cfg(target_arch = "x86_64")]
            Kind::Ifma(arch) => arch.hash_into(inputs, n, hashes),
        }
    }
}
