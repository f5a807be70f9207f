use super::TaskOutcome;
use serde::{Deserialize, Serialize};

/// Why a customer would leave or stay, as outcomes say it: free text brought under a fixed list, so that it can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Motive {
    /// Another operator offers more.
    CompetitorOffer,
    /// Too expensive.
    Price,
    /// A bill that is wrong or not understood.
    Billing,
    /// How the customer was treated.
    Service,
    /// Coverage, speed, dropped calls.
    Network,
    /// The number is the customer's second one.
    SecondSim,
    /// Another handset, or one that is locked.
    Handset,
    /// Lives or works elsewhere now.
    Moved,
    /// Has no use for it any more.
    NoNeed,
    /// Never meant to leave.
    NoIntention,
    /// Anything else.
    Other,
}

/// What is known of a customer's motives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Motives {
    /// What the customer said last.
    pub stated: Option<Motive>,
    /// What was found out last.
    pub confirmed: Option<Motive>,
}

impl Motive {
    /// Every motive.
    pub const ALL: [Self; 11] = [
        Self::CompetitorOffer,
        Self::Price,
        Self::Billing,
        Self::Service,
        Self::Network,
        Self::SecondSim,
        Self::Handset,
        Self::Moved,
        Self::NoNeed,
        Self::NoIntention,
        Self::Other,
    ];

    /// The name used in records and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CompetitorOffer => "competitor_offer",
            Self::Price => "price",
            Self::Billing => "billing",
            Self::Service => "service",
            Self::Network => "network",
            Self::SecondSim => "second_sim",
            Self::Handset => "handset",
            Self::Moved => "moved",
            Self::NoNeed => "no_need",
            Self::NoIntention => "no_intention",
            Self::Other => "other",
        }
    }

    /// The motive that a text names, in whatever case and with spaces or hyphens between its words; any other text is
    /// [`Other`](Self::Other).
    pub fn of(text: &str) -> Self {
        let is_gap = |c: char| c.is_whitespace() || c == '-' || c == '_';
        let named = |motive: &Self| {
            let words = motive.name().split('_');
            let said = text.split(is_gap).filter(|word| !word.is_empty());
            said.map(str::to_ascii_lowercase).eq(words)
        };
        Self::ALL.into_iter().find(named).unwrap_or(Self::Other)
    }
}

impl Motives {
    /// Takes over what an outcome says. What it leaves out stays as it was.
    pub fn learn(&mut self, outcome: &TaskOutcome<'_>) {
        let named = |text: &Option<_>| text.as_deref().map(Motive::of);
        self.stated = named(&outcome.stated_reason).or(self.stated);
        self.confirmed = named(&outcome.confirmed_reason).or(self.confirmed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_under_the_list() {
        for motive in Motive::ALL {
            assert_eq!(Motive::of(motive.name()), motive);
        }
        for (text, motive) in [
            ("PRICE", Motive::Price),
            (" Competitor Offer ", Motive::CompetitorOffer),
            ("second-SIM", Motive::SecondSim),
            ("no__intention", Motive::NoIntention),
            ("pricey", Motive::Other),
            ("competitoroffer", Motive::Other),
            ("資費", Motive::Other),
            ("", Motive::Other),
        ] {
            assert_eq!(Motive::of(text), motive, "{text:?}");
        }
    }
}
