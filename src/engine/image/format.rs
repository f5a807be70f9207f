/// The format of the sections written.
pub const IMAGE_FORMAT: u16 = 7;

/// One piece of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: u8,
    /// Which of its kind; they come without gaps in a full image.
    pub index: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why sections are no image, or none for this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Written by a program of another age.
    #[error("image format {0} is not known; this version reads format {IMAGE_FORMAT}")]
    Format(u16),
    /// No such kind of section in the format.
    #[error("section kind {0} is not known")]
    Kind(u8),
    /// A section that cannot be read.
    #[error("{name} section {index} {problem}")]
    Section {
        /// Name of its kind.
        name: &'static str,
        /// Which of its kind.
        index: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Sections that can be read do not fit together.
    #[error("the image {0}")]
    Whole(&'static str),
}

/// The kinds of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Header = 1,
    State,
    Tasks,
    Pseudonyms,
    Accounts,
    Subscribers,
    Shadow,
    ContactHistories,
    Candidates,
    Tally,
    Uplift,
    Groups,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Header,
        Self::State,
        Self::Tasks,
        Self::Pseudonyms,
        Self::Accounts,
        Self::Subscribers,
        Self::Shadow,
        Self::ContactHistories,
        Self::Candidates,
        Self::Tally,
        Self::Uplift,
        Self::Groups,
    ];

    /// The kind with a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::State => "state",
            Self::Tasks => "tasks",
            Self::Pseudonyms => "pseudonyms",
            Self::Accounts => "accounts",
            Self::Subscribers => "subscribers",
            Self::Shadow => "shadow",
            Self::ContactHistories => "contact histories",
            Self::Candidates => "candidates",
            Self::Tally => "tally",
            Self::Uplift => "uplift",
            Self::Groups => "groups",
        }
    }

    /// A section of the kind.
    pub fn section(self, (index, bytes): (u32, Vec<u8>)) -> Section {
        Section {
            kind: self as u8,
            index,
            bytes,
        }
    }
}

/// Open tasks, contact histories or candidates in a section.
pub const BOOK: usize = 256;
