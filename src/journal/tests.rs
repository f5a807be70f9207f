use super::*;
use crate::model::{Feed, FeedSet};
use proptest::prelude::*;

/// Records of every kind, with everything in them that version 1 can hold. Their bytes are kept in
/// `tests/golden/journal-v2.bin`, each behind its length (4 bytes, little-endian).
fn specimens() -> Vec<JournalRecord> {
    let epoch = Epoch {
        group: "churnwatch".to_owned(),
        engine: 1,
        ruleset_id: u64::MAX - 1,
        ruleset: "[window]\ndays = 35\n".to_owned(),
        topics: vec!["telco.cdr".to_owned(), "telco.billing".to_owned()],
    };
    let run = |topic, from, to, records| {
        Step::Run(Run {
            topic,
            from,
            to,
            records,
        })
    };
    let everything = JournalEntry {
        seq: 1,
        writer: 0x0123_4567_89ab_cdef,
        steps: vec![
            Step::Epoch(Box::new(epoch.clone())),
            run(0, 0, 250_000, 250_000),
            run(40, 7, 9, 1),
            run(0, 250_003, 250_009, 2),
            Step::Tick {
                now: Timestamp(1_790_000_000_000),
                inputs: Inputs {
                    lagging: FeedSet::NONE.with(Feed::Cdr).with(Feed::Outcome),
                    caught_up: false,
                    backlog: true,
                },
            },
            Step::Sweep {
                subscribers: 65_536,
            },
            Step::Tick {
                now: Timestamp(1_789_999_999_999),
                inputs: Inputs::default(),
            },
        ],
        output_digest: OutputDigest {
            records: 3,
            digest: 0xfedc_ba98_7654_3210,
        },
    };
    let manifest = Manifest {
        format: 1,
        partition: 3,
        seq: 4_711,
        writer: 0x0123_4567_89ab_cdef,
        journal_from: 9_422,
        next_offsets: vec![250_009, 0],
        epoch,
        taken_ms: 1_790_000_000_000,
        subscribers: 83_334,
        parts: vec![SnapshotPart {
            key: "snapshots/3/00000000000000004711-0123456789abcdef.part".to_owned(),
            bytes: 12_345_678,
            digest: u64::MAX,
        }],
    };
    vec![
        JournalRecord::Entry(everything),
        JournalRecord::Entry(ordinary()),
        JournalRecord::Manifest(Box::new(manifest)),
    ]
}

/// A transaction like most: records of one topic, then the time, and nothing to say.
fn ordinary() -> JournalEntry {
    let mut step_log = StepLog::new(vec![5_000_000]);
    for offset in 5_000_000..5_000_900 {
        step_log.run(0, offset);
    }
    step_log.tick(Timestamp(1_790_000_001_000), Inputs::default(), true);
    JournalEntry {
        seq: 4_712,
        writer: 0x0123_4567_89ab_cdef,
        steps: step_log.take(),
        output_digest: OutputDigest {
            records: 0,
            digest: 0xfedc_ba98_7654_3210,
        },
    }
}

