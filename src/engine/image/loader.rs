use super::format::{BOOK, IMAGE_FORMAT, ImageError, Kind};
use super::header::Header;
use super::state::State;
use crate::engine::codec::{Interner, Problem, from_list};
use crate::engine::policy::{
    Candidate, ContactHistoryRecord, Tally, Taskbook, TaskbookRecord, Uplift,
};
use crate::engine::state::account::Account;
use crate::engine::state::groups::Groups;
use crate::engine::state::pages::{List, PAGE};
use crate::engine::state::store::{Page, RelocatedState, Store};
use crate::engine::state::trial_memory::TrialMemory;
use crate::engine::triggers;
use crate::model::{Msisdn, Task};
use serde::de::DeserializeOwned;

/// Puts sections together to an image. Nothing they say is trusted: whatever the bytes are, they give an image or an error,
/// and take no more memory than a small multiple of their own length.
///
/// Sections come in the order in which they were written: first those of a full image, then those of later images that
/// hold only what changed. A later section replaces an earlier one of the same kind and index.
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
    relocated: Vec<Vec<RelocatedState>>,
    shadow: Vec<Vec<TrialMemory>>,
    contact_histories: Vec<Vec<(u32, ContactHistoryRecord)>>,
    candidates: Vec<Vec<(u32, Candidate)>>,
    tally: Option<Tally>,
    uplift: Option<Uplift>,
    groups: Option<Groups>,
    names: Interner,
}

/// Everything a [`Shard`](crate::engine::Shard) is made from again.
pub struct LoadedImage {
    pub(in crate::engine) state: State,
    pub(in crate::engine) store: Store,
    pub(in crate::engine) accounts: List<Account>,
    pub(in crate::engine) taskbook: Taskbook,
    pub(in crate::engine) shadow: List<TrialMemory>,
    pub(in crate::engine) groups: Groups,
    pub(in crate::engine) names: Interner,
    /// By page of subscribers.
    pub(in crate::engine) relocated: Vec<Vec<RelocatedState>>,
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
            relocated: Vec::new(),
            shadow: Vec::new(),
            contact_histories: Vec::new(),
            candidates: Vec::new(),
            tally: None,
            uplift: None,
            groups: None,
            names: Interner::default(),
        }
    }

    /// Adds one section.
    ///
    /// # Errors
    /// [`ImageError`] if the format or kind is not known, a section before it is missing, or its bytes are not what they
    /// should be. The loader is of no use then.
    pub fn add(&mut self, kind: u8, index: u32, bytes: &[u8]) -> Result<(), ImageError> {
        if self.format != IMAGE_FORMAT {
            return Err(ImageError::Format(self.format));
        }
        let kind = Kind::from_number(kind).ok_or(ImageError::Kind(kind))?;
        let added = self.add_section(kind, index, bytes);
        added.map_err(|problem| ImageError::Section {
            name: kind.name(),
            index,
            problem,
        })
    }

    fn add_section(&mut self, kind: Kind, index: u32, bytes: &[u8]) -> Result<(), Problem> {
        match (kind, &self.header) {
            (Kind::Header, _) => self.add_header(from_postcard(bytes)?),
            (_, None) => Err("comes before the header"),
            (Kind::State, _) => {
                let state: State = from_postcard(bytes)?;
                state.check()?;
                self.state = Some(state);
                Ok(())
            }
            (Kind::Tasks, _) => put(&mut self.tasks, index, from_postcard(bytes)?),
            (Kind::ContactHistories, _) => {
                put(&mut self.contact_histories, index, from_postcard(bytes)?)
            }
            (Kind::Candidates, _) => put(&mut self.candidates, index, from_postcard(bytes)?),
            (Kind::Tally, _) => {
                self.tally = Some(from_postcard(bytes)?);
                Ok(())
            }
            (Kind::Uplift, _) => {
                self.uplift = Some(from_postcard(bytes)?);
                Ok(())
            }
            (Kind::Groups, _) => {
                self.groups = Some(Groups::restored(from_postcard(bytes)?)?);
                Ok(())
            }
            (Kind::Pseudonyms, _) => {
                let page = from_list(bytes)?;
                put(&mut self.pseudonyms, index, page)
            }
            (Kind::Accounts, _) => {
                let page = Account::decode(bytes, &self.triggers, &mut self.names)?;
                put(&mut self.accounts, index, page)
            }
            (Kind::Subscribers, Some(header)) => {
                let days = usize::from(header.window_days);
                let dense = self.triggers.get(..usize::from(header.dense));
                let dense = dense.ok_or("comes behind a header that names too few triggers")?;
                let (page, relocated) = Page::decode(bytes, days, dense)?;
                put(&mut self.subscribers, index, page)?;
                put(&mut self.relocated, index, relocated)
            }
            (Kind::Shadow, _) => {
                let page = TrialMemory::decode(bytes, &self.triggers)?;
                put(&mut self.shadow, index, page)
            }
        }
    }

    fn add_header(&mut self, header: Header) -> Result<(), Problem> {
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

    /// The image of the sections added.
    ///
    /// # Errors
    /// [`ImageError`] if sections are missing or contradict each other.
    pub fn finish(self) -> Result<LoadedImage, ImageError> {
        self.into_image().map_err(ImageError::Whole)
    }

    fn into_image(mut self) -> Result<LoadedImage, Problem> {
        let header = self.header.ok_or("has no header")?;
        let state = self.state.ok_or("has no state")?;
        let tally = self.tally.ok_or("has no tally")?;
        let uplift = self.uplift.ok_or("has no count of what tasks achieve")?;
        let groups = self.groups.ok_or("has no groups")?;
        // An earlier image may have had more of these sections: more tasks, pseudonyms since erased, or shadow rules.
        truncate(&mut self.tasks, header.tasks, BOOK);
        truncate(&mut self.contact_histories, header.contact_histories, BOOK);
        truncate(&mut self.candidates, header.candidates, BOOK);
        truncate(&mut self.pseudonyms, header.pseudonyms, PAGE);
        truncate(&mut self.shadow, header.shadow, PAGE);
        let record = TaskbookRecord {
            tasks: self.tasks.into_iter().flatten().collect(),
            contact_histories: self.contact_histories.into_iter().flatten().collect(),
            candidates: self.candidates.into_iter().flatten().collect(),
            tally,
            uplift,
        };
        let image = LoadedImage {
            store: Store::restored(header.window_days, self.subscribers, self.pseudonyms)?,
            accounts: List::restored(self.accounts, Vec::len)?,
            taskbook: Taskbook::restored(record, state.urgent, state.loads.clone())?,
            shadow: List::restored(self.shadow, Vec::len)?,
            names: self.names,
            groups,
            relocated: self.relocated,
            state,
        };
        image.check(&header)?;
        Ok(image)
    }
}

