//! Who runs when: processes take turns in virtual time, on one thread.
//!
//! A process has a turn by a call of [`Process::turn`], and everything it does in it goes through its link. Where a
//! call of the link takes time, because it waits or because the process is made to stand still in the middle of it,
//! the others have their turns meanwhile, on the same stack: that is how a process can be overtaken between writing
//! the records of a transaction and committing them.

use super::dice::Dice;
use super::faults::{Blow, Step};
use super::link::SimLink;
use super::store::{Job, Jobs, Shelf, Spawn};
use super::world::{ProcessId, World};
use churnwatch::kafka::Fault;
use churnwatch::kafka::link::Link;
use object_store::ObjectStore;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Processes that can be in the middle of a turn at the same time.
const TURNS_MAX: usize = 6;

/// A worker in a process of its own.
pub trait Process {
    /// Does something. False when it has ended because it was asked to.
    fn turn(&mut self) -> Result<bool, Fault>;

    /// Asks it to end.
    fn ask_to_stop(&self);
}

/// What a process is born with.
pub struct Birth<'a> {
    /// Its way to Kafka.
    pub link: SimLink<'a>,
    /// Where snapshots lie.
    pub store: Arc<dyn ObjectStore>,
    /// Does its background work.
    pub spawn: Spawn,
    /// Which start of all this is.
    pub start: ProcessId,
}

/// Makes processes.
pub type Midwife<'a> = Box<dyn Fn(Birth<'a>) -> Box<dyn Process + 'a> + 'a>;

/// How processes come and go.
#[derive(Debug, Clone)]
pub struct Conduct {
    /// Places that processes run in from the beginning, and again after they were killed.
    pub seats: usize,
    /// Whether they have a `group.instance.id`.
    pub named: bool,
    /// From the death of a process to the start of the next in its place: at most so many milliseconds.
    pub pause_ms: i64,
    /// Processes that start under new names, in a thousand.
    pub renamed: u32,
    /// Processes that come for some time: when they come and when they are asked to go, after the beginning.
    pub visits: Vec<(i64, i64)>,
    /// While a process stands still, another one is started under the same names.
    pub twins: bool,
    /// A process that has nothing to do sleeps longer and longer, up to this.
    pub nap_ms_max: i64,
}

/// A place for a process.
struct Seat<'a> {
    process: RefCell<Option<Box<dyn Process + 'a>>>,
    state: Cell<State>,
    name: RefCell<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    process: Option<ProcessId>,
    /// When it has its next turn, or when the next process starts; never, if none.
    next_ms: Option<i64>,
    /// It is in the middle of a turn.
    busy: bool,
    /// How long it wants to sleep after its turn.
    nap_ms: i64,
    /// How often in a row it found nothing to do.
    idle: u32,
    /// When it is asked to go.
    leaves_ms: Option<i64>,
    /// No other process follows.
    last: bool,
}

/// A world with processes in it.
pub struct Stage<'a> {
    pub world: RefCell<World>,
    pub shelf: Arc<Shelf>,
    pub conduct: Conduct,
    seats: RefCell<Vec<Rc<Seat<'a>>>>,
    midwife: Midwife<'a>,
    jobs: Jobs,
    jobs_due: RefCell<BTreeMap<(i64, u64), (ProcessId, Job)>>,
    jobs_seen: Cell<u64>,
    /// Told of every change of the time.
    clock: fn(i64),
    pub turns: Cell<u64>,
    /// Why a process said that only an operator can help.
    pub halted: RefCell<Option<String>>,
}

impl<'a> Stage<'a> {
    /// Puts processes into a world. They start within the first seconds.
    pub fn new(
        world: World,
        shelf: Arc<Shelf>,
        conduct: Conduct,
        midwife: Midwife<'a>,
        clock: fn(i64),
    ) -> Rc<Self> {
        let begins_ms = world.now_ms;
        let stage = Self {
            world: RefCell::new(world),
            shelf,
            seats: RefCell::default(),
            midwife,
            jobs: Jobs::default(),
            jobs_due: RefCell::default(),
            jobs_seen: Cell::new(0),
            clock,
            turns: Cell::new(0),
            halted: RefCell::new(None),
            conduct,
        };
        for number in 0..stage.conduct.seats {
            let next_ms = Some(begins_ms + stage.dice(|dice| dice.between(0, 2_000)));
            stage.seat(
                format!("w{number}"),
                State {
                    next_ms,
                    ..State::default()
                },
            );
        }
        for (number, (comes_ms, goes_ms)) in stage.conduct.visits.iter().enumerate() {
            let next_ms = Some(begins_ms + comes_ms);
            let leaves_ms = Some(begins_ms + goes_ms);
            stage.seat(
                format!("v{number}"),
                State {
                    next_ms,
                    leaves_ms,
                    ..State::default()
                },
            );
        }
        clock(begins_ms);
        Rc::new(stage)
    }

