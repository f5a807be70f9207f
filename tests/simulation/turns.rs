//! What happens to a process: it starts, has turns, is hit, and ends.

use super::faults::{Disruption, Step};
use super::link::SimLink;
use super::scheduler::Scheduler;
use super::slot::{ProcessContext, ProcessSlot, State};
use super::world::ProcessId;
use churnwatch::kafka::Fault;
use churnwatch::kafka::link::Link;
use object_store::ObjectStore;
use std::rc::Rc;
use std::sync::Arc;

impl<'a> Scheduler<'a> {
    /// Gives a turn to one of the processes that are due, or starts one.
    pub fn act(self: &Rc<Self>) {
        let now_ms = self.now_ms();
        let slots: Vec<Rc<ProcessSlot<'a>>> = self.slots.borrow().clone();
        let due = |slot: &&Rc<ProcessSlot<'a>>| {
            let state = slot.state.get();
            !state.busy && state.next_ms.is_some_and(|next_ms| next_ms <= now_ms)
        };
        let due: Vec<&Rc<ProcessSlot<'a>>> = slots.iter().filter(due).collect();
        if due.is_empty() || self.is_deep() {
            return;
        }
        let chosen = due[self.dice(|dice| dice.below(due.len() as u64)) as usize];
        let number = slots
            .iter()
            .position(|slot| Rc::ptr_eq(slot, chosen))
            .unwrap_or_default();
        match chosen.state.get().process {
            Some(process) => self.turn(chosen, process),
            None => self.start(chosen, number),
        }
    }

    fn start(self: &Rc<Self>, slot: &Rc<ProcessSlot<'a>>, number: usize) {
        let renamed = self.dice(|dice| dice.chance(self.processes.renamed));
        if renamed {
            slot.name.borrow_mut().push('+');
        }
        let name: Rc<str> = slot.name.borrow().as_str().into();
        let instance = self.processes.named.then(|| Rc::clone(&name));
        let process = self.world.borrow_mut().add_client(instance);
        let before = slot.state.get();
        slot.state.set(State {
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
        let mut state = slot.state.get();
        state.busy = false;
        state.next_ms = Some(self.now_ms());
        match connected {
            Ok(()) => {
                self.world.borrow_mut().subscribe(process);
                let context = ProcessContext {
                    link,
                    store: Arc::clone(&self.faulty_store) as Arc<dyn ObjectStore>,
                    spawn: self.jobs.spawn(process),
                    start: process,
                };
                let born = (self.start_process)(context);
                *slot.process.borrow_mut() = Some(born);
            }
            Err(fault) => {
                drop(link);
                state.process = None;
                state.next_ms = self.follow_up(Some(fault), state.last);
            }
        }
        slot.state.set(state);
    }

    fn turn(self: &Rc<Self>, slot: &Rc<ProcessSlot<'a>>, process: ProcessId) {
        self.turns.set(self.turns.get() + 1);
        let before = slot.state.get();
        let leaves = before
            .leaves_ms
            .is_some_and(|leaves_ms| leaves_ms <= self.now_ms());
        slot.state.set(State {
            busy: true,
            nap_ms: 0,
            last: before.last || leaves,
            ..before
        });
        let result = match &mut *slot.process.borrow_mut() {
            Some(running) => {
                if leaves {
                    running.ask_to_stop();
                }
                running.turn()
            }
            None => Ok(false),
        };
        let mut state = slot.state.get();
        state.busy = false;
        let dead = self.world.borrow().clients[process].dead;
        let cost_ms = self.dice(|dice| dice.between(0, 4));
        state.next_ms = match result {
            Ok(true) if !dead => Some(self.now_ms() + cost_ms + state.nap_ms),
            result => {
                // The world is not borrowed here: a process that is dropped closes its client.
                drop(slot.process.borrow_mut().take());
                state.process = None;
                self.follow_up(result.err().filter(|_| !dead), state.last)
            }
        };
        slot.state.set(state);
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
        let pause_ms = self.dice(|dice| dice.between(10, self.processes.pause_ms.max(10)));
        (!last).then_some(self.now_ms() + pause_ms)
    }

    /// A process has no records to take: its next turn comes later, and the later the longer that lasts. One that has
    /// other work, and would not wait, is slowed down a little as well.
    pub fn nap(&self, slot: usize, wait_ms: i64) {
        let Some(slot) = self.slots.borrow().get(slot).map(Rc::clone) else {
            return;
        };
        let mut state = slot.state.get();
        let (first_ms, most_ms) = match wait_ms {
            0 => (1, 100),
            _ => (wait_ms, self.processes.nap_ms_max.max(wait_ms)),
        };
        state.nap_ms = most_ms.min(first_ms << state.idle.min(30));
        state.idle += 1;
        slot.state.set(state);
    }

    /// A process has something to do.
    pub fn stir(&self, slot: usize) {
        if let Some(slot) = self.slots.borrow().get(slot) {
            slot.state.set(State {
                idle: 0,
                nap_ms: 0,
                ..slot.state.get()
            });
        }
    }

    /// A process comes to a step, where it may be hit.
    ///
    /// # Errors
    /// It is dead; nothing that it does now reaches anybody.
    pub fn step(self: &Rc<Self>, slot: usize, process: ProcessId, step: Step) -> Result<(), Fault> {
        self.alive(process)?;
        let disruption = self.world.borrow_mut().disruption(step);
        self.suffer(slot, process, step, disruption)
    }

    /// A process is hit, or not.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn suffer(
        self: &Rc<Self>,
        slot: usize,
        process: ProcessId,
        step: Step,
        disruption: Option<Disruption>,
    ) -> Result<(), Fault> {
        match disruption {
            None => {}
            Some(Disruption::Crash) => {
                let mut world = self.world.borrow_mut();
                world.note("crash", &[process as i64, step as i64]);
                world.kill(process);
            }
            Some(Disruption::Stall(ms)) => {
                {
                    let mut world = self.world.borrow_mut();
                    world.note("stall", &[process as i64, step as i64, ms]);
                    world.fall_silent(process);
                }
                if self.processes.twins && ms > 1_000 {
                    self.start_twin(slot);
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
    fn start_twin(&self, slot: usize) {
        let Some(first) = self.slots.borrow().get(slot).map(Rc::clone) else {
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
        self.slots.borrow_mut().push(ProcessSlot::new(name, state));
    }
}
