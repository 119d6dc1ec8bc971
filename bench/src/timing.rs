//! Medians of contenders that take turns.

use std::time::Instant;

/// One thing to time.
pub struct Contender<'a> {
    /// How it is called in the table.
    pub name: String,
    work: Box<dyn FnMut() + Send + 'a>,
}

impl<'a> Contender<'a> {
    /// One that does `work`.
    pub fn new(name: impl Into<String>, work: impl FnMut() + Send + 'a) -> Self {
        Self {
            name: name.into(),
            work: Box::new(work),
        }
    }
}

/// Median and least milliseconds of a contender.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Median.
    pub median: f64,
    /// Least.
    pub least: f64,
}

/// Runs all contenders in turn, `rounds` times after one round that isn't counted, so that whatever else the machine does meets all of
/// them alike.
pub fn in_turn(contenders: &mut [Contender<'_>], rounds: usize) -> Vec<Times> {
    let mut samples = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..=rounds {
        for (contender, samples) in contenders.iter_mut().zip(&mut samples) {
            let start = Instant::now();
            (contender.work)();
            if round > 0 {
                samples.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    samples.into_iter().map(Times::of).collect()
}

/// Milliseconds that something takes, with what comes out of it.
pub fn once<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64() * 1e3, result)
}

impl Times {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self {
            median: samples[samples.len() / 2],
            least: samples[0],
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
