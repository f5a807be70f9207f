//! A shard's state as bytes, and back: an [`Image`] gives [`Section`]s, an [`ImageLoader`] takes them.
//!
//! An image shares the shard's pages until they change, so that it is taken within milliseconds and written by another
//! thread while the shard goes on. Pages carry stamps: sections can be limited to what changed since an earlier image.
//!
//! Format 3. Kinds; 8 to 10 are written behind 3, the others in this order. All numbers are little-endian:
//!
//! | kind | section | how many |
//! |---|---|---|
//! | 1 | header: what the other sections look like and how many there are (postcard) | 1 |
//! | 2 | state: clocks, watermarks, counts, population, a close under way (postcard) | 1 |
//! | 3 | open tasks by slot (postcard) | 1 for 256 |
//! | 4 | pseudonyms: length and text of each | 1 for 16 |
//! | 5 | accounts: the names in them, then row by row | 1 for 16 |
//! | 6 | subscribers: column by column, then their windows; one whose key is 0 was erased | 1 for 16 |
//! | 7 | what the shadow rules remember, by slot; none without such rules | 1 for 16 |
//! | 8 | dossiers by slot: contacts, and tasks that can be corrected (postcard) | 1 for 256 |
//! | 9 | candidates by slot: signals that wait for a place in the budget (postcard) | 1 for 256 |
//! | 10 | tally: what became of tasks (postcard) | 1 |
//!
//! Whatever changes the bytes of a kind, such as another field of a struct or a variant not added at the end of an enum,
//! needs a new format. Formats 1 and 2 can be read: `legacy` has what looked otherwise in them.

mod bytes;
mod legacy;
mod loader;
mod state;

pub(in crate::engine) use bytes::{Field, Reader, Writer, fields, from_list, list};
pub use loader::ImageLoader;

use super::account::Account;
use super::pages::{EPOCH_ZERO, List, PAGE, Pages};
use super::policy::Taskbook;
use super::store::Page;
use super::triggers::{DENSE, REGISTRY, SparseStates};
use super::{Rules, Shard, shadow};
use crate::model::{Day, Msisdn, Timestamp};
use serde::Serialize;
use state::{Header, State};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The format of the sections written.
pub const IMAGE_FORMAT: u16 = 3;

/// What is wrong with a section, to follow its name.
pub(in crate::engine) type Problem = &'static str;

/// One piece of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: u8,
    /// Which of its kind; they come without gaps in a full image.
    pub index: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A moment of one [`Shard`] value, between two of its changes: that of an image.
///
/// It says nothing about any other shard, and neither about one made of that image's sections: a loaded shard starts
/// anew, with every page changed after every mark, and its first image must be written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageEpoch(u32);

/// A shard as it was at one moment, however it changes later. Cheap to take; holds on to the pages until they have been
/// written or the image is dropped.
pub struct Image {
    header: Header,
    state: State,
    book: Taskbook,
    pseudonyms: List<Msisdn>,
    accounts: List<Account>,
    subscribers: Pages<Page>,
    shadow: List<SparseStates>,
    /// The stamp in force when a subscriber was last erased.
    erased: u32,
}

/// Why sections are no image, or none for this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Written by a program of another age.
    #[error("image format {0} is not known; this version reads formats up to {IMAGE_FORMAT}")]
    Format(u16),
    /// No such kind of section in the format.
    #[error("section kind {0} is not known")]
    Kind(u8),
    /// A section that cannot be read.
    #[error("{name} section {index} {problem}")]
    Section {
        /// Name of its kind.
        name: &'static str,
        /// Which of its kind.
        index: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Sections that can be read do not fit together.
    #[error("the image {0}")]
    Whole(&'static str),
}

/// The kinds of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Header = 1,
    State,
    Tasks,
    Pseudonyms,
    Accounts,
    Subscribers,
    Shadow,
    ContactHistories,
    Candidates,
    Tally,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Header,
        Self::State,
        Self::Tasks,
        Self::Pseudonyms,
        Self::Accounts,
        Self::Subscribers,
        Self::Shadow,
        Self::ContactHistories,
        Self::Candidates,
        Self::Tally,
    ];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::State => "state",
            Self::Tasks => "tasks",
            Self::Pseudonyms => "pseudonyms",
            Self::Accounts => "accounts",
            Self::Subscribers => "subscribers",
            Self::Shadow => "shadow",
            Self::ContactHistories => "dossiers",
            Self::Candidates => "candidates",
            Self::Tally => "tally",
        }
    }

    fn section(self, (index, bytes): (u32, Vec<u8>)) -> Section {
        Section {
            kind: self as u8,
            index,
            bytes,
        }
    }
}

