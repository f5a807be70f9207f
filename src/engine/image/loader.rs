use super::state::{Former, Header, State};
use super::{BOOK, IMAGE_FORMAT, ImageError, Kind, Problem, bytes, legacy};
use crate::engine::account::{Account, Interner};
use crate::engine::pages::{List, PAGE};
use crate::engine::policy::{Candidate, ContactHistoryRecord, Tally, Taskbook, TaskbookRecord};
use crate::engine::shadow::{self, Shadow};
use crate::engine::store::{Displaced, Page, Store};
use crate::engine::triggers::{self, SparseStates};
use crate::engine::{Rules, Shard};
use crate::model::{Msisdn, Task};
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Puts sections together to a shard. Nothing they say is trusted: whatever the bytes are, they give a shard or an error,
/// and take no more memory than a small multiple of their own length.
///
/// Sections come in the order in which they were written: a full image's, then those of later images limited to what
/// changed since the one before. A later section takes the place of an earlier one of the same kind and index.
pub struct ImageLoader {
    format: u16,
    header: Option<Header>,
    /// By trigger of the header, its place in the registry; none for one that this program does not have.
    triggers: Vec<Option<usize>>,
    state: Option<State>,
    tasks: Vec<Vec<(u32, Task)>>,
    pseudonyms: Vec<Vec<Msisdn>>,
    accounts: Vec<Vec<Account>>,
    subscribers: Vec<Page>,
    /// By page of subscribers.
    displaced: Vec<Vec<Displaced>>,
    shadow: Vec<Vec<SparseStates>>,
    contact_histories: Vec<Vec<(u32, ContactHistoryRecord)>>,
    candidates: Vec<Vec<(u32, Candidate)>>,
    tally: Option<Tally>,
    names: Interner,
}

/// Days of a window that could ever have been configured.
const WINDOW_DAYS: std::ops::RangeInclusive<u16> = 1..=366;
/// Revisions a task can have had.
const REVISIONS_MAX: u32 = 1 << 31;

impl ImageLoader {
    /// Nothing yet, of sections in a format.
    pub fn new(format: u16) -> Self {
        Self {
            format,
            header: None,
            triggers: Vec::new(),
            state: None,
            tasks: Vec::new(),
            pseudonyms: Vec::new(),
            accounts: Vec::new(),
            subscribers: Vec::new(),
            displaced: Vec::new(),
            shadow: Vec::new(),
            contact_histories: Vec::new(),
            candidates: Vec::new(),
            tally: None,
            names: Interner::default(),
        }
    }

    /// Takes one section.
    ///
    /// # Errors
    /// [`ImageError`] if the format or kind is not known, a section before it is missing, or its bytes are not what they
    /// should be. The assembly is of no use then.
    pub fn take(&mut self, kind: u8, index: u32, bytes: &[u8]) -> Result<(), ImageError> {
        if !(1..=IMAGE_FORMAT).contains(&self.format) {
            return Err(ImageError::Format(self.format));
        }
        let kind = Kind::from_number(kind).ok_or(ImageError::Kind(kind))?;
        let taken = self.take_section(kind, index, bytes);
        taken.map_err(|problem| ImageError::Section {
            name: kind.name(),
            index,
            problem,
        })
    }

