//! Recommendations to operators, derived from the measurements.

use super::{Case, CircuitType, name_of};
use crate::{prover::Prover, time};

/// Ratio of the 99th percentile to the median above which the times vary too much.
const VARIATION_LIMIT: f64 = 2.0;
/// Ratio of two medians above which they count as different.
const DIFFERENCE_LIMIT: f64 = 1.25;
/// Processors that a proof uses at least. A lower share means that the process waited for a
/// processor.
const MIN_PROCESSORS: f64 = 0.7;
/// Share of its time that an instance should be busy.
const TARGET_UTILISATION: f64 = 0.7;

/// Returns the recommendations for an instance. Each contains the measurements that it is based on.
pub fn recommend(cases: &[Case], prover: &Prover) -> Vec<String> {
    let mut recommendations = Vec::new();
    let p99 = cases
        .iter()
        .fold(0.0, |largest: f64, case| largest.max(case.p99_ms));
    recommendations.extend(capacity(cases, prover));
    recommendations.extend(threads_per_proof(cases));
    recommendations.extend(network_sizes(cases));
    recommendations.extend(variation(cases));
    recommendations.extend(missing_processors(cases));
    let timeout = time::fraction_of_milliseconds(prover.timeout());
    if p99 > timeout / 2.0 {
        recommendations.push(format!(
            "PROOF_TIMEOUT_MS is {timeout:.0}, and the 99th percentile is {p99:.1} ms without the time in the \
             queue: raise the timeout."
        ));
    }
    recommendations
}

/// Compares the 99th percentile with the median, for the case with the largest ratio.
fn variation(cases: &[Case]) -> Option<String> {
    let ratio = |case: &&Case| case.p99_ms / case.p50_ms;
    let case = cases
        .iter()
        .max_by(|left, right| ratio(left).total_cmp(&ratio(right)))?;
    (ratio(&case) > VARIATION_LIMIT).then(|| {
        format!(
            "{}, {} members: the 99th percentile is {:.1} ms and the median is {:.1} ms. Other work uses the \
             processors: give the prover its own processors, or lower MAX_CONCURRENT_PROOFS.",
            name_of(case.circuit_type),
            case.network_size,
            case.p99_ms,
            case.p50_ms
        )
    })
}

/// Checks whether the process had to wait for a processor, for the case with the lowest share.
fn missing_processors(cases: &[Case]) -> Option<String> {
    let measured = cases.iter().filter_map(|case| Some((case, case.cpu_percent?)));
    let (case, percent) = measured.min_by(|(_, left), (_, right)| left.total_cmp(right))?;
    (percent < 100.0 * MIN_PROCESSORS).then(|| {
        format!(
            "{}, {} members: the process had {percent:.0} % of a processor while it proved, so it waited for a \
             processor: check the machine's load.",
            name_of(case.circuit_type),
            case.network_size
        )
    })
}

/// Estimates the number of proofs per second of this instance.
#[allow(clippy::cast_precision_loss, reason = "the number of threads is below 2^53")]
fn capacity(cases: &[Case], prover: &Prover) -> Option<String> {
    let case = cases
        .iter()
        .filter(|case| case.circuit_type == CircuitType::Default)
        .max_by(|left, right| left.avg_ms.total_cmp(&right.avg_ms))?;
    let threads = prover.threads();
    let per_second = 1e3 * threads as f64 / case.avg_ms;
    Some(format!(
        "{threads} threads at {:.1} ms per proof make about {per_second:.1} proofs per second. For more than {:.1} per \
         second (70 %), start another worker.",
        case.avg_ms,
        TARGET_UTILISATION * per_second
    ))
}

/// Compares proofs on one thread with proofs on all threads.
fn threads_per_proof(cases: &[Case]) -> Option<String> {
    let average = |wanted: CircuitType| {
        let mut matching = cases.iter().filter(|case| case.circuit_type == wanted);
        matching.next().map(|case| case.avg_ms)
    };
    let (one, all) = (average(CircuitType::Default)?, average(CircuitType::Optimized)?);
    let speedup = one / all;
    Some(if speedup > 1.1 {
        format!(
            "A proof takes {all:.1} ms on all threads and {one:.1} ms on one thread ({speedup:.1} times as long). If \
             latency matters more than throughput, set MAX_CONCURRENT_PROOFS=1."
        )
    } else {
        format!(
            "A proof takes {all:.1} ms on all threads and {one:.1} ms on one thread: more threads per proof bring no \
             advantage here. Keep MAX_CONCURRENT_PROOFS at the number of processors or higher."
        )
    })
}

/// Compares the medians of the smallest and the largest registry.
fn network_sizes(cases: &[Case]) -> Option<String> {
    let first = cases.first()?;
    let comparable = || {
        cases
            .iter()
            .filter(|case| case.circuit_type == first.circuit_type)
    };
    let smallest = comparable().min_by_key(|case| case.network_size)?;
    let largest = comparable().max_by_key(|case| case.network_size)?;
    if smallest.network_size == largest.network_size {
        return None;
    }
    let ratio = largest.p50_ms / smallest.p50_ms;
    let medians = format!(
        "{:.1} ms with {} members, {:.1} ms with {}",
        smallest.p50_ms, smallest.network_size, largest.p50_ms, largest.network_size
    );
    Some(if (1.0 / DIFFERENCE_LIMIT..=DIFFERENCE_LIMIT).contains(&ratio) {
        format!("The size of the registry doesn't matter ({medians}): only the depth of the circuit does.")
    } else {
        format!(
            "The medians differ ({medians}), although the circuit is the same. The machine had other load: run the \
             measurement again with more iterations."
        )
    })
}
