/// The five input feeds (behaviour: Events), and what shards tell each other of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Feed {
    /// Call-detail records: calls, messages, data sessions, forwarding.
    Cdr,
    /// Invoices, payments, charges, suspensions, cancellations.
    Billing,
    /// Profiles; the latest wins.
    Subscriber,
    /// Complaints, enquiries, port-out applications, reported competitor contacts.
    Service,
    /// What became of retention tasks.
    Outcome,
    /// What shards tell each other of groups (behaviour: Groups).
    Group,
}

impl Feed {
    /// Every feed, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Cdr,
        Self::Billing,
        Self::Subscriber,
        Self::Service,
        Self::Outcome,
        Self::Group,
    ];

    /// Those that come from outside and tell how far time has come. What shards tell each other says nothing about time.
    pub const TIMED: [Self; 5] = [
        Self::Cdr,
        Self::Billing,
        Self::Subscriber,
        Self::Service,
        Self::Outcome,
    ];

    /// The name used in records, configuration and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cdr => "cdr",
            Self::Billing => "billing",
            Self::Subscriber => "subscriber",
            Self::Service => "service",
            Self::Outcome => "outcome",
            Self::Group => "group",
        }
    }

    /// The feed of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feed| feed.name() == name)
    }
}

/// A set of feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct FeedSet(u8);

impl FeedSet {
    /// No feed.
    pub const NONE: Self = Self(0);

    /// This set and one more feed.
    #[must_use]
    pub const fn with(self, feed: Feed) -> Self {
        Self(self.0 | 1 << feed as u8)
    }

    /// The feeds of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a feed is in the set.
    pub const fn contains(self, feed: Feed) -> bool {
        self.0 & (1 << feed as u8) != 0
    }
}
