//! What happens to a process: it starts, has turns, is hit, and ends.

use super::faults::{Blow, Step};
use super::link::SimLink;
use super::seat::{Birth, Seat, State};
use super::stage::Stage;
use super::world::ProcessId;
use churnwatch::kafka::Fault;
use churnwatch::kafka::link::Link;
use object_store::ObjectStore;
use std::rc::Rc;
use std::sync::Arc;

impl<'a> Stage<'a> {
    /// Gives a turn to one of the processes that are due, or starts one.
    pub fn act(self: &Rc<Self>) {
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
                self.alive(process)?;
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
        let state = State {
            next_ms,
            leaves_ms,
            ..State::default()
        };
        self.seats.borrow_mut().push(Seat::new(name, state));
    }
}