    fn take_section(&mut self, kind: Kind, index: u32, bytes: &[u8]) -> Result<(), Problem> {
        match (kind, &self.header) {
            (Kind::Header, _) if self.format == 1 => {
                self.take_header(from_postcard::<legacy::Header1>(bytes)?.into())
            }
            (Kind::Header, _) if self.format == 2 => {
                self.take_header(from_postcard::<legacy::Header2>(bytes)?.into())
            }
            (Kind::Header, _) => self.take_header(from_postcard(bytes)?),
            (_, None) => Err("comes before the header"),
            (Kind::State, _) => {
                let state: State = match self.format {
                    1 | 2 => from_postcard::<Former>(bytes)?.into(),
                    _ => from_postcard(bytes)?,
                };
                state.check()?;
                self.state = Some(state);
                Ok(())
            }
            (Kind::Tasks, _) => {
                let tasks = match self.format {
                    1 => former_tasks::<legacy::Task1>(bytes)?,
                    2 => former_tasks::<legacy::Task2>(bytes)?,
                    _ => from_postcard(bytes)?,
                };
                put(&mut self.tasks, index, tasks)
            }
            (Kind::ContactHistories, _) => {
                put(&mut self.contact_histories, index, from_postcard(bytes)?)
            }
            (Kind::Candidates, _) => put(&mut self.candidates, index, from_postcard(bytes)?),
            (Kind::Tally, _) => {
                self.tally = Some(from_postcard(bytes)?);
                Ok(())
            }
            (Kind::Pseudonyms, _) => {
                let page = bytes::from_list(self.format, bytes)?;
                put(&mut self.pseudonyms, index, page)
            }
            (Kind::Accounts, _) => {
                let page = Account::decode(self.format, bytes, &self.triggers, &mut self.names)?;
                put(&mut self.accounts, index, page)
            }
            (Kind::Subscribers, Some(header)) => {
                let days = usize::from(header.window_days);
                let dense = self.triggers.get(..usize::from(header.dense));
                let dense = dense.ok_or("comes behind a header that names too few triggers")?;
                let (page, displaced) = Page::decode(self.format, bytes, days, dense)?;
                put(&mut self.subscribers, index, page)?;
                put(&mut self.displaced, index, displaced)
            }
            (Kind::Shadow, _) => {
                let page = shadow::decode(self.format, bytes, &self.triggers)?;
                put(&mut self.shadow, index, page)
            }
        }
    }

    fn take_header(&mut self, header: Header) -> Result<(), Problem> {
        if header.format != self.format {
            return Err("states another format than its container");
        }
        if !WINDOW_DAYS.contains(&header.window_days) {
            return Err("states a window of an impossible length");
        }
        if usize::from(header.page) != PAGE {
            return Err("states pages of another size");
        }
        let place = |name: &String| triggers::index_of(name);
        self.triggers = header.triggers.iter().map(place).collect();
        self.header = Some(header);
        Ok(())
    }

    /// The shard of the sections taken, under some rules; like [`Shard::adopt`] if they are others than the image's.
    ///
    /// # Errors
    /// [`ImageError`] if sections are missing or contradict each other.
    pub fn finish(self, rules: Arc<Rules>) -> Result<Shard, ImageError> {
        self.into_shard(rules).map_err(ImageError::Whole)
    }

    fn into_shard(mut self, rules: Arc<Rules>) -> Result<Shard, Problem> {
        let header = self.header.ok_or("has no header")?;
        let state = self.state.ok_or("has no state")?;
        if self.format > 2 && self.tally.is_none() {
            return Err("has no tally");
        }
        // There may have been more of it before: tasks, pseudonyms of the erased, shadow rules at all.
        truncate(&mut self.tasks, header.tasks, BOOK);
        truncate(&mut self.contact_histories, header.contact_histories, BOOK);
        truncate(&mut self.candidates, header.candidates, BOOK);
        truncate(&mut self.pseudonyms, header.pseudonyms, PAGE);
        truncate(&mut self.shadow, header.shadow, PAGE);
        let mut shard = Shard::new(rules.clone());
        shard.store = Store::restored(header.window_days, self.subscribers, self.pseudonyms)?;
        shard.accounts = List::restored(self.accounts, Vec::len)?;
        let record = TaskbookRecord {
            tasks: self.tasks.into_iter().flatten().collect(),
            contact_histories: self.contact_histories.into_iter().flatten().collect(),
            candidates: self.candidates.into_iter().flatten().collect(),
            tally: self.tally,
        };
        shard.taskbook = Taskbook::restored(record, state.urgent)?;
        shard.shadow = Shadow::restored(self.shadow)?;
        shard.stats.robots = shard.store.robots() as u64;
        shard.names = self.names;
        state.restore(&mut shard);
        check(&shard, &header)?;
        for (page, displaced) in self.displaced.into_iter().enumerate() {
            for Displaced { at, place, memory } in displaced {
                shard.remember((page * PAGE + at) as u32, place, memory);
            }
        }
        shard.adopt(rules);
        Ok(shard)
    }
}

