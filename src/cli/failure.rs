use crate::config::Problems;
use crate::files::FileError;

/// Why a sub-command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// Wrong usage or configuration; the operator must change something. Exit status 2.
    Usage(String),
    /// It was tried and did not work. Exit status 1.
    Failed(String),
    /// It was done, but some records were rejected. Exit status 3.
    Rejected,
}

impl Failure {
    /// Some inputs could not be read to the end. Each was named when it happened.
    pub(super) fn unread(unread: usize, inputs: &[String]) -> Self {
        Self::Failed(format!(
            "{unread} of {} inputs could not be read to the end; they are named above",
            inputs.len()
        ))
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Usage(problems.to_string())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::Failed(error.to_string())
    }
}
