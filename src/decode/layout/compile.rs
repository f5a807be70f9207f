//! From a layout's file to a layout that is ready for use.

use super::ber::{FileHeader, FileRules};
use super::compiler::Compiler;
use super::csv::{Columns, Dialect, FixedColumns};
use super::form::{Format, Layout, Mapped};
use super::json;
use super::spec::{BerSpec, CsvSpec, FormatName, LayoutSpec, LayoutText, OneOrMany, VariantSpec};
use crate::layers::{Document, Key, Origin, Problem, read_text, suggestion};
use encoding_rs::Encoding;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Compiles a layout.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn layout(text: &LayoutText) -> Result<Mapped, Vec<Problem>> {
    let document = Document::parse(&text.text, &text.name)?;
    let spec: LayoutSpec = read_text(&text.text, &text.name)?;
    let mut compiler = Compiler {
        document: &document,
        zone: None,
        sources: Vec::new(),
        problems: Vec::new(),
    };
    compiler.zone = compiler.zone_of(&Key::of("zone"), spec.zone.as_deref());
    let (layout, columns) = compiler.layout(spec, &text.name);
    match compiler.problems.is_empty() {
        true => Ok(Mapped {
            layout: Arc::new(layout),
            columns,
            header: None,
        }),
        false => Err(compiler.problems),
    }
}

/// The name of a file without its folder and `.toml`.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".toml").unwrap_or(name)
}

/// That a layout comes behind one that takes everything.
pub(super) fn never_used(text: &LayoutText, before: &str) -> Problem {
    Problem {
        origin: Origin::File(text.name.as_str().into(), None),
        key: "choose".to_owned(),
        what: format!("the layout is never used: `{before}` before it is for every topic and file"),
        remedy: format!("say in `[choose]` which topics or files `{before}` is for"),
    }
}

