//! Measures contenders that run one after another in each round.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Work to be measured.
pub struct Contender<'a> {
    /// The name in the table.
    pub name: String,
    work: Box<dyn FnMut() + Send + 'a>,
    max_rounds: usize,
}

impl<'a> Contender<'a> {
    /// Creates a contender that runs `work`.
    pub fn new(name: impl Into<String>, work: impl FnMut() + Send + 'a) -> Self {
        Self {
            name: name.into(),
            work: Box::new(work),
            max_rounds: usize::MAX,
        }
    }

    /// Limits the number of rounds, and skips the round that is not counted. Use it for work that
    /// takes many seconds.
    pub fn at_most(self, rounds: usize) -> Self {
        Self {
            max_rounds: rounds,
            ..self
        }
    }
}

/// The times of a contender, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The median of the measured rounds.
    pub median: f64,
    /// The minimum.
    pub min: f64,
    /// The number of measured rounds.
    pub rounds: usize,
    /// The median of the processor time of all threads. Other load on the machine has little
    /// influence on it.
    pub cpu: f64,
}

/// Runs all contenders one after another, `rounds` times, after one round that is not counted.
/// Other load on the machine therefore affects all of them equally.
pub fn in_turn(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<Times> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            if round > contender.max_rounds || (round == 0 && contender.max_rounds < rounds) {
                continue;
            }
            let (start, cpu) = (Instant::now(), cpu_ms());
            (contender.work)();
            if round > 0 {
                samples.push((start.elapsed().as_secs_f64() * 1e3, cpu_ms() - cpu));
            }
        }
    }
    samples.iter().map(|samples| Times::of(samples)).collect()
}

/// Returns the time of `work` in milliseconds, and its result.
pub fn once<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1e3, result)
}

/// Returns the processor time of all threads of this process so far, in milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Returns the median. There must be a value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns the duration that the given share of the requests did not exceed.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of some thousand"
)]
#[cfg(feature = "service")]
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

impl Times {
    fn of(samples: &[(f64, f64)]) -> Self {
        Self {
            rounds: samples.len(),
            median: median(samples.iter().map(|sample| sample.0).collect()),
            min: samples
                .iter()
                .map(|sample| sample.0)
                .fold(f64::INFINITY, f64::min),
            cpu: median(samples.iter().map(|sample| sample.1).collect()),
        }
    }
}

/// Describes the processor and the load of the machine, for the pages.
pub fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let field = |name: &str| {
        cpu.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split(':').nth(1))
            .map_or("unknown", str::trim)
            .to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    format!(
        "Measured on {cores} cores: {} (family {}, model {}). Load average at the end: {}.",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        load.split(' ').next().unwrap_or("unknown"),
    )
}
