//! A world from its beginning to its end.

use super::scheduler::Scheduler;
use super::store::FaultyStore;
use std::rc::Rc;

/// How a run of a world ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Processes are asked to stop.
    Stop,
    /// Processes are killed.
    Kill,
}

/// Longest time that a world may take to come to rest when nothing goes wrong any more.
const REST_MS_MAX: i64 = 1_800_000;

/// Runs a world: faults go on until all input has come and for `trouble_ms` after it; then everything must be
/// processed; then the processes end.
///
/// # Errors
/// Why it did not come to rest.
pub fn play(
    scheduler: &Rc<Scheduler<'_>>,
    trouble_ms: i64,
    rest_ms: i64,
    end: Ending,
) -> Result<(), String> {
    let step_ms = scheduler.processes.nap_ms_max.max(500);
    let run = |ms| {
        scheduler.run_until(scheduler.now_ms() + ms);
        match &*scheduler.halted.borrow() {
            Some(reason) => Err(format!("halted: {reason}")),
            None => Ok(()),
        }
    };
    while scheduler.world.borrow().expected > 0 {
        run(step_ms)?;
    }
    run(trouble_ms)?;
    scheduler.world.borrow_mut().faults.over = true;
    scheduler.faulty_store.calm();
    scheduler.world.borrow_mut().note("calm", &[]);
    let until_ms = scheduler.now_ms() + REST_MS_MAX.max(20 * step_ms);
    while !at_rest(scheduler) {
        if scheduler.now_ms() > until_ms {
            return Err("did not come to rest".to_owned());
        }
        run(step_ms)?;
    }
    run(rest_ms)?;
    match end {
        Ending::Stop => {
            scheduler.ask_all_to_stop();
            run(60_000)?;
            if !scheduler.is_empty() {
                return Err("did not stop when asked to".to_owned());
            }
        }
        Ending::Kill => scheduler.kill_all(),
    }
    // What was left open times out.
    run(30_000)?;
    if !at_rest(scheduler) {
        return Err("did not stay at rest to the end".to_owned());
    }
    Ok(())
}

fn at_rest(scheduler: &Scheduler<'_>) -> bool {
    scheduler.world.borrow().is_drained()
}

/// Releases a scheduler, whose processes hold it. Returns what they wrote snapshots to.
pub fn release(scheduler: &Rc<Scheduler<'_>>) -> std::sync::Arc<FaultyStore> {
    scheduler.kill_all();
    std::sync::Arc::clone(&scheduler.faulty_store)
}
