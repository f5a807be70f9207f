//! The shard as an image holds it, and back.

use super::Shard;
use super::shadow::Shadow;
use crate::engine::image::{Header, IMAGE_FORMAT, Image, LoadedImage, State};
use crate::engine::rules::Rules;
use crate::engine::state::pages::PAGE;
use crate::engine::state::store::RelocatedState;
use crate::engine::state::trigger_state::DENSE;
use crate::engine::triggers::REGISTRY;
use std::sync::Arc;

impl Shard {
    /// The shard as it is now. Takes time for the number of pages and open tasks, a few milliseconds for a million
    /// subscribers; afterwards the first change of each page copies it.
    pub fn image(&mut self) -> Image {
        let window_days = self.rules.window.days;
        let (subscribers, pseudonyms) = self.store.image();
        let accounts = self.accounts.image();
        let shadow = self.shadow.image();
        Image {
            header: Header {
                format: IMAGE_FORMAT,
                window_days,
                page: PAGE as u16,
                triggers: REGISTRY.iter().map(|r| r.name.to_owned()).collect(),
                dense: DENSE as u16,
                subscribers: self.store.len(),
                accounts: accounts.items() as u32,
                pseudonyms: pseudonyms.items() as u32,
                tasks: self.taskbook.open_tasks() as u32,
                shadow: shadow.items() as u32,
                contact_histories: self.taskbook.contact_histories() as u32,
                candidates: self.taskbook.waiting() as u32,
                vacant: self.store.vacant(),
            },
            state: self.state(),
            book: self.taskbook.clone(),
            pseudonyms,
            accounts,
            subscribers,
            shadow,
            groups: self.groups.clone(),
            erased: self.erased,
        }
    }

    /// The shard of an image, under some rules; like [`adopt`](Self::adopt) if they are others than the image's.
    pub fn restored(image: LoadedImage, rules: Arc<Rules>) -> Self {
        let state = image.state;
        let mut shard = Self::new(rules.clone());
        shard.stats.machines = image.store.machines() as u64;
        shard.stats.forgotten = state.forgotten_ever;
        shard.stats.day_closes = state.day_closes;
        shard.stats.outage_days = state.outage_days;
        shard.forgotten = state.forgotten;
        shard.store = image.store;
        shard.accounts = image.accounts;
        shard.taskbook = image.taskbook;
        shard.shadow = Shadow::restored(image.shadow);
        shard.names = image.names;
        shard.groups = image.groups;
        shard.inputs = state.inputs;
        shard.now = state.now;
        shard.clock = state.clock;
        shard.closed = state.closed;
        shard.closing = state.closing;
        shard.counts = state.counts;
        shard.watermarks = state.watermarks;
        shard.population = state.population;
        shard.collecting = state.collecting;
        for (page, relocated) in image.relocated.into_iter().enumerate() {
            for RelocatedState { at, place, state } in relocated {
                shard.keep_state((page * PAGE + at) as u32, place, state);
            }
        }
        shard.adopt(rules);
        shard
    }

    fn state(&self) -> State {
        State {
            now: self.now,
            clock: self.clock,
            closed: self.closed,
            closing: self.closing,
            inputs: self.inputs,
            counts: self.counts,
            forgotten: self.forgotten,
            forgotten_ever: self.stats.forgotten,
            day_closes: self.stats.day_closes,
            outage_days: self.stats.outage_days,
            watermarks: self.watermarks.clone(),
            population: self.population.clone(),
            collecting: self.collecting,
            urgent: self.taskbook.urgent,
            loads: self.taskbook.loads.clone(),
        }
    }
}
