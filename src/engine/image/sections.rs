use super::format::{BOOK, Kind, Section};
use super::header::Header;
use super::state::State;
use crate::engine::codec::list;
use crate::engine::policy::Taskbook;
use crate::engine::state::account::Account;
use crate::engine::state::groups::Groups;
use crate::engine::state::pages::{EPOCH_ZERO, List, Pages};
use crate::engine::state::store::Page;
use crate::engine::state::trial_memory::TrialMemory;
use crate::model::Msisdn;
use serde::Serialize;

/// The moment at which an image of a [`Shard`](crate::engine::Shard) was taken, between two of its changes.
///
/// It says nothing about any other shard, not even about one loaded from that image. A loaded shard starts anew: every
/// page counts as changed, and its first image must be written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageEpoch(u32);

/// A shard as it was at one moment, however it changes later. Cheap to take; holds on to the pages until they have been
/// written or the image is dropped.
pub struct Image {
    pub(in crate::engine) header: Header,
    pub(in crate::engine) state: State,
    pub(in crate::engine) book: Taskbook,
    pub(in crate::engine) pseudonyms: List<Msisdn>,
    pub(in crate::engine) accounts: List<Account>,
    pub(in crate::engine) subscribers: Pages<Page>,
    pub(in crate::engine) shadow: List<TrialMemory>,
    pub(in crate::engine) groups: Groups,
    /// The stamp in force when a subscriber was last erased.
    pub(in crate::engine) erased: u32,
}

impl Image {
    /// The moment the image was taken at, to limit the sections of a later image of the same shard.
    pub fn epoch(&self) -> PageEpoch {
        PageEpoch(self.subscribers.stamp())
    }

    /// Subscribers in it.
    pub fn subscribers(&self) -> u64 {
        u64::from(self.header.subscribers)
    }

    /// The stamp after which pages count as changed. If a subscriber was erased since then, every page does: what is
    /// written next must not build upon parts that still hold the subscriber.
    fn since(&self, earlier: PageEpoch) -> u32 {
        match self.erased > earlier.0 {
            true => EPOCH_ZERO,
            false => earlier.0,
        }
    }

    /// The share of pages that changed after an earlier image, 0..1: all, if a subscriber was erased since.
    pub fn changed_since(&self, earlier: PageEpoch) -> f64 {
        let since = self.since(earlier);
        let all = self.subscribers.len()
            + self.accounts.len()
            + self.pseudonyms.len()
            + self.shadow.len();
        let changed = self.subscribers.changed_since(since)
            + self.accounts.changed_since(since)
            + self.pseudonyms.changed_since(since)
            + self.shadow.changed_since(since);
        changed as f64 / all.max(1) as f64
    }

    /// The image as sections, made one at a time as they are asked for; or of its pages only those that changed after an
    /// earlier image of the same shard, to be taken after the sections of that one. The small sections are always whole.
    pub fn sections(self, since: Option<PageEpoch>) -> impl Iterator<Item = Section> {
        let since = since.map_or(EPOCH_ZERO, |epoch| self.since(epoch));
        let header = Kind::Header.section((0, postcard(&self.header)));
        let state = Kind::State.section((0, postcard(&self.state)));
        // Tasks, contact histories and candidates are few: they are written to bytes at once, so that the book need not be kept.
        let tasks = book_sections(Kind::Tasks, self.book.tasks());
        let contact_histories = book_sections(Kind::ContactHistories, self.book.records());
        let candidates = book_sections(Kind::Candidates, self.book.waiting_list());
        let tally = Kind::Tally.section((0, postcard(&*self.book.tally)));
        let uplift = Kind::Uplift.section((0, postcard(&*self.book.uplift)));
        let groups = Kind::Groups.section((0, postcard(&self.groups.record())));
        let pseudonyms = self.pseudonyms.encoded(since, |page| list(page));
        let accounts = self.accounts.encoded(since, Account::encode);
        let subscribers = self.subscribers.encoded(since, Page::encode);
        let shadow = self.shadow.encoded(since, |page| list(page));
        [header, state]
            .into_iter()
            .chain(tasks)
            .chain(contact_histories)
            .chain(candidates)
            .chain([tally, uplift, groups])
            .chain(pseudonyms.map(|page| Kind::Pseudonyms.section(page)))
            .chain(accounts.map(|page| Kind::Accounts.section(page)))
            .chain(subscribers.map(|page| Kind::Subscribers.section(page)))
            .chain(shadow.map(|page| Kind::Shadow.section(page)))
    }
}

fn book_sections<T: Serialize>(
    kind: Kind,
    entries: impl Iterator<Item = (u32, T)>,
) -> Vec<Section> {
    let entries: Vec<(u32, T)> = entries.collect();
    let chunks = entries.chunks(BOOK).map(|chunk| postcard(&chunk));
    let numbered = (0..).zip(chunks);
    numbered.map(|chunk| kind.section(chunk)).collect()
}

/// Bytes that cannot fail to be made: every sequence has a length, and the buffer is in memory.
fn postcard(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}
