use serde::{Deserialize, Serialize};

/// What the other sections look like, and how much they hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`IMAGE_FORMAT`](super::format::IMAGE_FORMAT), once more.
    pub format: u16,
    /// Days of every subscriber's window.
    pub window_days: u16,
    /// Subscribers, accounts or pseudonyms in a page.
    pub page: u16,
    /// Names of the triggers in the order of the registry.
    pub triggers: Vec<String>,
    /// The first so many of them have a state for every subscriber.
    pub dense: u16,
    /// Subscribers in all pages, without vacant slots.
    pub subscribers: u32,
    /// Accounts in all pages.
    pub accounts: u32,
    /// Pseudonyms in all pages.
    pub pseudonyms: u32,
    /// Open tasks in all sections.
    pub tasks: u32,
    /// Slots in all pages of shadow states.
    pub shadow: u32,
    /// Contact histories in all sections.
    pub contact_histories: u32,
    /// Candidates in all sections.
    pub candidates: u32,
    /// Vacant slots in all pages of subscribers.
    pub vacant: u32,
}