impl LoadedImage {
    /// Refuses parts that contradict each other.
    fn check(&self, header: &Header) -> Result<(), Problem> {
        let store = &self.store;
        if [store.len(), store.vacant()] != [header.subscribers, header.vacant] {
            return Err("has not as many subscribers or vacant slots as its header states");
        }
        if store.pseudonyms() != header.pseudonyms as usize {
            return Err("has not as many pseudonyms as its header states");
        }
        if self.accounts.items() != header.accounts as usize {
            return Err("has not as many accounts as its header states");
        }
        let book = &self.taskbook;
        let stated =
            [header.tasks, header.contact_histories, header.candidates].map(|count| count as usize);
        if [book.open_tasks(), book.contact_histories(), book.waiting()] != stated {
            return Err(
                "has not as many tasks, contact histories or candidates as its header states",
            );
        }
        if self.shadow.items() != header.shadow as usize || header.shadow > store.slots() {
            return Err("has not as much shadow as its header states, or more than subscribers");
        }
        let mut owned = vec![false; self.accounts.items()];
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
            let account = id.and_then(|id| self.accounts.item(id.index()));
            let known = account.is_some_and(|account| *account != Account::default());
            if known || (subscriber.is_vacant() && self.has_shadow_state(slot)) {
                return Err("still has something of a subscriber who was erased");
            }
        }
        let accounts = (0..self.accounts.items()).filter_map(|index| self.accounts.item(index));
        let follow_ups = accounts.filter_map(|account| account.follow_up());
        book.uplift.check(follow_ups)?;
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

    fn has_shadow_state(&self, slot: u32) -> bool {
        let known = self.shadow.item(slot as usize);
        known.is_some_and(|memory| *memory != TrialMemory::default())
    }
}

/// Puts a section in its place: it replaces an earlier one, or follows the last.
fn put<T>(sections: &mut Vec<T>, index: u32, section: T) -> Result<(), Problem> {
    let next = sections.len();
    match sections.get_mut(index as usize) {
        Some(earlier) => *earlier = section,
        None if next == index as usize => sections.push(section),
        None => return Err("comes without the one before it"),
    }
    Ok(())
}

/// Keeps the sections that hold this many entries, and drops what an earlier image had behind them.
fn truncate<T>(sections: &mut Vec<T>, entries: u32, per_section: usize) {
    sections.truncate((entries as usize).div_ceil(per_section));
}

fn from_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err("is longer than it should be"),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err("is cut short"),
        Err(_) => Err("is not what it should be"),
    }
}
