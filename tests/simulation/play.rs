//! A world from its beginning to its end.

use super::stage::Stage;
use super::store::Shelf;
use std::rc::Rc;

/// How a play ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curtain {
    /// Processes are asked to stop.
    Stop,
    /// Processes are killed.
    Kill,
}

/// Longest time that a world may take to come to rest when nothing goes wrong any more.
const REST_MS_MAX: i64 = 1_800_000;

/// Plays a world: faults go on until all input has come and for `trouble_ms` after it; then everything must be
/// processed; then the processes end.
///
/// # Errors
/// Why it did not come to rest.
pub fn play(
    stage: &Rc<Stage<'_>>,
    trouble_ms: i64,
    rest_ms: i64,
    end: Curtain,
) -> Result<(), String> {
    let step_ms = stage.conduct.nap_ms_max.max(500);
    let run = |ms| {
        stage.run_until(stage.now_ms() + ms);
        match &*stage.halted.borrow() {
            Some(reason) => Err(format!("halted: {reason}")),
            None => Ok(()),
        }
    };
    while stage.world.borrow().expected > 0 {
        run(step_ms)?;
    }
    run(trouble_ms)?;
    stage.world.borrow_mut().faults.over = true;
    stage.shelf.calm();
    stage.world.borrow_mut().note("calm", &[]);
    let until_ms = stage.now_ms() + REST_MS_MAX.max(20 * step_ms);
    while !at_rest(stage) {
        if stage.now_ms() > until_ms {
            return Err("did not come to rest".to_owned());
        }
        run(step_ms)?;
    }
    run(rest_ms)?;
    match end {
        Curtain::Stop => {
            stage.ask_all_to_stop();
            run(60_000)?;
            if !stage.is_empty() {
                return Err("did not stop when asked to".to_owned());
            }
        }
        Curtain::Kill => stage.kill_all(),
    }
    // What was left open times out.
    run(30_000)?;
    if !at_rest(stage) {
        return Err("did not stay at rest to the end".to_owned());
    }
    Ok(())
}

fn at_rest(stage: &Stage<'_>) -> bool {
    stage.world.borrow().is_drained()
}

/// Releases a stage, whose processes hold it. Returns what they wrote snapshots to.
pub fn strike(stage: &Rc<Stage<'_>>) -> std::sync::Arc<Shelf> {
    stage.kill_all();
    std::sync::Arc::clone(&stage.shelf)
}
