/// What a customer ordered: `kind` of a `service_order`, and what its fees make of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// A dearer plan.
    Upgrade,
    /// Another plan, as far as is known at no other price.
    PlanChange,
    /// Broadband.
    Broadband,
    /// Several services together.
    Bundle,
    /// A value-added service.
    ValueAdded,
    /// A second line.
    SecondLine,
    /// Anything at a lower fee than before.
    Downgrade,
    /// A service was cancelled.
    Cancelled,
    /// The customer did not ask for it.
    Unasked,
    /// Not said, or something else.
    Unknown,
}

impl OrderKind {
    /// The name used in facts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::PlanChange => "plan_change",
            Self::Broadband => "broadband",
            Self::Bundle => "bundle",
            Self::ValueAdded => "value_added",
            Self::SecondLine => "second_line",
            Self::Downgrade => "downgrade",
            Self::Cancelled => "cancel_service",
            Self::Unasked => "unasked",
            Self::Unknown => "unknown",
        }
    }
}
