//! Property tests: the same cases in every run, on every core.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use std::cell::Cell;
use std::num::NonZero;
use std::thread;

/// So many cases, unless `PROPTEST_CASES` says otherwise, from this seed, unless `PROPTEST_RNG_SEED` does. A failure prints
/// its case, which is all there is to know.
pub fn config(cases: u32, seed: u64) -> Config {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(seed);
    }
    config
}

/// Tests every case. Each core draws all of them and tests its share, so that the cases are the same on every machine.
///
/// # Panics
///
/// When a case fails, with the smallest one that does.
pub fn for_all<S: Strategy>(
    config: &Config,
    cases: impl Fn() -> S + Sync,
    test: impl Fn(S::Value) -> Result<(), String> + Sync,
) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (cases, test) = (&cases, &test);
    thread::scope(|scope| {
        for core in 0..cores {
            scope.spawn(move || test_share(config, cases(), test, |case| case % cores == core));
        }
    });
}

fn test_share<S: Strategy>(
    config: &Config,
    cases: S,
    test: impl Fn(S::Value) -> Result<(), String>,
    is_mine: impl Fn(usize) -> bool,
) {
    let drawn = Cell::new(0);
    // From the first failure on, the runner looks for a smaller case, and all that it asks is of this share.
    let failed = Cell::new(false);
    let result = TestRunner::new(config.clone()).run(&cases, |case| {
        if failed.get() {
            return test(case).map_err(TestCaseError::fail);
        }
        if !is_mine(drawn.replace(drawn.get() + 1)) {
            return Ok(());
        }
        // A test that panics has failed too.
        failed.set(true);
        let outcome = test(case);
        failed.set(outcome.is_err());
        outcome.map_err(TestCaseError::fail)
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