#[test]
fn version_2_is_read_and_written_as_ever() {
    let golden: &[u8] = include_bytes!("../../tests/golden/journal-v2.bin");
    let mut written = Vec::new();
    let mut rest = golden;
    for specimen in specimens() {
        let bytes = specimen.encode();
        written.extend((bytes.len() as u32).to_le_bytes());
        written.extend(bytes);

        let (length, behind) = rest.split_first_chunk().unwrap();
        let (bytes, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        assert_eq!(JournalRecord::decode(bytes), Ok(specimen));
        rest = behind;
    }
    assert!(rest.is_empty());
    assert_eq!(written, golden);
}

#[test]
fn an_ordinary_entry_is_small() {
    // Of these, 16 are the writer and the digest.
    assert_eq!(JournalRecord::Entry(ordinary()).encode().len(), 37);
}

#[test]
fn records_of_others_and_of_other_versions_are_told_apart() {
    for foreign in [&b""[..], b"{\"a\":1}", b"CWJ", b"CWJx", b"CWJ0\0"] {
        assert_eq!(JournalRecord::decode(foreign), Err(JournalError::Foreign));
    }
    assert_eq!(
        JournalRecord::decode(b"CWJ3..."),
        Err(JournalError::Newer('3'))
    );
    assert_eq!(
        JournalRecord::decode(b"CWJ1..."),
        Err(JournalError::Older('1'))
    );
}

#[test]
fn an_entry_cut_short_is_never_read_as_it_was() {
    for specimen in specimens() {
        let bytes = specimen.encode();
        for length in 0..bytes.len() {
            assert_ne!(
                JournalRecord::decode(&bytes[..length]),
                Ok(specimen.clone())
            );
        }
    }
}

#[test]
fn impossible_numbers_are_refused() {
    let head = |steps: &[u8]| [b"CWJ2\x01\x01", &[0; 16][..], steps].concat();
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let refused = |bytes: &[u8]| match JournalRecord::decode(bytes) {
        Err(JournalError::Damaged { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let run = [&[RUN][..], &huge, &[1]].concat();
    assert_eq!(refused(&head(&run)), "a run beyond the highest offset");
    let long = [&[SWEEP][..], &huge].concat();
    assert_eq!(refused(&head(&long)), "a number too large");
    let endless = [&[SWEEP][..], &[0xff; 12]].concat();
    assert_eq!(refused(&head(&endless)), "a number too large");
    let epoch = [&[EPOCH][..], &huge, b"{}"].concat();
    assert_eq!(refused(&head(&epoch)), "the record ends too early");
    assert_eq!(refused(&head(&[SWEEP | 4])), "an unknown kind of step");
    assert_eq!(refused(b"CWJ2\x09"), "an unknown kind of record");
}

const EPOCH: u8 = 0;
const RUN: u8 = 1;
const SWEEP: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    let run = (any::<u8>(), 0..i64::MAX / 2, any::<u32>(), any::<u16>());
    let tick = (any::<i64>(), any::<[bool; 5]>(), any::<[bool; 2]>());
    let epoch = ("[a-z]{0,9}", any::<u32>(), any::<u64>(), "\\PC{0,20}");
    prop_oneof![
        run.prop_map(|(topic, from, records, markers)| Step::Run(Run {
            topic,
            from,
            to: from + i64::from(records) + i64::from(markers),
            records,
        })),
        tick.prop_map(|(now, lagging, [caught_up, backlog])| {
            let feeds = Feed::ALL.into_iter().zip(lagging);
            let lagging = feeds.filter(|(_, lags)| *lags);
            Step::Tick {
                now: Timestamp(now),
                inputs: Inputs {
                    lagging: lagging.fold(FeedSet::NONE, |set, (feed, _)| set.with(feed)),
                    caught_up,
                    backlog,
                },
            }
        }),
        any::<u32>().prop_map(|subscribers| Step::Sweep { subscribers }),
        epoch.prop_map(|(group, engine, ruleset_id, ruleset)| {
            Step::Epoch(Box::new(Epoch {
                topics: vec![group.clone()],
                group,
                engine,
                ruleset_id,
                ruleset,
            }))
        }),
    ]
}

/// Steps as they can occur: a topic's runs never go back.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..12).prop_map(|mut steps| {
        let mut ends = [0; 256];
        steps.retain(|step| match step {
            Step::Run(run) => {
                let end = &mut ends[usize::from(run.topic)];
                let follows = run.from >= *end;
                *end = run.to.max(*end);
                follows
            }
            _ => true,
        });
        steps
    })
}

fn entry() -> impl Strategy<Value = JournalEntry> {
    let output_digest = (any::<u32>(), any::<u64>());
    (any::<u64>(), any::<u64>(), steps(), output_digest).prop_map(
        |(seq, writer, steps, output_digest)| JournalEntry {
            seq,
            writer,
            steps,
            output_digest: OutputDigest {
                records: output_digest.0,
                digest: output_digest.1,
            },
        },
    )
}

proptest! {
    #[test]
    fn entries_survive_their_bytes(entry in entry()) {
        let record = JournalRecord::Entry(entry);
        prop_assert_eq!(JournalRecord::decode(&record.encode()), Ok(record));
    }

    /// Any answer will do, as long as it is one, and what is accepted can be written again.
    #[test]
    fn bytes_changed_at_will_never_panic(
        entry in entry(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        tail in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let mut bytes = JournalRecord::Entry(entry).encode();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(tail);
        if let Ok(record) = JournalRecord::decode(&bytes) {
            prop_assert_eq!(JournalRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn any_bytes_behind_the_magic_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = JournalRecord::decode(&bytes);
        let _ = JournalRecord::decode(&[b"CWJ1", &bytes[..]].concat());
    }
}
