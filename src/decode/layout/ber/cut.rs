//! A file of BER cut into its records: those of 3GPP TS 32.297 by their headers, and others one behind the other, with filler
//! between them and at the ends of blocks.

use super::{Extent, FILLER, Head};
use serde::Deserialize;

/// Whether a file has the headers of 3GPP TS 32.297.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::decode::layout) enum FileHeader {
    /// One at its beginning, and one before each record.
    Ts32297,
    /// None: the records follow each other.
    None,
}

/// What is known of the files.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::decode::layout) struct FileRules {
    /// Without it, each file shows it.
    pub(in crate::decode::layout) header: Option<FileHeader>,
    /// Bytes of a block. No record goes from one to the next.
    pub(in crate::decode::layout) block: Option<u64>,
}

/// Cuts a file.
#[derive(Debug, Clone)]
pub struct BerCutter {
    rules: FileRules,
    record_bytes_max: usize,
    /// Bytes of the file that are cut.
    at: u64,
    header: Option<FileHeader>,
    /// Bytes of the file, where its header says how many.
    stated: Option<u64>,
}

/// What the next bytes of a file are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// So many are no record.
    pub skip: usize,
    /// So many behind them are a record; none where there is no further record yet.
    pub record: usize,
    /// So many behind it, perhaps more than the file has, cannot be read.
    pub lost: u64,
}

/// Of a file header: its length field ends here, and so does the shortest and the longest of all.
const LENGTHS_END: usize = 8;
const HEADER_BYTES: std::ops::RangeInclusive<usize> = 50..=50 + 2 * (u16::MAX as usize) + 4;
/// Bytes of a record's header, which has one more from release 10 on.
const RECORD_HEADER: usize = 4;
const RELEASE_10: u8 = 7;
/// A damaged record's successor is looked for in so many bytes: a record of the greatest length begins and ends within.
const WINDOW: usize = 2 * (u16::MAX as usize + RECORD_HEADER + 1);
/// So much is handed out of what is no record.
const RUBBISH_BYTES: usize = 4096;

impl BerCutter {
    pub(in crate::decode::layout) fn new(rules: FileRules, record_bytes_max: usize) -> Self {
        Self {
            rules,
            record_bytes_max,
            at: 0,
            header: None,
            stated: None,
        }
    }

    /// Bytes that a file lacks at its end, by what its header says.
    pub fn lacks(&self) -> Option<u64> {
        let lacks = self.stated?.saturating_sub(self.at);
        (lacks > 0).then_some(lacks)
    }

    /// For a file of which nothing is known but its first bytes, if these have a record.
    pub(in crate::decode::layout) fn of(head: &[u8], record_bytes_max: usize) -> Option<Self> {
        let new = Self::new(FileRules::default(), record_bytes_max);
        let (mut cutter, mut rest) = (new.clone(), head);
        loop {
            let cut = cutter.cut(rest, true)?;
            let (record, behind) = rest.get(cut.skip..)?.split_at_checked(cut.record)?;
            if !record.is_empty() {
                return super::json(record).map(|_| new);
            }
            rest = behind;
        }
    }

    /// Cuts the next record off, if `bytes`, which come next in the file, hold enough of it to do so. `last` says that the
    /// file ends with them.
    ///
    /// What is handed out may be damaged. Then decoding it says how.
    pub fn cut(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        let cut = match self.header {
            None => self.begin(bytes, last),
            Some(FileHeader::Ts32297) => self.behind_header(bytes, last),
            Some(FileHeader::None) => self.behind_filler(bytes, last),
        }?;
        let all = cut.skip as u64 + cut.record as u64;
        self.at = self.at.saturating_add(all).saturating_add(cut.lost);
        Some(cut)
    }

    /// Passes over a file header. A file without one begins with a record, whose first octet says that it is constructed.
    fn begin(&mut self, bytes: &[u8], last: bool) -> Option<Cut> {
        let lengths = bytes.first_chunk::<LENGTHS_END>();
        if lengths.is_none() && !last {
            return None;
        }
        let length = lengths.map_or(0, |[.., a, b, c, d]| u32::from_be_bytes([*a, *b, *c, *d]));
        let length = length as usize;
        let looks_so =
            HEADER_BYTES.contains(&length) && bytes.first().is_some_and(|first| first & 0x20 == 0);
        let header = self.rules.header.unwrap_or(match looks_so {
            true => FileHeader::Ts32297,
            false => FileHeader::None,
        });
        let skip = match header {
            FileHeader::None => 0,
            FileHeader::Ts32297 if !HEADER_BYTES.contains(&length) => {
                // What should be the header is handed out.
                let cut = self.damaged(bytes, last, 0);
                self.header = cut.and(Some(header));
                return cut;
            }
            FileHeader::Ts32297 if bytes.len() < length && !last => return None,
            FileHeader::Ts32297 => {
                let all = bytes.first_chunk().map(|all| u32::from_be_bytes(*all));
                // A file that was not closed may say nothing.
                self.stated = all.filter(|all| *all < u32::MAX).map(u64::from);
                length.min(bytes.len())
            }
        };
        self.header = Some(header);
        skipped(skip).or(Some(Cut::default()))
    }

