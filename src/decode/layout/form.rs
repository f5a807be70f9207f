//! How the records of a topic or file are written, and the fields that are made of one.

use super::ber;
use super::csv::{self, Columns};
use super::json::{self, Integers};
use super::plan::{Condition, Target, Variant};
use super::shape;
use super::slots::{Pieces, Slots};
use super::step::Bench;
use crate::decode::field::Field;
use crate::decode::wire::not_json;
use crate::layers::list;
use crate::model::{Feed, Reject};
use std::sync::Arc;

/// How the records of a topic or a file are written.
#[derive(Debug, Clone, Default)]
pub enum Form {
    /// As the schemas say.
    #[default]
    Native,
    /// As a layout says.
    Mapped(Mapped),
}

/// A layout, and where its columns stand.
#[derive(Debug, Clone)]
pub struct Mapped {
    pub(super) layout: Arc<Layout>,
    pub(super) columns: Columns,
    /// The names of the columns, once a file's first line has said them.
    pub(super) header: Option<Vec<u8>>,
}

/// How the records of some system are written, and what they mean.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) name: Arc<str>,
    pub(super) topics: Vec<glob::Pattern>,
    pub(super) files: Vec<glob::Pattern>,
    /// Columns that the first line of a file must have.
    pub(super) header: Vec<String>,
    pub(super) format: Format,
    pub(super) encoding: &'static encoding_rs::Encoding,
    /// What a value is called in the record, by slots.
    pub(super) sources: Vec<String>,
    /// Texts that stand for no value.
    pub(super) empty: Vec<String>,
    /// Records for which all conditions of one of these hold say nothing.
    pub(super) skip: Vec<Vec<Condition>>,
    pub(super) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(super) enum Format {
    Json(json::Paths),
    Csv {
        dialect: csv::Dialect,
        /// Whether the first line of a file names the columns.
        header: bool,
    },
    Fixed(csv::FixedColumns),
    Ber {
        paths: json::Paths,
        files: ber::FileRules,
    },
}

/// Room for what is made of one record, kept from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The record in UTF-8, if it has another encoding, or in JSON, if it is in BER.
    text: String,
    ber: ber::Room,
    slots: Slots,
    room: csv::Room,
    bench: Bench,
    pieces: Pieces,
}

impl Form {
    /// Takes note of a line that is no record: a file's names of columns, or a remark.
    ///
    /// # Errors
    /// Names of columns that the layout needs and the line has not.
    pub fn is_heading(&mut self, line: &[u8], first: bool) -> Result<bool, String> {
        match self {
            Self::Native => Ok(false),
            Self::Mapped(mapped) => mapped.is_heading(line, first),
        }
    }

    /// Whether a record begins as those do whose schema is in a registry: with a zero byte, as no text does but one of two
    /// bytes a letter.
    pub fn is_framed(&self, record: &[u8]) -> bool {
        let wide = encoding_rs::UTF_16BE;
        let is_binary = |format: &Format| matches!(format, Format::Ber { .. });
        let is_other = matches!(self, Self::Mapped(mapped)
            if mapped.layout.encoding == wide || is_binary(&mapped.layout.format));
        record.first() == Some(&0) && !is_other
    }

    /// The name of a layout that leaves nothing for others.
    pub(super) fn for_everything(&self) -> Option<&str> {
        self.name().filter(|_| match self {
            Self::Native => false,
            Self::Mapped(mapped) => mapped.layout.is_for_everything(),
        })
    }

    /// The name of the layout, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Native => None,
            Self::Mapped(mapped) => Some(&mapped.layout.name),
        }
    }
}

impl Mapped {
    fn is_heading(&mut self, line: &[u8], first: bool) -> Result<bool, String> {
        let Format::Csv { dialect, header } = &self.layout.format else {
            return Ok(false);
        };
        let (text, _) = self.layout.encoding.decode_without_bom_handling(line);
        if dialect.is_comment(&text) {
            return Ok(true);
        }
        if !header || !first && self.header.as_deref() != Some(line) {
            return Ok(false);
        }
        if first {
            self.columns = Columns::of(&self.layout.sources, &dialect.all_cells(&text))?;
            self.header = Some(line.to_vec());
        }
        Ok(true)
    }

