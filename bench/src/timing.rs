//! Medians of contenders that take turns.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// One thing to time.
pub struct Contender<'a> {
    /// How it is called in the table.
    pub name: String,
    work: Box<dyn FnMut() + Send + 'a>,
    most: usize,
}

impl<'a> Contender<'a> {
    /// One that does `work`.
    pub fn new(name: impl Into<String>, work: impl FnMut() + Send + 'a) -> Self {
        Self {
            name: name.into(),
            work: Box::new(work),
            most: usize::MAX,
        }
    }

    /// Takes part in no more rounds than these, and not in the one that isn't counted: for work of many seconds.
    pub fn at_most(self, rounds: usize) -> Self {
        Self { most: rounds, ..self }
    }
}

/// Milliseconds of a contender.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Median.
    pub median: f64,
    /// Least.
    pub least: f64,
    /// How often it was timed.
    pub rounds: usize,
    /// Median of the processor time of all threads, which other load hardly changes.
    pub cpu: f64,
}

/// Runs all contenders in turn, `rounds` times after one round that isn't counted, so that whatever else the machine does meets all of
/// them alike.
pub fn in_turn(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<Times> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            if round > contender.most || (round == 0 && contender.most < rounds) {
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

/// Milliseconds that something takes, with what comes out of it.
pub fn once<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1e3, result)
}

/// Processor time of all threads of this process up to now.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

impl Times {
    fn of(samples: &[(f64, f64)]) -> Self {
        Self {
            rounds: samples.len(),
            median: median(samples.iter().map(|sample| sample.0)),
            least: samples
                .iter()
                .map(|sample| sample.0)
                .fold(f64::INFINITY, f64::min),
            cpu: median(samples.iter().map(|sample| sample.1)),
        }
    }
}

/// The processor and how busy the machine is, for the pages.
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
