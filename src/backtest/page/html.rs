//! Pieces of HTML.

/// Text that HTML does not mistake for anything else.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A name of ours, which may be broken where its words meet.
pub fn name(text: &str) -> String {
    escape(text).replace('_', "_<wbr>").replace('+', "+<wbr>")
}

/// A table that scrolls sideways by itself on a narrow screen.
pub struct Table {
    html: String,
    columns: usize,
}

impl Table {
    /// Begins with a caption and the names of the columns, all plain text.
    pub fn new(caption: &str, columns: &[&str]) -> Self {
        let head: String = columns
            .iter()
            .map(|column| format!("<th scope=\"col\">{}</th>", name(column)))
            .collect();
        Self {
            html: format!(
                "<div class=\"scroll\"><table><caption><span>{}</span></caption><thead><tr>{head}</tr></thead><tbody>",
                escape(caption)
            ),
            columns: columns.len(),
        }
    }

    /// Tells what the next rows are of.
    pub fn group(&mut self, name: &str) {
        self.html += &format!(
            "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>",
            self.columns,
            escape(name)
        );
    }

    /// A row: its name as plain text, its cells as HTML.
    pub fn row(&mut self, row: &str, cells: &[String]) {
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{cell}</td>"))
            .collect();
        self.html += &format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", name(row));
    }

    /// The whole table.
    pub fn end(self) -> String {
        self.html + "</tbody></table></div>"
    }
}