    fn behind_header(&self, bytes: &[u8], last: bool) -> Option<Cut> {
        let header = bytes.get(..RECORD_HEADER).unwrap_or(bytes);
        if is_filler(header) && (last || header.len() == RECORD_HEADER) {
            return skipped(header.len());
        }
        let Some((skip, record)) = record_header(bytes) else {
            return self.damaged(bytes, last, RECORD_HEADER);
        };
        let whole = bytes.get(skip..skip + record);
        match whole.map(Extent::of) {
            Some(Extent::Whole(end)) if end == record => Some(Cut {
                skip,
                record,
                lost: 0,
            }),
            _ => self.damaged(bytes, last, skip),
        }
    }

    /// A record that is damaged, or its header: it goes on up to where its header says, if the file ends or goes on there, and
    /// otherwise up to the next header that leads to a record.
    fn damaged(&self, bytes: &[u8], last: bool, skip: usize) -> Option<Cut> {
        if bytes.len() < WINDOW && !last {
            return None;
        }
        let window = bytes.get(..WINDOW).unwrap_or(bytes);
        let goes_on = |end: &usize| match window.get(*end..) {
            Some([]) => last && bytes.len() == window.len(),
            Some(behind) => {
                // Headers of one file have the same release and format; the last record may be cut short.
                let release = behind.get(2..RECORD_HEADER);
                release.is_some() && release == bytes.get(2..RECORD_HEADER)
                    || is_filler(behind.get(..RECORD_HEADER).unwrap_or(behind))
                    || leads_to_record(behind)
            }
            None => false,
        };
        let stated = record_header(bytes).filter(|_| skip > 0);
        let stated = stated.map(|(skip, record)| skip + record).filter(goes_on);
        let next = || (1..window.len()).find(|place| leads_to_record(&window[*place..]));
        // Where there is none, the second half may hold the beginning of one.
        let none = match bytes.len() > WINDOW || !last {
            true => WINDOW / 2,
            false => window.len(),
        };
        let end = stated.or_else(next).unwrap_or(none);
        let skip = skip.min(end.checked_sub(1)?);
        let most = match stated {
            Some(_) => WINDOW,
            None => RUBBISH_BYTES.min(self.record_bytes_max),
        };
        let record = (end - skip).min(most);
        Some(Cut {
            skip,
            record,
            lost: (end - skip - record) as u64,
        })
    }

    fn behind_filler(&self, bytes: &[u8], last: bool) -> Option<Cut> {
        let skip = bytes.iter().take_while(|octet| FILLER.contains(octet));
        let skip = skip.count();
        if skip > 0 {
            return skipped(skip);
        }
        // What a record may take, and whether the bytes at hand are all of it.
        let left = self.rules.block.map(|block| block - self.at % block);
        let (within, all) = match left.and_then(|left| bytes.get(..usize::try_from(left).ok()?)) {
            Some(within) => (within, true),
            None => (bytes, last),
        };
        // One byte too many, so that decoding says that it is too long.
        let most = self.record_bytes_max + 1;
        let end = match Extent::of(within.get(..most).unwrap_or(within)) {
            Extent::Nothing => return self.rubbish(within, all, left.unwrap_or(u64::MAX)),
            Extent::Whole(record) => {
                return Some(Cut {
                    record,
                    ..Cut::default()
                });
            }
            Extent::Longer(_) if within.len() < most => return rest(within, all),
            Extent::Longer(end) => end.map_or(u64::MAX, |end| end as u64),
        };
        Some(Cut {
            skip: 0,
            record: most,
            lost: left
                .map_or(end, |left| left.min(end))
                .saturating_sub(most as u64),
        })
    }

    /// What is no record, of so many bytes up to where the next may begin: without blocks nothing says where that is.
    fn rubbish(&self, within: &[u8], all: bool, left: u64) -> Option<Cut> {
        let most = RUBBISH_BYTES.min(self.record_bytes_max);
        if within.len() < most && !all {
            return None;
        }
        let record = within.len().min(most);
        let lost = left - record as u64;
        (record > 0).then_some(Cut {
            skip: 0,
            record,
            lost,
        })
    }
}

/// Whether all octets where a header might be are the same filler.
fn is_filler(header: &[u8]) -> bool {
    let mut fillers = FILLER.iter();
    fillers.any(|filler| header.iter().all(|octet| octet == filler))
}

