//! The form of the lines of files, one file after the other.

use crate::decode::{Form, Layouts};
use crate::files::FileError;
use std::io;

/// Which form the lines at hand have.
pub(super) struct LineForm {
    layouts: Layouts,
    form: Form,
    path: String,
    first: bool,
}

impl LineForm {
    /// No file yet.
    pub(super) fn new(layouts: &Layouts) -> Self {
        Self {
            layouts: layouts.clone(),
            form: Form::Native,
            path: String::new(),
            first: false,
        }
    }

    /// The lines of a file follow.
    pub(super) fn begin(&mut self, path: &str) {
        path.clone_into(&mut self.path);
        self.first = true;
    }

    /// The names of columns that a line states.
    pub(super) fn cells(&self, line: &[u8]) -> Vec<String> {
        self.form.cells(line).unwrap_or_default()
    }

    /// The form of a line, or nothing if it is no record: names of columns, or a remark.
    ///
    /// # Errors
    /// If the first line shows that the file is not as its layout says.
    pub(super) fn of(&mut self, line: &[u8]) -> Result<Option<&Form>, FileError> {
        if self.first && line.trim_ascii().is_empty() && !self.layouts.is_empty() {
            return Ok(None);
        }
        let first = std::mem::take(&mut self.first);
        if first {
            self.form = self.layouts.of_file(&self.path, line);
            let is_json = line.trim_ascii_start().starts_with(b"{");
            if !self.layouts.is_empty() && self.form.name().is_none() && !is_json {
                return Err(self.fault(&format!(
                    "none of the layouts {} fits; `file` and `header` of their [choose] say which files one is for",
                    self.layouts.names().join(", ")
                )));
            }
        }
        match self.form.is_heading(line, first) {
            Ok(heading) => Ok(Some(&self.form).filter(|_| !heading)),
            Err(problem) => {
                let name = self.form.name().unwrap_or_default();
                Err(self.fault(&format!("layout `{name}`: {problem}")))
            }
        }
    }

    fn fault(&self, problem: &str) -> FileError {
        FileError::new("read", &self.path, io::Error::other(problem.to_owned()))
    }
}
