use std::io;

/// A file that could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}{remedy}")]
pub struct FileError {
    action: &'static str,
    path: String,
    source: io::Error,
    remedy: &'static str,
}

impl FileError {
    /// A failure of some action, such as "read".
    pub fn new(action: &'static str, path: &str, source: io::Error) -> Self {
        let remedy = match source.kind() {
            io::ErrorKind::NotFound => "; check the path",
            io::ErrorKind::PermissionDenied => "; check who may read and write it",
            io::ErrorKind::UnexpectedEof => "; the compressed file is cut short",
            io::ErrorKind::StorageFull => "; free some space",
            _ => "",
        };
        let path = if path == "-" {
            "standard input or output"
        } else {
            path
        };
        Self {
            action,
            path: path.to_owned(),
            source,
            remedy,
        }
    }

    /// Whether it is about a file that was to be read.
    pub fn is_of_input(&self) -> bool {
        self.action == "read"
    }

    /// Whether the reader of our output has gone away, as `head` does.
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}