/// Open tasks, dossiers or candidates in a section.
const BOOK: usize = 256;

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
            state: State::of(self),
            book: self.taskbook.clone(),
            pseudonyms,
            accounts,
            subscribers,
            shadow,
            erased: self.erased,
        }
    }

    /// Puts other rules in force from the next call on. Everything known is kept; if `window.days` changes, only the
    /// newest days are. Rules on trial go on with what those before them remembered, trigger by trigger.
    pub fn adopt(&mut self, rules: Arc<Rules>) {
        self.store.rering(rules.window.days);
        self.population.keep(usize::from(rules.window.days));
        if rules.shadow.is_none() {
            self.shadow.clear();
        }
        self.rules = rules;
    }

    /// A figure that differs, all but certainly, between shards that have not been told the same: of counts, clocks,
    /// watermarks, the sweep's position and the population's sums. Its cost does not grow with the shard.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Xxh3::new();
        let counts = self.counts.figures();
        let sizes = [
            u64::from(self.store.len()),
            self.accounts.items() as u64,
            self.taskbook.open_tasks() as u64,
            self.taskbook.contact_histories() as u64,
            self.taskbook.waiting() as u64,
            self.stats.day_closes,
        ];
        let times = [self.now, self.clock].map(|at| at.0 as u64);
        let unknown = self.stats.outage_days;
        let in_shadow = self.rules.shadow.as_ref().map(|_| self.shadow.len() as u64);
        let figures = counts.into_iter().chain(sizes).chain(times);
        for figure in figures.chain(unknown).chain(in_shadow) {
            hasher.update(&figure.to_le_bytes());
        }
        for watermark in &self.watermarks {
            let until = watermark.complete_until().map_or(i64::MIN, |until| until.0);
            hasher.update(&watermark.at().0.to_le_bytes());
            hasher.update(&until.to_le_bytes());
        }
        hasher.update(&self.closed.0.to_le_bytes());
        if let Some(closing) = &self.closing {
            closing.digest(&mut hasher);
        }
        self.population.digest(&mut hasher);
        hasher.digest()
    }
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
        // Tasks, dossiers and candidates are few: they are written to bytes at once, so that the book need not be kept.
        let tasks = book_sections(Kind::Tasks, self.book.tasks());
        let contact_histories = book_sections(Kind::ContactHistories, self.book.records());
        let candidates = book_sections(Kind::Candidates, self.book.waiting_list());
        let tally = Kind::Tally.section((0, postcard(&*self.book.tally)));
        let pseudonyms = self.pseudonyms.encoded(since, |page| bytes::list(page));
        let accounts = self.accounts.encoded(since, Account::encode);
        let subscribers = self.subscribers.encoded(since, Page::encode);
        let shadow = self.shadow.encoded(since, |page| shadow::encode(page));
        [header, state]
            .into_iter()
            .chain(tasks)
            .chain(contact_histories)
            .chain(candidates)
            .chain([tally])
            .chain(pseudonyms.map(|page| Kind::Pseudonyms.section(page)))
            .chain(accounts.map(|page| Kind::Accounts.section(page)))
            .chain(subscribers.map(|page| Kind::Subscribers.section(page)))
            .chain(shadow.map(|page| Kind::Shadow.section(page)))
    }
}

/// Whether the engine can have had anything on a day: none yet, or 1970 to 2243, more than the calendar has.
pub(in crate::engine) fn is_possible(day: Day) -> bool {
    day == Day::MIN || (0..=100_000).contains(&day.0)
}

/// Whether a clock of the engine can show a time: none yet, or 1970 to 2199. With a later one, days beyond the calendar
/// would be closed for ever.
pub(in crate::engine) fn is_possible_time(at: Timestamp) -> bool {
    const YEAR_2200: i64 = 7_258_118_400_000;
    at == Timestamp::MIN || (0..YEAR_2200).contains(&at.0)
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
