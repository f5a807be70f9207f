//! How a topic's records are keyed, as a sample of them shows: by which partitioner, and with which form of the number.
//! Feeds that differ split their subscribers (behaviour: Keys).

use super::partition::Partitioner;
use crate::model::Msisdn;

/// In which form a key has its subscriber's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyForm {
    /// All digits with the country code.
    Full,
    /// The same behind `+`.
    Plus,
    /// The same behind `00`.
    Zeros,
    /// Without the country code.
    National,
    /// Without it, behind the trunk prefix 0.
    Trunk,
    /// Any other, such as in quotes.
    Other,
}

impl KeyForm {
    const ALL: [Self; 6] = [
        Self::Full,
        Self::Plus,
        Self::Zeros,
        Self::National,
        Self::Trunk,
        Self::Other,
    ];

    /// The form of a key that names a subscriber; none if it tells nothing. Numbers of other countries have the country
    /// code in every form.
    pub fn of(key: &[u8], msisdn: &Msisdn, foreign: bool) -> Option<Self> {
        let full = msisdn.as_bytes();
        if foreign {
            return None;
        }
        if !full.iter().all(u8::is_ascii_digit) {
            return (key != full).then_some(Self::Other);
        }
        Some(match key {
            _ if key == full => Self::Full,
            [b'+', rest @ ..] if rest == full => Self::Plus,
            [b'0', b'0', rest @ ..] if rest == full => Self::Zeros,
            [b'0', rest @ ..] if full.ends_with(rest) => Self::Trunk,
            _ if full.ends_with(key) => Self::National,
            _ => Self::Other,
        })
    }

    /// How a key of this form names a subscriber; none if that cannot be said. `national` are the digits behind the
    /// country code.
    pub fn write(self, msisdn: &Msisdn, national: &str) -> Option<String> {
        match self {
            Self::Full => Some(msisdn.as_str().to_owned()),
            Self::Plus => Some(format!("+{}", msisdn.as_str())),
            Self::Zeros => Some(format!("00{}", msisdn.as_str())),
            Self::National => Some(national.to_owned()),
            Self::Trunk => Some(format!("0{national}")),
            Self::Other => None,
        }
    }

    /// What it looks like.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "with the country code, without a mark",
            Self::Plus => "with + and the country code",
            Self::Zeros => "with 00 and the country code",
            Self::National => "without the country code",
            Self::Trunk => "with a leading 0 and without the country code",
            Self::Other => "in a form of its own",
        }
    }
}

/// So many records must tell two partitioners or forms apart; one may be an accident.
const TELLING: u32 = 3;
/// With so many records, a known partitioner would have shown itself.
const MANY: u32 = 32;

/// What a sample of one topic shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keying {
    seen: u32,
    /// Records that lie where a partitioner puts them, by partitioner.
    placed: [u32; Partitioner::ALL.len()],
    /// Records that lie where any of them puts them.
    placed_by_any: u32,
    forms: [u32; KeyForm::ALL.len()],
}

impl Keying {
    /// Adds a record with a key.
    pub fn add(&mut self, key: &[u8], partition: i32, partitions: i32, form: Option<KeyForm>) {
        self.seen += 1;
        let mut any = false;
        for (placed, partitioner) in self.placed.iter_mut().zip(Partitioner::ALL) {
            let here = partitioner.partition(key, partitions) == partition;
            *placed += u32::from(here);
            any |= here;
        }
        self.placed_by_any += u32::from(any);
        if let Some(form) = form {
            self.forms[form as usize] += 1;
        }
    }

    /// Records in the sample.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// The partitioner, if one fits and the others do not.
    pub fn partitioner(&self) -> Option<Partitioner> {
        Some(Partitioner::ALL[leader(&self.placed, self.seen)?])
    }

    /// Enough was seen, and no known partitioner puts the records where they lie.
    pub fn is_unknown(&self) -> bool {
        let best = self.placed.iter().max().copied().unwrap_or_default();
        self.seen >= MANY && !nearly_all(best, self.seen)
    }

