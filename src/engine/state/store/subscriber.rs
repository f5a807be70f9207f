use crate::engine::state::account::Account;
use crate::engine::state::baseline::Baselines;
use crate::engine::state::line_state::LineBelief;
use crate::engine::state::machines::MachineDetector;
use crate::engine::state::trigger_state::{DENSE, TriggerState, TriggerStates};
use crate::model::{Day, Msisdn};

/// Records kept to recognise a repeated one, per subscriber.
pub(super) const RECENT: usize = 8;
/// After every day that can occur.
pub const NEVER: Day = Day(i32::MAX);

/// What a shard knows of one subscriber, besides the window's ring beside it in the page.
///
/// What every event touches comes first, so that it shares cache lines.
#[derive(Debug, Clone, PartialEq)]
#[repr(C)]
pub struct Subscriber {
    pub(super) key: Key,
    pub(super) recent: [u32; RECENT],
    pub(super) recent_next: u8,
    /// Whether the subscriber counts for the population's figures on the day after `visited`.
    pub stable: bool,
    /// Whether the taskbook may have anything about the subscriber.
    pub in_book: bool,
    /// Whether it behaves like a machine.
    pub machine_detector: MachineDetector,
    /// Data volume not yet worth a whole MiB.
    pub(super) data_carry_bytes: u32,
    /// The newest day with any call-detail record; [`Day::MIN`] before it.
    pub newest: Day,
    /// The last closed day the subscriber was visited for.
    pub visited: Day,
    /// The last day with any usage.
    pub last_active: Day,
    /// The first day with any usage; [`NEVER`] before it.
    pub first_active: Day,
    /// Index into the shard's accounts.
    pub account: Option<AccountId>,
    /// Closed days on which usage was known, 0..65,535.
    pub known_days: u16,
    /// What is believed of the line.
    pub line: LineBelief,
    /// What is ordinary for this subscriber, by channel.
    pub baselines: Baselines,
    /// States of dense triggers, in the order of the registry.
    pub trigger_states: [TriggerState; DENSE],
}

const _: () = assert!(size_of::<Subscriber>() == 132);

/// Index of an account; never `u32::MAX`, so that an absent one takes no space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountId(pub(super) std::num::NonZeroU32);

impl AccountId {
    /// The id of the account at an index.
    pub fn from_index(index: usize) -> Option<Self> {
        let number = u32::try_from(index).ok()?.checked_add(1)?;
        std::num::NonZeroU32::new(number).map(Self)
    }

    /// The index behind the id.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// An MSISDN in 8 bytes: its digits behind a leading 1, or the number of a pseudonym; [`VACANT`](Key::VACANT) for nobody.
///
/// Nothing else of a subscriber lies at a multiple of 8 bytes, so a key that need not saves 4 of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(super) struct Key(pub(super) u64);

const PSEUDONYM: u64 = 1 << 63;
pub(super) const DIGITS_MAX: usize = 18;

impl Key {
    /// The key of a slot without a subscriber.
    pub(super) const VACANT: Self = Self(0);

    pub(super) fn of_digits(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > DIGITS_MAX || !bytes.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let pack = |packed, digit: &u8| packed * 10 + u64::from(digit - b'0');
        Some(Self(bytes.iter().fold(1, pack)))
    }

    /// The MSISDN behind a key of digits, made without allocating: it is asked for at every visit.
    pub(super) fn digits(self) -> Option<Msisdn> {
        let mut digits = [0; DIGITS_MAX];
        let (mut rest, mut length) = (self.0, 0);
        for digit in digits.iter_mut().rev() {
            if rest <= 9 {
                break;
            }
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            length += 1;
        }
        let text = str::from_utf8(&digits[DIGITS_MAX - length..]).ok()?;
        Msisdn::new(text).ok()
    }

    /// The key of the pseudonym with this number.
    pub(super) fn of_pseudonym(number: u32) -> Self {
        Self(PSEUDONYM | u64::from(number))
    }

    /// The number of the pseudonym, if it is one.
    pub(super) fn pseudonym(self) -> Option<u64> {
        (self.0 & PSEUDONYM != 0).then_some(self.0 & !PSEUDONYM)
    }

    /// Mixes the bits with a fixed constant: the same table on every machine.
    pub(super) fn hash(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    }
}

impl Subscriber {
    pub(super) fn new(key: Key, visited: Day) -> Self {
        Self {
            key,
            first_active: NEVER,
            last_active: Day::MIN,
            visited,
            newest: Day::MIN,
            known_days: 0,
            stable: false,
            in_book: false,
            recent_next: 0,
            machine_detector: MachineDetector::default(),
            data_carry_bytes: 0,
            account: None,
            line: LineBelief::default(),
            baselines: Baselines::default(),
            trigger_states: Default::default(),
            recent: [0; RECENT],
        }
    }

    /// Whether the line is a machine: one marked so, or one that behaves so.
    pub fn is_machine(&self, account: Option<&Account>) -> bool {
        self.machine_detector.machine()
            || account.is_some_and(|account| account.profile.flags.machine)
    }

    /// All trigger states of the subscriber, whose account this is.
    pub fn trigger_states<'a>(&'a self, account: Option<&'a Account>) -> TriggerStates<'a> {
        TriggerStates {
            dense: &self.trigger_states,
            sparse: account.map(|account| &account.trigger_states),
        }
    }

    /// Forgets what was ordinary for the line, what was believed of it, and what triggers made of it.
    pub fn unlearn(&mut self) {
        self.known_days = 0;
        self.baselines = Baselines::default();
        self.line = LineBelief::default();
        self.trigger_states = Default::default();
    }

    /// Whether a record was seen before; remembers it if not.
    ///
    /// 32 bits of the fingerprint are kept: about 4 in a billion records are taken for a repeat by chance.
    pub fn seen(&mut self, fingerprint: u64) -> bool {
        // 0 marks an empty place.
        let mark = ((fingerprint >> 32) as u32 ^ fingerprint as u32).max(1);
        if self.recent.contains(&mark) {
            return true;
        }
        self.recent[usize::from(self.recent_next) % RECENT] = mark;
        self.recent_next = (self.recent_next + 1) % RECENT as u8;
        false
    }

    /// Adds bytes of data and gives the whole MiB that have come together.
    pub fn carry_data(&mut self, bytes: u64) -> u64 {
        let total = u64::from(self.data_carry_bytes).saturating_add(bytes);
        self.data_carry_bytes = (total & 0xF_FFFF) as u32;
        total >> 20
    }
}
