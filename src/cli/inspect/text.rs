//! How the commands of `inspect` write things.

/// A line of JSON. Plain structs of text and numbers cannot fail to be written.
pub fn json_line(value: &impl serde::Serialize) -> String {
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// A number of a worker as the names of parts have it.
pub fn writer_name(writer: u64) -> String {
    format!("{writer:016x}")
}