/// Puts a section in its place: that of an earlier one, or behind the last.
fn put<T>(sections: &mut Vec<T>, index: u32, section: T) -> Result<(), Problem> {
    let next = sections.len();
    match sections.get_mut(index as usize) {
        Some(earlier) => *earlier = section,
        None if next == index as usize => sections.push(section),
        None => return Err("comes without the one before it"),
    }
    Ok(())
}

/// As many sections as hold so many entries, without those of an earlier image behind them.
fn truncate<T>(sections: &mut Vec<T>, entries: u32, per_section: usize) {
    sections.truncate((entries as usize).div_ceil(per_section));
}

/// Tasks of an earlier format.
fn former_tasks<T>(bytes: &[u8]) -> Result<Vec<(u32, Task)>, Problem>
where
    T: DeserializeOwned + TryInto<Task, Error = Problem>,
{
    let tasks: Vec<(u32, T)> = from_postcard(bytes)?;
    let tasks = tasks.into_iter();
    tasks
        .map(|(slot, task)| Ok((slot, task.try_into()?)))
        .collect()
}

fn from_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err("is longer than it should be"),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err("is cut short"),
        Err(_) => Err("is not what it should be"),
    }
}

/// Refuses parts that contradict each other.
fn check(shard: &Shard, header: &Header) -> Result<(), Problem> {
    let store = &shard.store;
    if [store.len(), store.vacant()] != [header.subscribers, header.vacant] {
        return Err("has not as many subscribers or vacant slots as its header states");
    }
    if store.pseudonyms() != header.pseudonyms as usize {
        return Err("has not as many pseudonyms as its header states");
    }
    if shard.accounts.items() != header.accounts as usize {
        return Err("has not as many accounts as its header states");
    }
    let book = &shard.taskbook;
    let stated =
        [header.tasks, header.contact_histories, header.candidates].map(|count| count as usize);
    if [book.open_tasks(), book.contact_histories(), book.waiting()] != stated {
        return Err("has not as many tasks, dossiers or candidates as its header states");
    }
    if shard.shadow.len() != header.shadow as usize || header.shadow > store.slots() {
        return Err("has not as much shadow as its header states, or more than subscribers");
    }
    let mut owned = vec![false; shard.accounts.items()];
    for slot in 0..store.slots() {
        let subscriber = store.record(slot).ok_or("has a gap between subscribers")?;
        if let Some(id) = subscriber.account {
            let owned = owned.get_mut(id.index());
            let owned = owned.ok_or("has a subscriber without the account it names")?;
            if std::mem::replace(owned, true) {
                return Err("has an account of two subscribers");
            }
        }
        let id = subscriber.account.filter(|_| subscriber.is_vacant());
        let account = id.and_then(|id| shard.accounts.item(id.index()));
        let known = account.is_some_and(|account| *account != Account::default());
        if known || (subscriber.is_vacant() && shard.shadow.remembers(slot)) {
            return Err("still has something of a subscriber who was erased");
        }
    }
    if owned.contains(&false) {
        return Err("has an account of nobody");
    }
    let known = |slot: &u32| store.record(*slot).is_some_and(|record| record.in_book);
    let slots = book.slots();
    let mut owners = book.owners();
    if !slots.iter().all(known)
        || !owners.all(|(slot, owner)| store.msisdn(slot) == Some(owner))
        || book
            .all_tasks()
            .any(|(_, task)| task.revision > REVISIONS_MAX)
    {
        return Err("has a book of tasks that is not that of its subscribers");
    }
    Ok(())
}
