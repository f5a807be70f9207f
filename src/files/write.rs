use super::error::FileError;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// An NDJSON file being written, or standard output for `-`.
pub struct Output {
    path: String,
    writer: Box<dyn Write>,
}

impl Output {
    /// Creates a file, replacing what is there, or takes standard output for `-`.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(path: &str) -> Result<Self, FileError> {
        let writer: Box<dyn Write> = match path {
            "-" => Box::new(BufWriter::new(io::stdout())),
            _ => {
                let file = File::create(path);
                let file = file.map_err(|error| FileError::new("write", path, error))?;
                Box::new(BufWriter::new(file))
            }
        };
        Ok(Self {
            path: path.to_owned(),
            writer,
        })
    }

    /// Writes one record and a line end.
    ///
    /// # Errors
    /// If the bytes cannot be written.
    pub fn line(&mut self, record: &[u8]) -> Result<(), FileError> {
        let written = self.writer.write_all(record);
        let written = written.and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| FileError::new("write", &self.path, error))
    }

    /// Hands everything to the operating system. An output that is dropped without it may lose its last lines.
    ///
    /// # Errors
    /// If the bytes cannot be written.
    pub fn finish(mut self) -> Result<(), FileError> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| FileError::new("write", &self.path, error))
    }
}
