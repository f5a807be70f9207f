//! Processes, the places they run in, and how they come and go.

use super::link::SimLink;
use super::store::Spawn;
use super::world::ProcessId;
use churnwatch::kafka::Fault;
use object_store::ObjectStore;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// A worker in a process of its own.
pub trait Process {
    /// Does something. False when it has ended because it was asked to.
    fn turn(&mut self) -> Result<bool, Fault>;

    /// Asks it to end.
    fn ask_to_stop(&self);
}

/// What a process is started with.
pub struct ProcessContext<'a> {
    /// Its way to Kafka.
    pub link: SimLink<'a>,
    /// Where snapshots lie.
    pub store: Arc<dyn ObjectStore>,
    /// Does its background work.
    pub spawn: Spawn,
    /// Which start of all this is.
    pub start: ProcessId,
}

/// Starts a process.
pub type StartProcess<'a> = Box<dyn Fn(ProcessContext<'a>) -> Box<dyn Process + 'a> + 'a>;

/// How processes come and go.
#[derive(Debug, Clone)]
pub struct ProcessPlan {
    /// Places that processes run in from the beginning, and again after they were killed.
    pub slots: usize,
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

/// A place for a process: who is in it, and when it acts.
pub struct ProcessSlot<'a> {
    pub process: RefCell<Option<Box<dyn Process + 'a>>>,
    pub state: Cell<State>,
    pub name: RefCell<String>,
}

/// What is known of the process in a slot.
#[derive(Debug, Clone, Copy, Default)]
pub struct State {
    pub process: Option<ProcessId>,
    /// When it has its next turn, or when the next process starts; never, if none.
    pub next_ms: Option<i64>,
    /// It is in the middle of a turn.
    pub busy: bool,
    /// How long it wants to sleep after its turn.
    pub nap_ms: i64,
    /// How often in a row it found nothing to do.
    pub idle: u32,
    /// When it is asked to go.
    pub leaves_ms: Option<i64>,
    /// No other process follows.
    pub last: bool,
}

impl<'a> ProcessSlot<'a> {
    /// An empty slot.
    pub fn new(name: String, state: State) -> Rc<Self> {
        let process = RefCell::new(None);
        let (state, name) = (Cell::new(state), RefCell::new(name));
        Rc::new(Self {
            process,
            state,
            name,
        })
    }
}
