/// Width of the text.
const WIDTH: usize = 100;
/// Room for the words before the first part.
const WORDS: usize = 20;

/// Parts behind commas, in lines that fit the text; all but the first begin with the indent.
pub fn wrapped(parts: impl Iterator<Item = String>, indent: &str) -> String {
    let mut text = String::new();
    let mut used = WORDS;
    for part in parts {
        let separator = if text.is_empty() { "" } else { ", " };
        if used + separator.len() + part.len() > WIDTH {
            text += ",\n";
            text += indent;
            used = indent.len();
        } else {
            text += separator;
            used += separator.len();
        }
        used += part.len() + 1;
        text += &part;
    }
    text
}
