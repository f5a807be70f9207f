use super::clock::{self, Stopwatch};
use super::route::{Router, Routes};
use super::setup::Setup;
use super::stop::Stop;
use super::worker::Worker;
use crate::health::{Condition, Health, WorkerHealth};
use crate::kafka::{Fault, Member, Sources, TopicWatch};
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
    /// A pool without threads, which end when they are asked to.
    pub fn new(stop: &Stop) -> Self {
        Self {
            stop: stop.clone(),
            threads: Vec::new(),
        }
    }

    /// Starts `run.workers` threads, or one for each partition if these are fewer.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(setup: Setup, health: &Health, stop: &Stop) -> io::Result<Self> {
        let setup = Arc::new(setup);
        let mut pool = Self::new(stop);
        let healths = health.workers().into_iter();
        let mut healths = healths.take(setup.config.run.workers.into());
        let partitions = usize::try_from(setup.partitions).unwrap_or(0);
        let working: Vec<WorkerHealth> = healths.by_ref().take(partitions).collect();
        healths.for_each(|health| health.retire());
        let shared = Arc::clone(&setup);
        pool.spawn(
            "worker",
            working.into_iter(),
            move |stop, health, number| work(&shared, stop, health, number),
        )?;
        pool.watch("topics", move |stop| watch_topics(&setup, stop))?;
        Ok(pool)
    }

    /// Starts a router for each of these.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn route(
        &mut self,
        routes: Routes,
        healths: impl Iterator<Item = WorkerHealth>,
    ) -> io::Result<()> {
        let routes = Arc::new(routes);
        let shared = Arc::clone(&routes);
        self.spawn("router", healths, move |stop, health, number| {
            route(&shared, stop, health, number)
        })?;
        self.watch("sources", move |stop| watch_sources(&routes, stop))
    }

    fn spawn(
        &mut self,
        name: &'static str,
        healths: impl Iterator<Item = WorkerHealth>,
        work: impl Fn(&Stop, &WorkerHealth, usize) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> io::Result<()> {
        let work = Arc::new(work);
        for (number, health) in healths.enumerate() {
            let (work, stop) = (Arc::clone(&work), self.stop.clone());
            let thread = Builder::new().name(format!("{name}-{number}"));
            let spawned = thread.spawn(move || {
                let _span = tracing::info_span!("worker", kind = name, number).entered();
                let name = format!("{name} {number}");
                supervise(&name, &stop, &health, &|| work(&stop, &health, number));
            });
            match spawned {
                Ok(thread) => self.threads.push(thread),
                Err(error) => {
                    stop_all(self);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Starts a thread that nobody waits for at the end: it may be waiting for brokers.
    fn watch(&self, name: &str, look: impl FnOnce(&Stop) + Send + 'static) -> io::Result<()> {
        let stop = self.stop.clone();
        let thread = Builder::new().name(name.to_owned());
        thread.spawn(move || look(&stop)).map(drop)
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

/// Takes over topics that match `route.sources` since the last look, and ends the process when those of the feeds are not what
/// they were.
fn watch_sources(routes: &Routes, stop: &Stop) {
    while !stop.wait(TOPICS_INTERVAL) {
        match Sources::find(&routes.config) {
            Ok(sources) => {
                if let Err(reason) = routes.found(sources) {
                    error!("cannot go on: {reason}");
                    return stop.halt(reason);
                }
            }
            // The routers find out whether they can go on.
            Err(refusal) => troubles::warn("sources", &refusal.problems.join("; ")),
        }
    }
}

/// Runs a worker, and again after a fault that passes.
fn supervise(name: &str, stop: &Stop, health: &WorkerHealth, work: &dyn Fn() -> Result<(), Fault>) {
    let _guard = Guard(stop);
    let mut pause = RESTART_FIRST;
    while !stop.asked() {
        let watch = Stopwatch::start();
        let ended = work();
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
                let text = format!("{name} starts over in {} s: {reason}", pause.as_secs());
                troubles::warn(name, &text);
                wait(pause, stop, health);
                pause = RESTART_LAST.min(pause * 2);
            }
        }
    }
    info!("the {name} has ended");
}

/// Joins the routers' group and routes until the process is to end, or the router cannot go on.
fn route(routes: &Routes, stop: &Stop, health: &WorkerHealth, number: usize) -> Result<(), Fault> {
    let sources = routes.sources();
    if sources.topics.is_empty() {
        return until_topics_match(routes, stop, health);
    }
    let asked = || stop.asked();
    let member = Member::join(&routes.config, Arc::clone(&sources.topics), number, asked)?;
    let mut router = Router::new(routes, sources, stop, health, member);
    while router.turn()? {}
    Ok(())
}

/// Nothing can be read yet: no topic matches the patterns.
fn until_topics_match(routes: &Routes, stop: &Stop, health: &WorkerHealth) -> Result<(), Fault> {
    for condition in Condition::ALL {
        health.set(condition, true);
    }
    while routes.sources().topics.is_empty() {
        if stop.wait(BEAT) {
            return Ok(());
        }
        health.beat();
    }
    Err(Fault::Restart("topics match route.sources now".to_owned()))
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