/// How long a header is, and the record behind it.
fn record_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let [a, b, release, _] = *bytes.first_chunk::<RECORD_HEADER>()?;
    let more = usize::from(release >> 5 == RELEASE_10);
    Some((RECORD_HEADER + more, u16::from_be_bytes([a, b]).into()))
}

/// Whether bytes begin with a header and a record that is as long as the header says.
fn leads_to_record(bytes: &[u8]) -> bool {
    let record = record_header(bytes).and_then(|(skip, record)| bytes.get(skip..skip + record));
    let Some(record) =
        record.filter(|record| record.first().is_some_and(|first| first & 0x20 != 0))
    else {
        return false;
    };
    let head = Head::read(record);
    head.is_ok_and(|head| head.length.map(|length| head.octets + length) == Some(record.len()))
}

/// Bytes that are no record.
fn skipped(skip: usize) -> Option<Cut> {
    (skip > 0).then(|| Cut {
        skip,
        ..Cut::default()
    })
}

/// The last bytes of a file or block, which are too few.
fn rest(bytes: &[u8], last: bool) -> Option<Cut> {
    (last && !bytes.is_empty()).then(|| Cut {
        record: bytes.len(),
        ..Cut::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BYTES_MAX: usize = 100;

    /// The places and lengths of the records of a file that is read in pieces of so many bytes, and the bytes lost.
    fn records(rules: FileRules, file: &[u8], piece: usize) -> (Vec<(usize, usize)>, u64) {
        let mut cutter = BerCutter::new(rules, BYTES_MAX);
        let (mut records, mut lost) = (Vec::new(), 0);
        let (mut at, mut end) = (0, 0);
        loop {
            let bytes = &file[at..end.max(at)];
            match cutter.cut(bytes, end >= file.len()) {
                Some(cut) => {
                    if cut.record > 0 {
                        records.push((at + cut.skip, cut.record));
                    }
                    at += cut.skip + cut.record;
                    let left = (file.len() - at) as u64;
                    lost += cut.lost.min(left);
                    at += cut.lost.min(left) as usize;
                }
                None if end >= file.len() => return (records, lost),
                None => end = (end.max(at) + piece).min(file.len()),
            }
        }
    }

    const RECORD: &[u8] = &[0xa0, 0x03, 0x80, 0x01, 0x07];

    fn rules(header: Option<FileHeader>, block: Option<u64>) -> FileRules {
        FileRules { header, block }
    }

    /// A file of 3GPP TS 32.297 with these records, each with the octets of its release.
    fn with_headers(records: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut file = vec![0; 50];
        file[7] = 52;
        file.extend([0, 0]);
        for (release, record) in records {
            file.extend((record.len() as u16).to_be_bytes());
            file.extend(*release);
            file.extend(*record);
        }
        file
    }

    #[test]
    fn records_follow_each_other_with_filler_between() {
        let file = [RECORD, &[0xff, 0, 0], RECORD, RECORD, &[0; 9]].concat();
        let expected = (vec![(0, 5), (8, 5), (13, 5)], 0);
        for header in [None, Some(FileHeader::None)] {
            assert_eq!(records(rules(header, None), &file, 3), expected);
        }
        let led = [&[0, 0, 0, 0, 0, 0, 0, 0, 0], RECORD].concat();
        assert_eq!(records(rules(None, None), &led, 3), (vec![(9, 5)], 0));
        assert_eq!(records(rules(None, None), &[], 3), (vec![], 0));
    }

    #[test]
    fn headers_lead_from_record_to_record() {
        let file = with_headers(&[
            (&[0x64, 0x27], RECORD),
            (&[0xe0, 0x27, 0x02], RECORD),
            (&[0x64, 0x27], b"none"),
            (&[0x64, 0x27], RECORD),
        ]);
        let padded = [&file, &[0xff; 6][..]].concat();
        let expected = vec![(56, 5), (66, 5), (75, 4), (83, 5)];
        for header in [None, Some(FileHeader::Ts32297)] {
            for file in [&file, &padded] {
                assert_eq!(records(rules(header, None), file, 7), (expected.clone(), 0));
            }
            // Cut short, the last record is what there is.
            let cut = records(rules(header, None), &file[..86], 7);
            assert_eq!(cut, ([&expected[..3], &[(83, 3)]].concat(), 0));
        }
        let none = records(rules(Some(FileHeader::Ts32297), None), RECORD, 7);
        assert_eq!(none, (vec![(0, 5)], 0));
    }

    #[test]
    fn behind_damage_the_next_header_is_found() {
        let whole = with_headers(&[(&[0x64, 0x27][..], RECORD); 9]);
        let fourth = 52 + 3 * 9;
        let mut length = whole.clone();
        length[fourth + 1] ^= 0x40;
        let mut zeros = whole.clone();
        zeros[fourth..fourth + 4].fill(0);
        let mut hole = whole.clone();
        hole.drain(fourth + 2..fourth + 20);
        let mut beginning = whole.clone();
        beginning[7] = 3;
        for (file, good) in [(length, 9), (zeros, 8), (hole, 7), (beginning, 9)] {
            for header in [None, Some(FileHeader::Ts32297)] {
                // Only a rule tells that a file with a damaged header should have one.
                if header.is_none() && file[7] == 3 {
                    continue;
                }
                let (found, _) = records(rules(header, None), &file, 7);
                let found = found.iter().map(|(at, record)| &file[*at..at + record]);
                assert_eq!(found.filter(|record| *record == RECORD).count(), good);
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_short_lacks_what_its_header_states() {
        let mut file = with_headers(&[(&[0x64, 0x27][..], RECORD); 2]);
        file[3] = file.len() as u8;
        for (length, lacks) in [(file.len(), None), (61, Some(9)), (30, Some(40))] {
            let mut cutter = BerCutter::new(FileRules::default(), BYTES_MAX);
            let mut left = &file[..length];
            while let Some(cut) = cutter.cut(left, true) {
                left = &left[cut.skip + cut.record..];
            }
            assert_eq!(cutter.lacks(), lacks, "{length}");
        }
    }

    #[test]
    fn what_is_no_record_ends_at_its_block() {
        let block = |bytes: &[u8]| [bytes, &vec![0xff; 20 - bytes.len()]].concat();
        let damaged = [0xa0, 0x50, 0x80];
        let file = [
            block(&[RECORD, RECORD].concat()),
            block(&[RECORD, &damaged].concat()),
            block(&[RECORD, &[0x80, 0x01]].concat()),
            block(RECORD),
        ];
        let file = file.concat();
        let expected = vec![
            (0, 5),
            (5, 5),
            (20, 5),
            (25, 15),
            (40, 5),
            (45, 15),
            (60, 5),
        ];
        assert_eq!(records(rules(None, Some(20)), &file, 4), (expected, 0));
        let long = [vec![0x80; 9000], RECORD.to_vec()].concat();
        assert_eq!(
            records(rules(None, Some(9000)), &long, 50),
            (vec![(0, BYTES_MAX), (9000, 5)], 9000 - BYTES_MAX as u64)
        );
    }

    #[test]
    fn what_is_no_record_ends_a_file_without_blocks() {
        let file = [RECORD, &[0x80, 0x01, 0x07], &[RECORD; 50].concat()].concat();
        let lost = (file.len() - 5 - BYTES_MAX) as u64;
        let expected = (vec![(0, 5), (5, BYTES_MAX)], lost);
        assert_eq!(records(rules(None, None), &file, 10), expected);
    }

    #[test]
    fn a_record_that_is_too_long_is_passed_over() {
        let long = [&[0xa0, 0x82, 0x01, 0x00], &[0x05; 256][..], RECORD].concat();
        let expected = (vec![(0, 101), (260, 5)], 159);
        assert_eq!(records(rules(None, None), &long, 50), expected);
        let open = [&[0xa0, 0x80], &[0x80, 0x01, 0x05].repeat(90)[..]].concat();
        assert_eq!(
            records(rules(None, None), &open, 50),
            (vec![(0, 101)], 272 - 101)
        );
        let beyond = [&[0xa0, 0x84, 0xff, 0xff, 0xff, 0xff], RECORD].concat();
        assert_eq!(records(rules(None, None), &beyond, 50), (vec![(0, 11)], 0));
    }

    fn rules_of_any() -> impl Strategy<Value = FileRules> {
        let header = prop_oneof![
            Just(None),
            Just(Some(FileHeader::None)),
            Just(Some(FileHeader::Ts32297))
        ];
        (header, proptest::option::of(10..300_u64)).prop_map(|(header, block)| rules(header, block))
    }

    proptest! {
        #[test]
        fn how_a_file_is_read_makes_no_difference(
            rules in rules_of_any(),
            headed in any::<bool>(),
            parts in prop::collection::vec(
                prop_oneof![Just(RECORD.to_vec()), any::<Vec<u8>>(), Just(vec![0xa0, 0x80])], 0..40),
            piece in 1..200_usize,
        ) {
            let parts: Vec<(&[u8], &[u8])> =
                parts.iter().map(|part| (&[0x64, 0x27][..], &**part)).collect();
            let file = match headed {
                true => with_headers(&parts),
                false => parts.iter().flat_map(|(_, part)| part.to_vec()).collect(),
            };
            let whole = records(rules, &file, file.len() + 1);
            prop_assert_eq!(records(rules, &file, piece), whole);
        }
    }
}