    /// Enough was seen, and several partitioners together explain what none does alone.
    pub fn is_mixed(&self) -> bool {
        self.is_unknown() && self.placed_by_any * 20 >= self.seen * 19
    }

    /// The form of the keys, if nearly all have it.
    pub fn form(&self) -> Option<KeyForm> {
        let all = self.forms.iter().sum();
        Some(KeyForm::ALL[leader(&self.forms, all)?])
    }

    /// Enough was seen, and the keys have several forms.
    pub fn has_many_forms(&self) -> bool {
        let all: u32 = self.forms.iter().sum();
        let best = self.forms.iter().max().copied().unwrap_or_default();
        all >= MANY && !nearly_all(best, all)
    }
}

/// How the feeds are keyed, as far as it is known: the first topic that shows it is what all are compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheme {
    /// Decides the partition of a key.
    pub partitioner: Option<Partitioner>,
    /// How keys write numbers.
    pub form: Option<KeyForm>,
}

impl Scheme {
    /// Takes from a topic's sample what is not known yet.
    pub fn learn(&mut self, keying: &Keying) {
        self.partitioner = self.partitioner.or_else(|| keying.partitioner());
        self.form = self.form.or_else(|| keying.form());
    }

    /// How keys write a subscriber, if that is known; `national` are the digits behind the country code.
    pub fn write(&self, msisdn: &Msisdn, national: Option<&str>) -> Option<String> {
        self.form?.write(msisdn, national?)
    }
}

/// The place of the figure that is nearly all, and well ahead of the others.
fn leader<const N: usize>(figures: &[u32; N], all: u32) -> Option<usize> {
    let (place, best) = figures
        .iter()
        .enumerate()
        .max_by_key(|(_, figure)| **figure)?;
    let mut others = figures
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place);
    let ahead = others.all(|(_, other)| other + TELLING <= *best);
    (ahead && nearly_all(*best, all)).then_some(place)
}

fn nearly_all(part: u32, all: u32) -> bool {
    part * 10 >= all * 9
}

/// Why the records of a subscriber do not meet, if these topics show that they do not. Each comes with its name.
pub fn conflicts(topics: &[(&str, &Keying)]) -> Vec<String> {
    let mut conflicts = Vec::new();
    let by_partitioner = |keying: &Keying| keying.partitioner().map(Partitioner::name);
    if let Some(all) = differing(topics, by_partitioner) {
        conflicts.push(format!(
            "the producers of the feeds hash keys in different ways: {all}; a subscriber's records then lie in several \
             partitions; set the same partitioner in all producers and load the records again"
        ));
    }
    // Without a known partitioner, the key did not decide where the records lie.
    let by_form = |keying: &Keying| {
        keying.partitioner()?;
        keying.form().map(KeyForm::name)
    };
    if let Some(all) = differing(topics, by_form) {
        conflicts.push(format!(
            "the feeds' keys have numbers in different forms: {all}; a subscriber's records then lie in several \
             partitions; write the keys of all feeds in one form and load the records again"
        ));
    }
    for (topic, keying) in topics {
        if keying.is_mixed() {
            conflicts.push(format!(
                "several producers with different partitioners write to topic {topic}; set the same partitioner in all \
                 and load the records again"
            ));
        }
        if keying.has_many_forms() {
            conflicts.push(format!(
                "keys of topic {topic} have numbers in several forms; write all in one form and load the records again"
            ));
        }
    }
    conflicts
}