    /// Makes fields of a record; nothing if the layout says to skip it.
    pub(in crate::decode) fn map<'l, 'a>(
        &'l self,
        bytes: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Option<Made<'l, 'a>>, Reject> {
        let Scratch {
            text,
            ber,
            slots,
            room,
            bench,
            pieces,
        } = scratch;
        let layout = &*self.layout;
        let record = layout.text(bytes, text, ber)?;
        if layout.is_blank(record) {
            return Ok(None);
        }
        if record.trim_ascii().is_empty() {
            return Err(layout.explain(String::new(), None, Reject::Empty));
        }
        slots.clear(layout.sources.len());
        pieces.clear();
        let read = match &layout.format {
            Format::Json(paths) => paths
                .read(record, Integers::Decimal, slots)
                .map_err(|error| not_json(&error)),
            Format::Ber { paths, .. } => paths
                .read(record, Integers::Hexadecimal, slots)
                .map_err(|error| not_json(&error)),
            Format::Csv { dialect, .. } => dialect
                .read(record, &self.columns, slots, room)
                .map_err(|fault| Reject::NotARow(fault.to_string())),
            Format::Fixed(columns) => {
                columns.read(record, slots);
                Ok(())
            }
        };
        read.map_err(|reject| layout.explain(String::new(), None, reject))?;
        if !layout.empty.is_empty() {
            for slot in 0..layout.sources.len() {
                let value = slots.plain(record, slot);
                if value.is_some_and(|value| layout.empty.iter().any(|empty| *empty == value)) {
                    slots.forget(slot);
                }
            }
        }
        let mut skips = layout.skip.iter();
        if skips.any(|skip| Condition::all_hold(skip, record, slots)) {
            return Ok(None);
        }
        let mut variants = layout.variants.iter();
        let applies = |variant: &&Variant| Condition::all_hold(&variant.when, record, slots);
        let Some(variant) = variants.find(applies) else {
            let asked = layout.variants.iter().flat_map(|variant| &variant.when);
            let asked = asked.map(|condition| condition.slot).collect();
            let origin = layout.describe(asked, record, slots);
            return Err(layout.explain(origin, None, Reject::NoVariant));
        };
        for target in &variant.targets {
            target.make(record, slots, bench, pieces);
        }
        Ok(Some(Made {
            layout,
            variant,
            record,
            slots,
            pieces,
        }))
    }
}

impl Layout {
    /// Whether it is for every topic and file.
    pub(super) fn is_for_all(&self) -> bool {
        self.topics.is_empty() && self.files.is_empty()
    }

    /// Whether a line of a file of rows is none: empty, or a remark.
    fn is_blank(&self, record: &str) -> bool {
        match &self.format {
            Format::Json(_) | Format::Ber { .. } => false,
            Format::Csv { dialect, .. } => record.trim().is_empty() || dialect.is_comment(record),
            Format::Fixed(_) => record.trim().is_empty(),
        }
    }

    /// Whether no other layout can be for any topic or file that this one is not for.
    pub(super) fn is_for_everything(&self) -> bool {
        self.is_for_all() && self.header.is_empty()
    }

    pub(super) fn has_header(&self, first_line: &[u8]) -> bool {
        let Format::Csv { dialect, .. } = &self.format else {
            return true;
        };
        if self.header.is_empty() {
            return true;
        }
        let (text, _) = self.encoding.decode_without_bom_handling(first_line);
        let cells = dialect.all_cells(&text);
        self.header.iter().all(|name| cells.contains(name))
    }

