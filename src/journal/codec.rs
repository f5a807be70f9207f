//! The bytes of a journal record, version 2. They start with `CWJ2` and a byte that says what follows: an entry, an
//! entry without output, or a manifest.
//!
//! An entry is its seq, its writer (8 bytes), its output (a count, unless there is none, and 8 bytes of digest), and
//! its steps up to the end. Numbers are LEB128 varints. Each step begins with a byte whose two lowest bits are its
//! kind:
//!
//! | kind | other bits | then |
//! |---|---|---|
//! | 0 epoch | 0 | length, JSON |
//! | 1 run | 1 has markers, 5 topic (31: the topic follows as a byte) | first offset, counted from the end of the topic's run before; records; markers |
//! | 2 tick | 1 caught up, 1 backlog, 1 feeds lag | these feeds, a bit for each; time, as a signed difference to the tick before |
//! | 3 sweep | 0 | subscribers |
//!
//! A manifest is JSON up to the end. Kafka's own checksum covers all of it. Checked here: nothing is read past the end,
//! numbers fit, and runs are possible.

use super::{JournalEntry, JournalRecord, OutputDigest, Run, Step};
use crate::model::{Feed, FeedSet, Inputs, Timestamp};

const MAGIC: &[u8; 3] = b"CWJ";
const VERSION: u8 = b'2';

const ENTRY: u8 = 0;
const ENTRY_SILENT: u8 = 1;
const MANIFEST: u8 = 2;

const EPOCH: u8 = 0;
const RUN: u8 = 1;
const TICK: u8 = 2;
const SWEEP: u8 = 3;

/// In a run's byte: markers lie between its records.
const MARKERS: u8 = 1 << 2;
/// In a run's byte: the topic is in the next one.
const TOPIC_FOLLOWS: u8 = 31;
/// In a tick's byte: every input was read to its end.
const CAUGHT_UP: u8 = 1 << 2;
/// In a tick's byte: what was read had waited for long.
const BACKLOG: u8 = 1 << 3;
/// In a tick's byte: feeds lag, and the next byte says which.
const LAGGING: u8 = 1 << 4;

/// Why bytes are no record of the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Somebody else's record.
    #[error(
        "not a churnwatch journal record: the topic belongs to another application. Give this one a topic of its own"
    )]
    Foreign,
    /// A version to come.
    #[error(
        "a journal record written by a newer version of churnwatch (journal version {0}, this program reads 2): run that version, or a later one"
    )]
    Newer(char),
    /// A version of the past.
    #[error(
        "a journal record written by an older version of churnwatch (journal version {0}, this program reads 2): run that version, or begin anew with another `kafka.group`"
    )]
    Older(char),
    /// A record of ours, but not as it was written.
    #[error("a damaged journal record: {what} at byte {at}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
        /// Where, counted from the record's first byte.
        at: usize,
    },
}

impl JournalRecord {
    /// The record's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        match self {
            Self::Entry(entry) => write_entry(entry, &mut bytes),
            Self::Manifest(manifest) => {
                bytes.push(MANIFEST);
                write_json(manifest, &mut bytes);
            }
        }
        bytes
    }

    /// Reads a record, whatever the bytes are.
    ///
    /// # Errors
    /// [`JournalError`] unless [`encode`](Self::encode) could have written them.
    pub fn decode(bytes: &[u8]) -> Result<Self, JournalError> {
        let head = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first);
        match head {
            None => return Err(JournalError::Foreign),
            Some((&VERSION, _)) => {}
            Some((version @ b'1'..=b'9', _)) if *version < VERSION => {
                return Err(JournalError::Older(char::from(*version)));
            }
            Some((version @ b'1'..=b'9', _)) => {
                return Err(JournalError::Newer(char::from(*version)));
            }
            Some(_) => return Err(JournalError::Foreign),
        }
        let mut input = Input {
            bytes,
            at: MAGIC.len() + 1,
        };
        match input.byte()? {
            kind @ (ENTRY | ENTRY_SILENT) => {
                read_entry(&mut input, kind == ENTRY_SILENT).map(Self::Entry)
            }
            MANIFEST => input.json(input.left()).map(Self::Manifest),
            _ => Err(input.damaged("an unknown kind of record")),
        }
    }
}

