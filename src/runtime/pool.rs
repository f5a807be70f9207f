use super::clock::{self, Stopwatch};
use super::setup::Setup;
use super::stop::Stop;
use super::worker::Worker;
use crate::health::{Condition, Health, WorkerHealth};
use crate::kafka::{Fault, Member, TopicWatch};
use crate::snapshot::SnapshotRepository;
use crate::telemetry::troubles;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tracing::{error, info, warn};
use xxhash_rust::xxh3::xxh3_64;

/// Pauses before a worker starts over: the first, doubled up to the last.
const RESTART_FIRST: Duration = Duration::from_secs(1);
const RESTART_LAST: Duration = Duration::from_secs(30);
/// A worker that ran for this long starts over without delay.
const RESTART_FORGOTTEN: Duration = Duration::from_secs(120);
/// How often it is looked whether the input topics are as they were.
const TOPICS_INTERVAL: Duration = Duration::from_secs(5);
/// How often a waiting worker shows that it is alive.
const BEAT: Duration = Duration::from_secs(1);

/// The worker threads of a process.
pub struct Pool {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `run.workers` threads.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(setup: Setup, health: &Health, stop: &Stop) -> io::Result<Self> {
        let setup = Arc::new(setup);
        let mut pool = Self {
            stop: stop.clone(),
            threads: Vec::new(),
        };
        for (number, health) in health.workers().into_iter().enumerate() {
            let (setup, stop) = (Arc::clone(&setup), stop.clone());
            let thread = Builder::new().name(format!("worker-{number}"));
            let spawned = thread.spawn(move || supervise(&setup, &stop, &health, number));
            match spawned {
                Ok(thread) => pool.threads.push(thread),
                Err(error) => {
                    stop_all(&mut pool);
                    return Err(error);
                }
            }
        }
        let stop = stop.clone();
        let thread = Builder::new().name("topics".to_owned());
        // Nobody waits for it at the end: it may be waiting for brokers.
        thread.spawn(move || watch_topics(&setup, &stop))?;
        Ok(pool)
    }

    /// Whether all workers have ended.
    pub fn finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the workers.
    ///
    /// # Errors
    /// Why the process could not go on, for an operator.
    pub fn join(mut self) -> Result<(), String> {
        for thread in self.threads.drain(..) {
            // A panic has been noted by its guard.
            let _ = thread.join();
        }
        self.stop.take_halt().map_or(Ok(()), Err)
    }
}

/// Ends the process when an input topic is not what it was: what is new there would stay unread.
fn watch_topics(setup: &Setup, stop: &Stop) {
    let mut watch = match TopicWatch::new(&setup.config, setup.partitions) {
        Ok(watch) => watch,
        Err(reason) => return stop.halt(reason),
    };
    while !stop.wait(TOPICS_INTERVAL) {
        if let Some(reason) = watch.look() {
            error!("cannot go on: {reason}");
            return stop.halt(reason);
        }
    }
}

fn stop_all(pool: &mut Pool) {
    pool.stop.ask();
    for thread in pool.threads.drain(..) {
        let _ = thread.join();
    }
}

/// Runs a worker, and again after a fault that passes.
fn supervise(setup: &Setup, stop: &Stop, health: &WorkerHealth, number: usize) {
    let _guard = Guard(stop);
    let _span = tracing::info_span!("worker", number).entered();
    let mut pause = RESTART_FIRST;
    while !stop.asked() {
        let watch = Stopwatch::start();
        let ended = work(setup, stop, health, number);
        for condition in Condition::ALL {
            health.set(condition, false);
        }
        match ended {
            Ok(()) => break,
            Err(Fault::Halt(reason)) => {
                error!("cannot go on: {reason}");
                stop.halt(reason);
            }
            Err(Fault::Restart(reason)) if stop.asked() => {
                warn!("ended without a last commit: {reason}");
            }
            Err(Fault::Restart(reason)) => {
                if watch.reached(RESTART_FORGOTTEN) {
                    pause = RESTART_FIRST;
                }
                let text = format!(
                    "worker {number} starts over in {} s: {reason}",
                    pause.as_secs()
                );
                troubles::warn(&format!("worker {number}"), &text);
                wait(pause, stop, health);
                pause = RESTART_LAST.min(pause * 2);
            }
        }
    }
    info!("the worker has ended");
}

/// Joins the group and works until the process is to end, or the worker cannot go on.
fn work(setup: &Setup, stop: &Stop, health: &WorkerHealth, number: usize) -> Result<(), Fault> {
    let config = &setup.config;
    let repository = SnapshotRepository::open(&config.state.snapshots, &config.kafka.group)
        .map_err(Fault::Halt)?;
    let asked = || stop.asked();
    let member = Member::join(config, Arc::clone(&setup.topics), number, asked)?;
    let (process, now) = (std::process::id(), clock::nanoseconds());
    let name = format!("{} {process} {number} {now}", config.run.instance_id);
    let writer = xxh3_64(name.as_bytes());
    let mut worker = Worker::new(setup, stop, health, member, repository, writer);
    while worker.turn()? {}
    Ok(())
}

fn wait(pause: Duration, stop: &Stop, health: &WorkerHealth) {
    let watch = Stopwatch::start();
    while !watch.reached(pause) && !stop.wait(BEAT) {
        health.beat();
    }
}

/// Ends the process if a worker fails: a worker that is gone must not look like an idle one.
struct Guard<'a>(&'a Stop);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .halt("a worker failed by a fault of the program; see the log".to_owned());
        }
    }
}
