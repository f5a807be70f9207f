//! The real worker in the modelled world.

use super::link::SimLink;
use super::slot::{Process, ProcessContext, StartProcess};
use churnwatch::health::{Health, WorkerHealth};
use churnwatch::kafka::Fault;
use churnwatch::runtime::{Setup, Stop, Worker};
use churnwatch::snapshot::SnapshotRepository;

/// Processes that a world can start, one after the other.
const STARTS_MAX: usize = 1_000;

/// What workers borrow: it must outlive the world they are in.
pub struct WorkerResources {
    stops: Vec<Stop>,
    healths: Vec<WorkerHealth>,
}

impl WorkerResources {
    pub fn new() -> Self {
        let health = Health::new(STARTS_MAX, 60, || 0);
        Self {
            stops: (0..STARTS_MAX).map(|_| Stop::default()).collect(),
            healths: health.workers(),
        }
    }

    /// Makes workers: each process runs under one of the set-ups, as `choose` says by the time of its start.
    pub fn start_process<'a>(
        &'a self,
        setups: &'a [Setup],
        choose: impl Fn(i64) -> usize + 'a,
    ) -> StartProcess<'a> {
        Box::new(move |context: ProcessContext<'a>| {
            let ProcessContext {
                link,
                store,
                spawn,
                start,
            } = context;
            let setup = &setups[choose(link.now_ms())];
            let (stop, health) = (&self.stops[start], &self.healths[start]);
            let repository = SnapshotRepository::new(store, "sim", spawn);
            // Numbers of starts are small; those of real ones are not.
            let writer = 0x5eed_0000_0000 + start as u64;
            let worker = Worker::new(setup, stop, health, link, repository, writer);
            Box::new(RunningWorker { worker, stop })
        })
    }
}

/// A worker and the bell that ends it.
struct RunningWorker<'a> {
    worker: Worker<'a, SimLink<'a>>,
    stop: &'a Stop,
}

impl Process for RunningWorker<'_> {
    fn turn(&mut self) -> Result<bool, Fault> {
        self.worker.turn()
    }

    fn ask_to_stop(&self) {
        self.stop.ask();
    }
}