fn write_entry(entry: &JournalEntry, bytes: &mut Vec<u8>) {
    let silent = entry.output_digest.records == 0;
    bytes.push(if silent { ENTRY_SILENT } else { ENTRY });
    write_number(entry.seq, bytes);
    bytes.extend_from_slice(&entry.writer.to_le_bytes());
    if !silent {
        write_number(entry.output_digest.records.into(), bytes);
    }
    bytes.extend_from_slice(&entry.output_digest.digest.to_le_bytes());

    let mut before = Before::default();
    for step in &entry.steps {
        match step {
            Step::Epoch(epoch) => {
                bytes.push(EPOCH);
                let mut json = Vec::new();
                write_json(epoch, &mut json);
                write_number(json.len() as u64, bytes);
                bytes.extend_from_slice(&json);
            }
            Step::Run(run) => write_run(run, before.ends(run.topic), bytes),
            Step::Tick { now, inputs } => {
                write_inputs(inputs, bytes);
                let moved = now.0.wrapping_sub(before.now);
                before.now = now.0;
                // Zigzag: the sign in the lowest bit, so that small steps back are short too.
                write_number(((moved << 1) ^ (moved >> 63)) as u64, bytes);
            }
            Step::Sweep { subscribers } => {
                bytes.push(SWEEP);
                write_number((*subscribers).into(), bytes);
            }
        }
    }
}

fn write_run(run: &Run, end: &mut i64, bytes: &mut Vec<u8>) {
    let markers = (run.to.wrapping_sub(run.from) as u64).wrapping_sub(run.records.into());
    let short = run.topic.min(TOPIC_FOLLOWS);
    bytes.push(RUN | if markers > 0 { MARKERS } else { 0 } | short << 3);
    if short == TOPIC_FOLLOWS {
        bytes.push(run.topic);
    }
    write_number(run.from.wrapping_sub(*end) as u64, bytes);
    *end = run.to;
    write_number(run.records.into(), bytes);
    if markers > 0 {
        write_number(markers, bytes);
    }
}

fn read_entry(input: &mut Input<'_>, silent: bool) -> Result<JournalEntry, JournalError> {
    let seq = input.number()?;
    let writer = input.fixed()?;
    let records = if silent { 0 } else { input.small()? };
    let output_digest = OutputDigest {
        records,
        digest: input.fixed()?,
    };
    let mut before = Before::default();
    let mut steps = Vec::new();
    while input.left() > 0 {
        let head = input.byte()?;
        let rest = head >> 2;
        steps.push(match head & 3 {
            EPOCH if rest == 0 => {
                let length = input.number()?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Step::Epoch(input.json(length)?)
            }
            RUN => Step::Run(read_run(head, &mut before, input)?),
            TICK => {
                let inputs = read_inputs(head, input)?;
                let zigzag = input.number()?;
                let moved = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
                before.now = before.now.wrapping_add(moved);
                Step::Tick {
                    now: Timestamp(before.now),
                    inputs,
                }
            }
            SWEEP if rest == 0 => Step::Sweep {
                subscribers: input.small()?,
            },
            _ => return Err(input.damaged("an unknown kind of step")),
        });
    }
    Ok(JournalEntry {
        seq,
        writer,
        steps,
        output_digest,
    })
}

