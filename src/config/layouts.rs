//! The layouts that `decode.layouts` names.

use crate::decode::{LayoutText, Layouts, READY};
use crate::layers::{Key, Layers, Origin, suggestion};
use std::path::Path;
use toml::Value;

/// Reads the layouts. From then on the key holds their texts instead of their names, so that a ruleset's text is complete.
pub(super) fn layouts(layers: &mut Layers) -> Option<Layouts> {
    let key = Key::of("decode.layouts");
    let named: Vec<String> = layers.read(key.as_str())?;
    let texts: Option<Vec<LayoutText>> =
        named.iter().map(|name| text(layers, &key, name)).collect();
    let texts = texts?;
    match Layouts::new(&texts) {
        Ok(layouts) => {
            let texts = texts.into_iter().map(|layout| Value::String(layout.text));
            layers.value(&key, Value::Array(texts.collect()), &Origin::Default);
            Some(layouts)
        }
        Err(problems) => {
            layers.extend(problems);
            None
        }
    }
}

/// A layout that comes with the program, or a file's. What has several lines is a text that was read before.
fn text(layers: &mut Layers, key: &Key, name: &str) -> Option<LayoutText> {
    let ready = READY.iter().find(|(ready, _)| *ready == name);
    let read = match ready {
        Some((_, text)) => Ok((*text).to_owned()),
        None if name.contains('\n') => Ok(name.to_owned()),
        None => std::fs::read_to_string(Path::new(name)),
    };
    match read {
        Ok(text) => Some(LayoutText {
            name: name.lines().next().unwrap_or_default().to_owned(),
            text,
        }),
        Err(error) => {
            let names: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
            let what = format!("`{name}` cannot be read: {error}");
            let remedy = format!(
                "name a readable file, or a layout that comes with the program: {}",
                suggestion(name, &names)
            );
            layers.problem(key, what, remedy);
            None
        }
    }
}
