//! Records of other systems, brought into form by a layout: a file that says which of their values make which field
//! (docs/layouts.md).
//!
//! A layout is compiled once. For a record, the reader of its format puts the values that the layout names into slots, and
//! each target makes the JSON text of one field of them. From there on the record is read like any other.

mod ber;
mod clues;
mod compile;
mod compiler;
mod csv;
mod fields;
mod form;
mod framing;
mod json;
mod kind;
mod moment;
mod octets;
mod plan;
mod quantity;
mod ready;
mod shape;
mod slots;
mod spec;
mod step;
mod suggest;
mod trace;

pub use ber::{BerCutter, Cut};
pub(super) use form::Made;
pub use form::{Form, Scratch, is_native};
pub(super) use framing::first_line;
pub use framing::{Framing, Rows};
pub use ready::READY;
pub use shape::of as shape;
pub use spec::LayoutText;
pub use suggest::{leaves, suggest};
pub use trace::{FieldTrace, Trace};

use crate::layers::Problem;
use form::Layout;
use std::sync::Arc;

/// The layouts of an installation, in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct Layouts(Arc<[Form]>);

impl Layouts {
    /// Reads layouts.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(texts: &[LayoutText]) -> Result<Self, Vec<Problem>> {
        let mut forms = Vec::new();
        let mut problems = Vec::new();
        for text in texts {
            match compile::layout(text) {
                Ok(mapped) => {
                    let before = forms.iter().find_map(Form::for_everything);
                    problems.extend(before.map(|before| compile::never_used(text, before)));
                    forms.push(Form::Mapped(mapped));
                }
                Err(more) => problems.extend(more),
            }
        }
        match problems.is_empty() {
            true => Ok(Self(forms.into())),
            false => Err(problems),
        }
    }

    /// Whether all records are as the schemas say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().filter_map(Form::name).collect()
    }

    /// The form of a topic's records.
    pub fn of_topic(&self, topic: &str) -> &Form {
        let named = |layout: &Layout| layout.topics.iter().any(|pattern| pattern.matches(topic));
        self.first(|layout| named(layout) || layout.is_for_all())
    }

    /// The form of a file's records, by its path and its first line. A layout that is the only one is taken for every file
    /// that does not begin as the schemas say.
    pub fn of_file(&self, path: &str, first_line: &[u8]) -> Form {
        let name = path.rsplit('/').next().unwrap_or(path);
        let bare = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".zst"));
        let names = [Some(name), bare, Some(path)];
        let named = |layout: &Layout| {
            let fits =
                |pattern: &glob::Pattern| names.iter().flatten().any(|name| pattern.matches(name));
            // Standard input has no name.
            let unnamed = path == "-" && !layout.files.is_empty() && !is_native(first_line);
            unnamed || layout.is_for_all() || layout.files.iter().any(fits)
        };
        let form = self.first(|layout| named(layout) && layout.has_header(first_line));
        match (&*self.0, form) {
            ([only], Form::Native) if !is_native(first_line) => only.clone(),
            _ => form.clone(),
        }
    }

    fn first(&self, wanted: impl Fn(&Layout) -> bool) -> &Form {
        let mut forms = self.0.iter();
        let is_wanted =
            |form: &&Form| matches!(form, Form::Mapped(mapped) if wanted(&mapped.layout));
        forms.find(is_wanted).unwrap_or(&Form::Native)
    }
}