fn read_run(head: u8, before: &mut Before, input: &mut Input<'_>) -> Result<Run, JournalError> {
    let topic = match head >> 3 {
        TOPIC_FOLLOWS => input.byte()?,
        short => short,
    };
    let end = before.ends(topic);
    let from = end.checked_add_unsigned(input.number()?);
    let records = input.small()?;
    let markers = if head & MARKERS != 0 {
        input.number()?
    } else {
        0
    };
    let span = markers.checked_add(records.into());
    let to = from.and_then(|from| from.checked_add_unsigned(span?));
    let (Some(from), Some(to)) = (from, to) else {
        return Err(input.damaged("a run beyond the highest offset"));
    };
    *end = to;
    Ok(Run {
        topic,
        from,
        to,
        records,
    })
}

/// What earlier steps say about the next one of the same kind.
struct Before {
    ends: [i64; 256],
    now: i64,
}

impl Default for Before {
    fn default() -> Self {
        Self {
            ends: [0; 256],
            now: 0,
        }
    }
}

impl Before {
    /// Where the last run of a topic ended; 0 before the first.
    fn ends(&mut self, topic: u8) -> &mut i64 {
        &mut self.ends[usize::from(topic)]
    }
}

const _: () = assert!(
    Feed::ALL.len() <= 8,
    "a tick has a byte for the feeds that lag"
);

fn write_inputs(inputs: &Inputs, bytes: &mut Vec<u8>) {
    let lagging = Feed::ALL.into_iter();
    let lagging = lagging.filter(|feed| inputs.lagging.contains(*feed));
    let lagging = lagging.fold(0, |bits, feed| bits | 1 << feed as u8);
    let flags = [
        (inputs.caught_up, CAUGHT_UP),
        (inputs.backlog, BACKLOG),
        (lagging != 0, LAGGING),
    ];
    let set = flags.into_iter().filter(|(holds, _)| *holds);
    bytes.push(set.fold(TICK, |head, (_, flag)| head | flag));
    if lagging != 0 {
        bytes.push(lagging);
    }
}

fn read_inputs(head: u8, input: &mut Input<'_>) -> Result<Inputs, JournalError> {
    let bits = match head & LAGGING {
        0 => 0,
        _ => input.byte()?,
    };
    let known = |bits: u8, highest: u8| bits < highest << 1;
    if !known(head, LAGGING) || !known(bits, 1 << (Feed::ALL.len() - 1)) {
        return Err(input.damaged("an unknown kind of step"));
    }
    let lagging = Feed::ALL.into_iter();
    let lagging = lagging.filter(|feed| bits & 1 << *feed as u8 != 0);
    Ok(Inputs {
        lagging: lagging.fold(FeedSet::NONE, FeedSet::with),
        caught_up: head & CAUGHT_UP != 0,
        backlog: head & BACKLOG != 0,
    })
}

fn write_number(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// JSON of plain structs. Writing it cannot fail: everything in them can be JSON, and it goes to memory.
fn write_json(value: &impl serde::Serialize, bytes: &mut Vec<u8>) {
    let written = serde_json::to_writer(bytes, value);
    debug_assert!(written.is_ok());
}

/// Bytes still to be read.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn damaged(&self, what: &'static str) -> JournalError {
        JournalError::Damaged { what, at: self.at }
    }

    fn take(&mut self, length: usize) -> Result<&[u8], JournalError> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or(self.damaged("the record ends too early"))?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, JournalError> {
        self.take(1).map(|taken| taken[0])
    }

    /// Eight bytes.
    fn fixed(&mut self) -> Result<u64, JournalError> {
        let taken = self.take(8)?;
        Ok(taken
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A varint.
    fn number(&mut self) -> Result<u64, JournalError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number too large"))
    }

    /// A varint of up to 32 bits.
    fn small(&mut self) -> Result<u32, JournalError> {
        u32::try_from(self.number()?).map_err(|_| self.damaged("a number too large"))
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self, length: usize) -> Result<T, JournalError> {
        let at = self.at;
        let json = serde_json::from_slice(self.take(length)?);
        json.map_err(|_| JournalError::Damaged {
            what: "rules or a manifest that cannot be read",
            at,
        })
    }
}
