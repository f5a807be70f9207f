//! What the tests of faults have in common: a broker behind a proxy, a city as input, workers, and the oracle at the end.

use super::broker::ProxiedBroker;
use super::city::City;
use super::installation::{Installation, Running};
use super::oracle::{Oracle, Verdict};
use super::process::{Process, Signal};
use super::proxy::{Api, Disturbance, Often, Proxy};
use super::wait_while_moving;

/// Partitions of every topic.
pub const PARTITIONS: i32 = 4;

pub struct FaultScenario {
    pub installation: Installation,
    pub city: City,
    pub broker: ProxiedBroker,
    oracle: Oracle,
}

impl FaultScenario {
    /// At least.
    pub const RECORDS_PER_SUBSCRIBER: u64 = 500;

    /// A city of so many subscribers and 50 days, long enough for windows to fill and days to close. Nothing of it is
    /// loaded yet. `extra` is more configuration.
    pub fn new(name: &str, subscribers: u32, seed: u64, extra: &str) -> FaultScenario {
        FaultScenario::on(ProxiedBroker::shared(), name, subscribers, seed, extra)
    }

    /// The same on a broker that may be killed.
    pub fn to_hurt(name: &str, subscribers: u32, seed: u64, extra: &str) -> FaultScenario {
        FaultScenario::on(ProxiedBroker::to_hurt(), name, subscribers, seed, extra)
    }

    fn on(
        broker: ProxiedBroker,
        name: &str,
        subscribers: u32,
        seed: u64,
        extra: &str,
    ) -> FaultScenario {
        let installation = Installation::behind_proxy(&broker, name, PARTITIONS, extra);
        let city = City::build(installation.folder(), subscribers, 50, seed);
        let oracle = Oracle::ask(&installation, &city.events);
        FaultScenario {
            installation,
            city,
            broker,
            oracle,
        }
    }

    pub fn proxy(&self) -> &Proxy {
        self.broker.proxy()
    }

    /// Starts to load the next lines of the city.
    ///
    /// # Panics
    ///
    /// When all of them are loaded.
    pub fn start_loading(&mut self, lines: u64) -> Process {
        let piece = self.city.next_piece(lines).expect("more of the city");
        self.installation.load(&piece)
    }

    /// Waits until what was to be loaded is.
    pub fn wait_loaded(&self, load: &mut Process) {
        let status = wait_while_moving("a piece of the input is loaded", || {
            load.exit_status()
                .ok_or_else(|| self.installation.length("cdr"))
        });
        assert!(status.success(), "{}", load.stderr());
    }

    /// Loads the next lines of the city.
    pub fn load(&mut self, lines: u64) {
        let mut load = self.start_loading(lines);
        self.wait_loaded(&mut load);
    }

    /// Loads a share of the city's lines, 0 to 1.
    pub fn load_share(&mut self, share: f64) {
        self.load((self.city.lines as f64 * share) as u64 + 1);
    }

    /// Waits until the group has come so far in the one input topic.
    ///
    /// # Panics
    ///
    /// When one of these workers ends meanwhile, or nothing moves any more.
    pub fn wait_processed_to(&self, offset: i64, workers: &mut [&mut Running]) {
        let what = format!("the group has processed {offset} records");
        wait_while_moving(&what, || {
            for worker in workers.iter_mut() {
                if let Some(status) = worker.process.exit_status() {
                    panic!("a worker ended ({status}):\n{}", worker.process.stderr());
                }
            }
            let committed = self.installation.committed("cdr");
            if committed >= offset {
                Ok(())
            } else {
                Err(committed)
            }
        });
    }

    /// Waits until the group has come to the end of what is loaded.
    pub fn wait_processed(&self, workers: &mut [&mut Running]) {
        self.wait_processed_to(self.installation.length("cdr"), workers);
    }

    /// Loads what is left of the city, without any more disturbances, waits until it is processed, and compares the output
    /// with what it must be.
    ///
    /// # Panics
    ///
    /// Unless everything was said exactly once and in order.
    #[track_caller]
    pub fn finish(&mut self, workers: &mut [&mut Running]) -> Verdict {
        self.proxy().calm();
        if let Some(piece) = self.city.next_piece(u64::MAX) {
            let mut load = self.installation.load(&piece);
            self.wait_loaded(&mut load);
        }
        self.wait_processed(workers);
        let verdict = self.oracle.judge(&self.installation);
        verdict.assert_exactly_once();
        verdict
    }

    /// Disturbs the next ends of transactions, loads a twentieth of the city, and waits until all that has happened: then
    /// a transaction is about to end, everything in it is written, and the program does not know more.
    pub fn disturb_endtxn(&mut self, disturbances: &[Disturbance], worker: &mut Running) {
        let due = self.proxy().disturbed(Api::EndTxn) + disturbances.len() as u64;
        for disturbance in disturbances {
            self.proxy()
                .disturb(Api::EndTxn, *disturbance, Often::Times(1));
        }
        self.load_share(0.05);
        worker
            .process
            .wait_for("transactions are about to end", |_| {
                (self.proxy().disturbed(Api::EndTxn) >= due).then_some(())
            });
    }

    /// Lets workers leave in peace.
    ///
    /// # Panics
    ///
    /// When one does not.
    pub fn stop(&self, workers: &mut [&mut Running]) {
        for worker in workers {
            worker.process.signal(Signal::Term);
            let status = worker.process.wait();
            assert!(status.success(), "{status}: {}", worker.process.stderr());
        }
    }
}