    /// The record as text, which is written to `text` where the record has another encoding, or is in BER.
    fn text<'a>(
        &self,
        bytes: &'a [u8],
        text: &'a mut String,
        room: &mut ber::Room,
    ) -> Result<&'a str, Reject> {
        if let Format::Ber { .. } = &self.format {
            text.clear();
            let written = ber::write(bytes, room, text);
            return written.map(|()| text.as_str()).map_err(|damage| {
                self.explain(String::new(), None, Reject::NotBer(damage.to_string()))
            });
        }
        if self.encoding == encoding_rs::UTF_8 {
            let record = str::from_utf8(bytes);
            return record.map_err(|_| {
                let remedy = "; the layout's `encoding` says which it is, such as \"windows-1252\"";
                self.explain(remedy.to_owned(), None, Reject::NotUtf8)
            });
        }
        text.clear();
        let mut decoder = self.encoding.new_decoder_without_bom_handling();
        let room = decoder
            .max_utf8_buffer_length(bytes.len())
            .unwrap_or_default();
        text.reserve(room);
        // Letters that are none of the encoding's are shown as such and spoil their own value only.
        let _ = decoder.decode_to_string(bytes, text, true);
        Ok(text)
    }

    fn explain(&self, origin: String, feed: Option<Feed>, reject: Reject) -> Reject {
        Reject::InLayout {
            layout: Arc::clone(&self.name),
            origin,
            feed,
            reject: Box::new(reject),
        }
    }

    /// Where values came from, and what they look like, without saying what they are.
    fn describe(&self, mut slots: Vec<usize>, record: &str, values: &Slots) -> String {
        slots.sort_unstable();
        slots.dedup();
        let described = slots.iter().map(|slot| {
            let name = self.sources.get(*slot).map_or("", String::as_str);
            match values.plain(record, *slot) {
                Some(value) => format!("`{name}` is like {}", shape::of(&value)),
                None => format!("`{name}` is empty"),
            }
        });
        let described: Vec<String> = described.collect();
        match described.is_empty() {
            true => String::new(),
            false => format!(" ({})", described.join(", ")),
        }
    }
}

/// Whether a line begins an event as the schemas say.
pub fn is_native(line: &[u8]) -> bool {
    memchr::memmem::find(line, br#""record_type""#).is_some()
}

/// The fields that were made of a record.
pub(in crate::decode) struct Made<'l, 'a> {
    pub(super) layout: &'l Layout,
    pub(super) variant: &'l Variant,
    pub(super) record: &'a str,
    pub(super) slots: &'a Slots,
    pub(super) pieces: &'a Pieces,
}

impl<'a> Made<'_, 'a> {
    /// The fields and their JSON texts; an empty text where there is nothing.
    pub(in crate::decode) fn fields(&self) -> impl Iterator<Item = (Field, &'a str)> + use<'a> {
        self.pieces.iter(self.record)
    }

    /// Whether a text among them may have escapes in it.
    pub(in crate::decode) fn may_have_escapes(&self) -> bool {
        let mut texts = [self.record, &self.pieces.made].into_iter();
        texts.any(|text| memchr::memchr(b'\\', text.as_bytes()).is_some())
    }

    /// A field that the layout requires and the record has not.
    pub(in crate::decode) fn lacks(&self) -> Option<Field> {
        let mut required = self.variant.targets.iter().filter(|target| target.required);
        let is_made = |field: Field| {
            self.fields()
                .any(|(made, text)| made == field && !text.is_empty())
        };
        required
            .find(|target| !is_made(target.field))
            .map(|target| target.field)
    }

    /// A reject with what the layout has to do with it.
    pub(in crate::decode) fn explain(&self, reject: Reject, feed: Option<Feed>) -> Reject {
        let mut targets = self.variant.targets.iter();
        let target = targets.find(|target| Some(target.field.name()) == reject.field());
        let slots = target.map(Target::slots).unwrap_or_default();
        let mut origin = self.layout.describe(slots, self.record, self.slots);
        let formats = target.map(Target::formats).unwrap_or_default();
        if !formats.is_empty() {
            origin += &format!("; the layout reads times like {}", list(&formats));
        }
        if !self.variant.name.is_empty() {
            origin += &format!(", variant `{}`", self.variant.name);
        }
        self.layout.explain(origin, feed, reject)
    }
}