/// What each topic is, if not all that is known of them is the same.
fn differing(
    topics: &[(&str, &Keying)],
    of: impl Fn(&Keying) -> Option<&'static str>,
) -> Option<String> {
    let known: Vec<_> = topics
        .iter()
        .filter_map(|(topic, keying)| Some((*topic, of(keying)?)))
        .collect();
    let (_, first) = known.first()?;
    if known.iter().all(|(_, other)| other == first) {
        return None;
    }
    let all: Vec<_> = known
        .iter()
        .map(|(topic, what)| format!("{topic} {what}"))
        .collect();
    Some(all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keying(partitioner: Partitioner, partitions: i32, keys: u32, form: &str) -> Keying {
        let mut keying = Keying::default();
        for number in 0..keys {
            let national = format!("138{number:08}");
            let key = form.replace('*', &national);
            let msisdn = Msisdn::new(&format!("86{national}")).unwrap();
            let partition = partitioner.partition(key.as_bytes(), partitions);
            let form = KeyForm::of(key.as_bytes(), &msisdn, false);
            keying.add(key.as_bytes(), partition, partitions, form);
        }
        keying
    }

    #[test]
    fn a_sample_tells_partitioner_and_form() {
        for partitioner in Partitioner::ALL {
            for (written, form) in [
                ("86*", KeyForm::Full),
                ("+86*", KeyForm::Plus),
                ("0086*", KeyForm::Zeros),
                ("*", KeyForm::National),
                ("0*", KeyForm::Trunk),
                ("\"86*\"", KeyForm::Other),
            ] {
                let msisdn = Msisdn::new("8613800138000").unwrap();
                let key = form.write(&msisdn, "13800138000");
                let expected = written.replace('*', "13800138000");
                assert_eq!(key, (form != KeyForm::Other).then_some(expected));
                let keying = keying(partitioner, 6, 64, written);
                assert_eq!(keying.partitioner(), Some(partitioner), "{written}");
                assert_eq!(keying.form(), Some(form));
                assert_eq!(conflicts(&[("cdr", &keying)]), [""; 0]);
            }
        }
    }

    #[test]
    fn what_tells_nothing_is_not_compared() {
        let one_partition = keying(Partitioner::Crc32, 1, 64, "86*");
        assert_eq!(one_partition.partitioner(), None);
        assert!(!one_partition.is_unknown());
        let two_records = keying(Partitioner::Crc32, 6, 2, "86*");
        assert_eq!(
            (two_records.partitioner(), two_records.form()),
            (None, None)
        );
        let name = Msisdn::new("p-1").unwrap();
        assert_eq!(KeyForm::of(b"p-1", &name, false), None);
        let murmur2 = keying(Partitioner::Murmur2, 6, 64, "86*");
        let all = [
            ("cdr", &murmur2),
            ("billing", &one_partition),
            ("service", &two_records),
        ];
        assert_eq!(conflicts(&all), [""; 0]);
    }

    #[test]
    fn feeds_that_differ_are_named_with_what_they_do() {
        let murmur2 = keying(Partitioner::Murmur2, 4, 10, "86*");
        let crc32 = keying(Partitioner::Crc32, 4, 500, "86*");
        let [problem] = &conflicts(&[("cdr", &crc32), ("subscriber", &murmur2)])[..] else {
            panic!("one conflict");
        };
        for part in ["cdr CRC-32", "subscriber murmur2", "same partitioner"] {
            assert!(problem.contains(part), "{problem}");
        }
        let national = keying(Partitioner::Murmur2, 4, 40, "*");
        let [problem] = &conflicts(&[("cdr", &national), ("subscriber", &murmur2)])[..] else {
            panic!("one conflict");
        };
        for part in [
            "cdr without the country code",
            "subscriber with the country code",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn two_producers_of_one_topic_are_noticed() {
        let mut mixed = keying(Partitioner::Murmur2, 12, 40, "86*");
        let other = keying(Partitioner::Crc32, 12, 40, "*");
        mixed.seen += other.seen;
        mixed.placed_by_any += other.placed_by_any;
        for (figure, more) in mixed.placed.iter_mut().zip(other.placed) {
            *figure += more;
        }
        for (figure, more) in mixed.forms.iter_mut().zip(other.forms) {
            *figure += more;
        }
        let problems = conflicts(&[("cdr", &mixed)]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        // What no known partitioner does, all feeds may do alike.
        let mut own = Keying::default();
        for number in 0..64_u32 {
            own.add(&number.to_le_bytes(), number as i32 % 12, 12, None);
        }
        assert!(own.is_unknown() && !own.is_mixed());
        assert_eq!(conflicts(&[("cdr", &own)]), [""; 0]);
    }
}