    fn seat(&self, name: String, state: State) {
        let process = RefCell::new(None);
        let seat = Seat {
            process,
            state: Cell::new(state),
            name: RefCell::new(name),
        };
        self.seats.borrow_mut().push(Rc::new(seat));
    }

    fn dice<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.world.borrow_mut().dice)
    }

    /// The time.
    pub fn now_ms(&self) -> i64 {
        self.world.borrow().now_ms
    }

    /// Lets the world go on until a time, and the processes in it that are not in the middle of a turn.
    pub fn run_until(self: &Rc<Self>, until_ms: i64) {
        loop {
            self.collect_jobs();
            let next_ms = self.next_ms().filter(|next_ms| *next_ms <= until_ms);
            let to_ms = next_ms.unwrap_or(until_ms);
            let stirred = {
                let mut world = self.world.borrow_mut();
                world.advance(to_ms);
                std::mem::take(&mut world.stirred)
            };
            (self.clock)(self.now_ms());
            if stirred {
                self.wake_all();
            }
            if next_ms.is_none() || self.halted.borrow().is_some() {
                return;
            }
            self.work();
            self.act();
        }
    }

    /// What is due next: a timer, a turn, a piece of background work.
    fn next_ms(&self) -> Option<i64> {
        let timer = self.world.borrow().next_timer_ms();
        let job = self
            .jobs_due
            .borrow()
            .first_key_value()
            .map(|((at_ms, _), _)| *at_ms);
        let seats = self.seats.borrow();
        let turns = seats
            .iter()
            .map(|seat| seat.state.get())
            .filter(|state| !state.busy && !self.is_deep());
        turns
            .filter_map(|state| state.next_ms)
            .chain(timer)
            .chain(job)
            .min()
    }

    /// Whether so many processes are in the middle of a turn that the others have to wait: turns in the middle of others
    /// lie on one stack.
    fn is_deep(&self) -> bool {
        let seats = self.seats.borrow();
        seats.iter().filter(|seat| seat.state.get().busy).count() >= TURNS_MAX
    }

    fn wake_all(&self) {
        for seat in self.seats.borrow().iter() {
            let mut state = seat.state.get();
            if state.process.is_some() && !state.busy {
                let soon_ms = self.now_ms() + self.dice(|dice| dice.between(1, 20));
                state.next_ms = state.next_ms.map(|next_ms| next_ms.min(soon_ms));
                state.idle = 0;
                seat.state.set(state);
            }
        }
    }

    /// Finds a time for background work that was begun.
    fn collect_jobs(&self) {
        for (process, job) in self.jobs.take() {
            let delay_ms = self.dice(|dice| dice.between(1, 3_000));
            self.put_off(process, job, delay_ms);
        }
    }

    fn put_off(&self, process: ProcessId, job: Job, delay_ms: i64) {
        self.jobs_seen.set(self.jobs_seen.get() + 1);
        let due = (self.now_ms() + delay_ms, self.jobs_seen.get());
        self.jobs_due.borrow_mut().insert(due, (process, job));
    }

    /// Does the background work that is due. That of a dead process is forgotten, that of one that stands still waits.
    fn work(&self) {
        loop {
            let now_ms = self.now_ms();
            let mut due = self.jobs_due.borrow_mut();
            let Some(entry) = due.first_entry().filter(|job| job.key().0 <= now_ms) else {
                return;
            };
            let (process, job) = entry.remove();
            drop(due);
            let (dead, silent) = {
                let client = &self.world.borrow().clients[process];
                (client.dead, client.silent_since_ms.is_some())
            };
            if dead {
                continue;
            }
            if silent {
                self.put_off(process, job, 100);
                continue;
            }
            job();
            let killed = self.shelf.killed();
            let mut world = self.world.borrow_mut();
            world.note("job", &[process as i64, killed.into()]);
            if killed {
                world.kill(process);
            }
            world.stirred = true;
        }
    }

    /// Gives a turn to one of the processes that are due, or starts one.
    fn act(self: &Rc<Self>) {
        let now_ms = self.now_ms();
        let seats: Vec<Rc<Seat<'a>>> = self.seats.borrow().clone();
        let due = |seat: &&Rc<Seat<'a>>| {
            let state = seat.state.get();
            !state.busy && state.next_ms.is_some_and(|next_ms| next_ms <= now_ms)
        };
        let due: Vec<&Rc<Seat<'a>>> = seats.iter().filter(due).collect();
        if due.is_empty() || self.is_deep() {
            return;
        }
        let chosen = due[self.dice(|dice| dice.below(due.len() as u64)) as usize];
        let number = seats
            .iter()
            .position(|seat| Rc::ptr_eq(seat, chosen))
            .unwrap_or_default();
        match chosen.state.get().process {
            Some(process) => self.turn(chosen, process),
            None => self.start(chosen, number),
        }
    }

    fn start(self: &Rc<Self>, seat: &Rc<Seat<'a>>, number: usize) {
        let renamed = self.dice(|dice| dice.chance(self.conduct.renamed));
        if renamed {
            seat.name.borrow_mut().push('+');
        }
        let name: Rc<str> = seat.name.borrow().as_str().into();
        let instance = self.conduct.named.then(|| Rc::clone(&name));
        let process = self.world.borrow_mut().add_client(instance);
        let before = seat.state.get();
        seat.state.set(State {
            process: Some(process),
            busy: true,
            idle: 0,
            ..before
        });
        // As the client does: what a predecessor left open is settled before anything is read.
        let mut link = SimLink::new(Rc::clone(self), number, process, name);
        let connected = link
            .fence()
            .and_then(|connected| connected.map_err(Fault::Restart));
        let mut state = seat.state.get();
        state.busy = false;
        state.next_ms = Some(self.now_ms());
        match connected {
            Ok(()) => {
                self.world.borrow_mut().subscribe(process);
                let birth = Birth {
                    link,
                    store: Arc::clone(&self.shelf) as Arc<dyn ObjectStore>,
                    spawn: self.jobs.spawn(process),
                    start: process,
                };
                let born = (self.midwife)(birth);
                *seat.process.borrow_mut() = Some(born);
            }
            Err(fault) => {
                drop(link);
                state.process = None;
                state.next_ms = self.follow_up(Some(fault), state.last);
            }
        }
        seat.state.set(state);
    }

    fn turn(self: &Rc<Self>, seat: &Rc<Seat<'a>>, process: ProcessId) {
        self.turns.set(self.turns.get() + 1);
        let before = seat.state.get();
        let leaves = before
            .leaves_ms
            .is_some_and(|leaves_ms| leaves_ms <= self.now_ms());
        seat.state.set(State {
            busy: true,
            nap_ms: 0,
            last: before.last || leaves,
            ..before
        });
        let result = match &mut *seat.process.borrow_mut() {
            Some(running) => {
                if leaves {
                    running.ask_to_stop();
                }
                running.turn()
            }
            None => Ok(false),
        };
        let mut state = seat.state.get();
        state.busy = false;
        let dead = self.world.borrow().clients[process].dead;
        let cost_ms = self.dice(|dice| dice.between(0, 4));
        state.next_ms = match result {
            Ok(true) if !dead => Some(self.now_ms() + cost_ms + state.nap_ms),
            result => {
                // The world is not borrowed here: a process that is dropped closes its client.
                drop(seat.process.borrow_mut().take());
                state.process = None;
                self.follow_up(result.err().filter(|_| !dead), state.last)
            }
        };
        seat.state.set(state);
    }

    /// When the next process starts in the place of one that has ended.
    fn follow_up(&self, fault: Option<Fault>, last: bool) -> Option<i64> {
        if let Some(fault) = fault {
            let text = fault.to_string();
            let mut world = self.world.borrow_mut();
            let now_ms = world.now_ms;
            world.trace.note(now_ms, "fault", &[], text.as_bytes());
            if let Fault::Halt(reason) = fault {
                self.halted.borrow_mut().get_or_insert(reason);
            }
        }
        let pause_ms = self.dice(|dice| dice.between(10, self.conduct.pause_ms.max(10)));
        (!last).then_some(self.now_ms() + pause_ms)
    }

    /// Time passes for a process in the middle of a turn.
    pub fn pass(self: &Rc<Self>, pause_ms: i64) {
        self.run_until(self.now_ms() + pause_ms);
    }

    /// A process has no records to take: its next turn comes later, and the later the longer that lasts. One that has
    /// other work, and would not wait, is slowed down a little as well.
    pub fn nap(&self, seat: usize, wait_ms: i64) {
        let Some(seat) = self.seats.borrow().get(seat).map(Rc::clone) else {
            return;
        };
        let mut state = seat.state.get();
        let (first_ms, most_ms) = match wait_ms {
            0 => (1, 100),
            _ => (wait_ms, self.conduct.nap_ms_max.max(wait_ms)),
        };
        state.nap_ms = most_ms.min(first_ms << state.idle.min(30));
        state.idle += 1;
        seat.state.set(state);
    }

    /// A process has something to do.
    pub fn stir(&self, seat: usize) {
        if let Some(seat) = self.seats.borrow().get(seat) {
            seat.state.set(State {
                idle: 0,
                nap_ms: 0,
                ..seat.state.get()
            });
        }
    }

    /// A process comes to a step, where it may be hit.
    ///
    /// # Errors
    /// It is dead; nothing that it does now reaches anybody.
    pub fn step(self: &Rc<Self>, seat: usize, process: ProcessId, step: Step) -> Result<(), Fault> {
        self.alive(process)?;
        let blow = self.world.borrow_mut().blow(step);
        self.suffer(seat, process, step, blow)
    }

    /// A process is hit, or not.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn suffer(
        self: &Rc<Self>,
        seat: usize,
        process: ProcessId,
        step: Step,
        blow: Option<Blow>,
    ) -> Result<(), Fault> {
        match blow {
            None => {}
            Some(Blow::Crash) => {
                let mut world = self.world.borrow_mut();
                world.note("crash", &[process as i64, step as i64]);
                world.kill(process);
            }
            Some(Blow::Stall(ms)) => {
                {
                    let mut world = self.world.borrow_mut();
                    world.note("stall", &[process as i64, step as i64, ms]);
                    world.fall_silent(process);
                }
                if self.conduct.twins && ms > 1_000 {
                    self.start_twin(seat);
                }
                self.pass(ms);
                self.world.borrow_mut().revive(process);
            }
        }
        self.alive(process)
    }

    /// Whether a process lives.
    ///
    /// # Errors
    /// It does not.
    pub fn alive(&self, process: ProcessId) -> Result<(), Fault> {
        if self.world.borrow().clients[process].dead {
            return Err(Fault::Restart("killed".to_owned()));
        }
        Ok(())
    }

    /// Starts another process under the names of one that stands still, as a supervisor does that takes it for dead.
    /// Whatever becomes of the first, nobody starts it again.
    fn start_twin(&self, seat: usize) {
        let Some(first) = self.seats.borrow().get(seat).map(Rc::clone) else {
            return;
        };
        let state = first.state.get();
        if state.last {
            return;
        }
        first.state.set(State {
            last: true,
            ..state
        });
        let next_ms = Some(self.now_ms() + self.dice(|dice| dice.between(100, 1_000)));
        let leaves_ms = state.leaves_ms;
        let name = first.name.borrow().clone();
        self.seat(
            name,
            State {
                next_ms,
                leaves_ms,
                ..State::default()
            },
        );
    }

    /// Asks all processes to end, and starts no more.
    pub fn ask_all_to_stop(&self) {
        let now_ms = self.now_ms();
        for seat in self.seats.borrow().iter() {
            let mut state = seat.state.get();
            state.last = true;
            state.leaves_ms = Some(now_ms);
            state.next_ms = state.process.map(|_| now_ms);
            seat.state.set(state);
        }
    }

    /// Kills all processes, and starts no more.
    pub fn kill_all(&self) {
        for seat in self.seats.borrow().iter() {
            let state = seat.state.replace(State::default());
            if let Some(process) = state.process {
                self.world.borrow_mut().kill(process);
            }
            drop(seat.process.borrow_mut().take());
        }
    }

    /// Whether no process is left.
    pub fn is_empty(&self) -> bool {
        let seats = self.seats.borrow();
        seats.iter().all(|seat| seat.state.get().process.is_none())
    }
}
