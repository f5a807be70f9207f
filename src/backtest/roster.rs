use crate::model::Msisdn;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Subscribers by number, in the order of first appearance.
#[derive(Default)]
pub struct Roster {
    names: Vec<Msisdn>,
    index: HashTable<u32>,
}

impl Roster {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Their MSISDNs, in the order of the numbers.
    pub fn names(&self) -> &[Msisdn] {
        &self.names
    }

    /// The number of a subscriber who has appeared.
    pub fn find(&self, msisdn: &Msisdn) -> Option<u32> {
        let same = |number: &u32| self.names.get(*number as usize) == Some(msisdn);
        self.index.find(hash(msisdn), same).copied()
    }

    /// The number of a subscriber, who gets one on first sight.
    pub fn number(&mut self, msisdn: &Msisdn) -> u32 {
        if let Some(number) = self.find(msisdn) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(*msisdn);
        let names = &self.names;
        let rehash = |number: &u32| names.get(*number as usize).map_or(0, hash);
        self.index.insert_unique(hash(msisdn), number, rehash);
        number
    }
}

fn hash(msisdn: &Msisdn) -> u64 {
    xxh3_64(msisdn.as_bytes())
}