impl Compiler<'_> {
    fn layout(&mut self, spec: LayoutSpec, name: &str) -> (Layout, Columns) {
        let skip = spec.skip.into_iter();
        let skip = skip
            .map(|skip| self.conditions(&Key::of("skip"), Some(skip)))
            .collect();
        let mut variants = spec.variants;
        if variants.is_empty() {
            variants.push(VariantSpec::default());
        }
        let one = variants.len() == 1;
        let variants = variants.into_iter().enumerate().map(|(place, variant)| {
            let key = Key::of("variants").child(&(place + 1).to_string());
            let key = if one && variant.when.is_none() {
                Key::root()
            } else {
                key
            };
            self.variant(&key, variant, &spec.fields.0)
        });
        let variants = variants.collect();
        let csv = spec.csv.unwrap_or_default();
        let mut places = Columns::default();
        let format = match spec.format {
            FormatName::Json => Format::Json(self.paths()),
            FormatName::Ber => self.ber(spec.ber.unwrap_or_default(), spec.encoding.is_some()),
            FormatName::Fixed => self.fixed(&spec.fixed.unwrap_or_default().columns),
            FormatName::Csv => {
                if !csv.header || !csv.columns.is_empty() {
                    places = Columns::of(&self.sources, &csv.columns).unwrap_or_else(|what| {
                        let remedy = "list all columns in `csv.columns`, or name one by its place: \"#1\" is the first";
                        self.problem(&Key::of("csv.columns"), what, remedy);
                        Columns::default()
                    });
                }
                Format::Csv {
                    dialect: self.dialect(&csv),
                    header: csv.header,
                }
            }
        };
        let topics = self.patterns("choose.topic", spec.choose.topic);
        if !topics.is_empty() && csv.header && csv.columns.is_empty() {
            let remedy = "list them in `csv.columns`";
            self.problem(
                &Key::of("choose.topic"),
                "a topic has no first line that names the columns",
                remedy,
            );
        }
        let layout = Layout {
            name: spec.name.as_deref().unwrap_or(stem(name)).into(),
            topics,
            files: self.patterns("choose.file", spec.choose.file),
            header: spec.choose.header,
            format,
            encoding: self.encoding(spec.encoding.as_deref()),
            sources: std::mem::take(&mut self.sources),
            empty: spec.empty,
            skip,
            variants,
        };
        (layout, places)
    }

    fn patterns(&mut self, key: &str, patterns: Option<OneOrMany<String>>) -> Vec<glob::Pattern> {
        let mut read = Vec::new();
        for pattern in patterns.map(OneOrMany::into_vec).unwrap_or_default() {
            match glob::Pattern::new(&pattern) {
                Ok(pattern) => read.push(pattern),
                Err(error) => {
                    let what = format!("`{pattern}` is no pattern: {error}");
                    self.problem(&Key::of(key), what, "write such as \"cdr-*.csv\"");
                }
            }
        }
        read
    }

    fn encoding(&mut self, label: Option<&str>) -> &'static Encoding {
        let label = label.unwrap_or("utf-8");
        Encoding::for_label(label.as_bytes()).unwrap_or_else(|| {
            let what = format!("`{label}` is no encoding of the WHATWG Encoding Standard");
            self.problem(
                &Key::of("encoding"),
                what,
                "write such as \"gb18030\", \"windows-1252\" or \"shift_jis\"",
            );
            encoding_rs::UTF_8
        })
    }

    fn dialect(&mut self, spec: &CsvSpec) -> Dialect {
        let mut letter = |key: &str, text: Option<&str>| {
            let text = text.filter(|text| !text.is_empty())?;
            match text.as_bytes() {
                [byte] if byte.is_ascii() => Some(*byte),
                _ => {
                    let what = format!("`{text}` is not one ASCII character");
                    self.problem(
                        &Key::of("csv").child(key),
                        what,
                        "write such as \";\" or \"\\t\"",
                    );
                    None
                }
            }
        };
        let delimiter = letter("delimiter", spec.delimiter.as_deref());
        let quote = letter("quote", Some(spec.quote.as_deref().unwrap_or("\"")));
        let escape = letter("escape", spec.escape.as_deref());
        let comment = letter("comment", spec.comment.as_deref());
        Dialect::new(
            delimiter.unwrap_or(b','),
            quote,
            escape,
            comment,
            spec.ragged,
        )
    }

    fn paths(&mut self) -> json::Paths {
        let mut paths = json::Paths::default();
        for (slot, path) in std::mem::take(&mut self.sources).into_iter().enumerate() {
            if let Err(what) = paths.add(&path, slot) {
                let remedy = "name values by their path from the top of the record";
                self.problem(&Key::of("fields"), format!("`{path}` {what}"), remedy);
            }
            self.sources.push(path);
        }
        paths
    }

    fn ber(&mut self, spec: BerSpec, encoded: bool) -> Format {
        if encoded {
            let remedy = "leave it out; `read = \"utf8\"` reads a text";
            self.problem(&Key::of("encoding"), "does not go with BER", remedy);
        }
        if spec.block == Some(0) {
            let remedy = "write the bytes of a block, such as 2048";
            self.problem(&Key::of("ber.block"), "must be above 0", remedy);
        }
        if spec.block.is_some() && spec.file_header == Some(FileHeader::Ts32297) {
            let remedy = "leave it out: the headers say where records are";
            let what = "does not go with `file_header = \"ts32297\"`";
            self.problem(&Key::of("ber.block"), what, remedy);
        }
        Format::Ber {
            paths: self.paths(),
            files: FileRules {
                header: spec.file_header,
                block: spec.block,
            },
        }
    }

    fn fixed(&mut self, columns: &BTreeMap<String, [usize; 2]>) -> Format {
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        let mut fixed = Vec::new();
        for (slot, name) in self.sources.clone().iter().enumerate() {
            match columns.get(name) {
                Some([first, count]) if *first > 0 && *count > 0 => {
                    fixed.push((slot, first - 1, *count))
                }
                Some(_) => {
                    let remedy = "write the first character, counted from 1, and how many";
                    self.problem(
                        &Key::of("fixed.columns").child(name),
                        "is no place in a row",
                        remedy,
                    );
                }
                None => {
                    let remedy = suggestion(name, &names);
                    self.problem(
                        &Key::of("fixed.columns"),
                        format!("has no column `{name}`"),
                        remedy,
                    );
                }
            }
        }
        Format::Fixed(FixedColumns(fixed))
    }
}
