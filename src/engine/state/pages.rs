use crate::engine::codec::Problem;
use triomphe::Arc;

/// Things in a page, the unit in which state is copied on write and written to images.
pub const PAGE: usize = 32;

/// State in pages that an image shares until they change. Taking an image clones one `Arc` per page.
///
/// Every page carries the stamp in force when it last changed. Taking an image puts the next stamp in force.
#[derive(Debug, Clone)]
pub struct Pages<P> {
    pages: Vec<Arc<Stamped<P>>>,
    stamp: u32,
}

/// Things one by one, [`PAGE`] to a page; all pages but the last are full.
pub type List<T> = Pages<Vec<T>>;

/// In this order, so that what every change touches lies together at the beginning.
#[derive(Debug, Clone)]
#[repr(C)]
struct Stamped<P> {
    changed: u32,
    page: P,
}

/// Before every stamp: whatever changed, changed later.
pub const EPOCH_ZERO: u32 = 0;

impl<P: Clone> Pages<P> {
    /// Pages of an image, which count as changed just now. All but the last must be full, and none empty.
    pub fn restored(pages: Vec<P>, length: impl Fn(&P) -> usize) -> Result<Self, Problem> {
        let last = pages.len().saturating_sub(1);
        let fits = |(index, page)| match length(page) {
            PAGE => true,
            1..PAGE => index == last,
            _ => false,
        };
        if !pages.iter().enumerate().all(fits) {
            return Err("has an empty page, or one before the last that is not full");
        }
        let mut restored = Self::default();
        pages.into_iter().for_each(|page| restored.push(page));
        Ok(restored)
    }

    /// Pages.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// A page to read.
    pub fn get(&self, index: usize) -> Option<&P> {
        Some(&self.pages.get(index)?.page)
    }

    /// A page to change; copies it first if an image holds it.
    pub fn edit(&mut self, index: usize) -> Option<&mut P> {
        let stamped = Arc::make_mut(self.pages.get_mut(index)?);
        stamped.changed = self.stamp;
        Some(&mut stamped.page)
    }

    /// Adds a page.
    pub fn push(&mut self, page: P) {
        let changed = self.stamp;
        self.pages.push(Arc::new(Stamped { changed, page }));
    }

    /// Drops every page. The stamp goes on, so that what comes later counts as changed after any earlier image.
    pub fn clear(&mut self) {
        self.pages.clear();
    }

    /// The pages as they are, shared; changes from now on carry the next stamp.
    pub fn image(&mut self) -> Self {
        let image = self.clone();
        self.stamp += 1;
        image
    }

    /// The stamp in force, which the newest changes carry.
    pub fn stamp(&self) -> u32 {
        self.stamp
    }

    /// How many pages changed after a stamp.
    pub fn changed_since(&self, stamp: u32) -> usize {
        let changed = self.pages.iter().filter(|page| page.changed > stamp);
        changed.count()
    }

    /// The pages that changed after a stamp, as bytes; each is let go of when it has been encoded.
    pub fn encoded(
        self,
        since: u32,
        encode: impl Fn(&P) -> Vec<u8>,
    ) -> impl Iterator<Item = (u32, Vec<u8>)> {
        let numbered = (0..).zip(self.pages);
        let changed = numbered.filter(move |(_, page)| page.changed > since);
        changed.map(move |(index, page)| (index, encode(&page.page)))
    }
}

impl<T: Clone> List<T> {
    /// Things in all pages.
    pub fn items(&self) -> usize {
        let last = self.pages.last().map_or(0, |last| last.page.len());
        self.pages.len().saturating_sub(1) * PAGE + last
    }

    /// One thing to read.
    pub fn item(&self, index: usize) -> Option<&T> {
        self.get(index / PAGE)?.get(index % PAGE)
    }

    /// One thing to change.
    pub fn edit_item(&mut self, index: usize) -> Option<&mut T> {
        self.edit(index / PAGE)?.get_mut(index % PAGE)
    }

    /// Adds one thing.
    pub fn append(&mut self, item: T) {
        let at = self.items();
        if at.is_multiple_of(PAGE) {
            self.push(Vec::with_capacity(PAGE));
        }
        if let Some(page) = self.edit(at / PAGE) {
            page.push(item);
        }
    }

    /// Takes one thing out; the last takes its place.
    pub fn swap_remove(&mut self, index: usize) -> Option<T> {
        let page = self.pages.len().checked_sub(1)?;
        let last = self.edit(page)?.pop();
        if self.get(page).is_some_and(Vec::is_empty) {
            self.pages.pop();
        }
        match self.edit_item(index) {
            Some(item) => last.map(|last| std::mem::replace(item, last)),
            None => last,
        }
    }

    /// Bytes held by the pages, without what the things hold themselves.
    pub fn bytes(&self) -> usize {
        self.len() * (PAGE * size_of::<T>() + size_of::<Stamped<Vec<T>>>())
    }
}

impl<P: Clone> Default for Pages<P> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            stamp: EPOCH_ZERO + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_stays_as_it_was_and_knows_what_changed() {
        let mut list: List<u32> = List::default();
        (0..200).for_each(|n| list.append(n));
        let first = list.image();
        *list.edit_item(70).unwrap() = 7;
        list.append(200);
        let second = list.image();
        assert_eq!((first.item(70), first.items()), (Some(&70), 200));
        assert_eq!((second.item(70), second.items()), (Some(&7), 201));
        assert_eq!(second.item(201), None);
        let since = first.stamp();
        assert_eq!((first.changed_since(since), first.len()), (0, 7));
        assert_eq!(second.changed_since(since), 2);
        let encode = |page: &Vec<u32>| vec![page.len() as u8];
        let changed: Vec<_> = second.encoded(since, encode).collect();
        assert_eq!(changed, [(2, vec![32]), (6, vec![9])]);
        assert_eq!(list.image().changed_since(EPOCH_ZERO), 7);
    }

    #[test]
    fn the_last_takes_the_place_of_one_taken_out() {
        let mut list: List<u32> = List::default();
        (0..34).for_each(|n| list.append(n));
        let image = list.image();
        assert_eq!(list.swap_remove(3), Some(3));
        assert_eq!((list.item(3), list.items(), list.len()), (Some(&33), 33, 2));
        assert_eq!(list.swap_remove(32), Some(32));
        assert_eq!((list.items(), list.len()), (32, 1), "no page is left empty");
        list.append(99);
        assert_eq!((list.item(32), list.items()), (Some(&99), 33));
        assert_eq!((image.item(3), image.items()), (Some(&3), 34));
        let mut none: List<u32> = List::default();
        assert_eq!(none.swap_remove(0), None);
    }
}
