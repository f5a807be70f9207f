//! Where a record was made: at home, or in a network that the subscriber visits (behaviour: Events).

use super::faults::Flaw;
use super::field::Field;
use super::read::Read;
use super::wire::Fields;
use crate::model::Network;

/// The networks of `decode.home_networks`.
#[derive(Debug, Clone)]
pub(super) struct HomeNetworks(Vec<Home>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// All of a country.
    Country(u16),
    Network(Network),
}

impl Home {
    fn parse(text: &str) -> Option<Self> {
        let country = || {
            text.parse()
                .ok()
                .filter(|_| text.len() == 3)
                .map(Self::Country)
        };
        Network::parse(text).map(Self::Network).or_else(country)
    }
}

/// Whether a text names a home network, or the country of some.
pub(super) fn is_home(text: &str) -> bool {
    Home::parse(text).is_some()
}

impl HomeNetworks {
    pub(super) fn new(texts: &[String]) -> Self {
        Self(texts.iter().filter_map(|text| Home::parse(text)).collect())
    }

    /// The network that a record names, unless it is at home.
    pub(super) fn visited(&self, fields: &mut Fields<'_>) -> Option<Network> {
        let named = fields.optional(Field::VisitedPlmn, network);
        let network = named.or_else(|| cell(fields))?;
        let home = |home: &Home| match *home {
            Home::Country(country) => country == network.country(),
            Home::Network(home) => home == network,
        };
        (!self.0.iter().any(home)).then_some(network)
    }
}

fn network(fields: &Fields<'_>, field: Field) -> Read<Network> {
    let text = fields.text(field)?;
    let network = text.map(|text| Network::parse(&text).ok_or(Flaw::Invalid("is not MCC-MNC")));
    network.transpose()
}

/// The network part of a cell that is written MCC-MNC-LAC-CI. Gateways write cells in many ways, so it is not worth counting
/// that one tells nothing.
fn cell(fields: &Fields<'_>) -> Option<Network> {
    let cell = fields.identifier(Field::FirstCellId).ok()??;
    let (country, behind) = cell.split_at_checked(3)?;
    let (code, place) = behind.strip_prefix('-')?.split_once('-')?;
    let is_whole = place.bytes().filter(|b| *b == b'-').count() == 1;
    let network = cell.get(..country.len() + 1 + code.len());
    Network::parse(network.filter(|_| is_whole)?)
}
