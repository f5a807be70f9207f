//! Everything that happened in a world, as a digest, and as text for whoever has to find out why.

use xxhash_rust::xxh3::Xxh3;

/// What happened so far.
#[derive(Default)]
pub struct Trace {
    digest: Xxh3,
    /// Kept only on demand: a failing seed is run once more with it.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace that keeps its text.
    pub fn verbose() -> Self {
        Self {
            lines: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Notes that something happened. `what` and the numbers say what; `bytes` are what it was about.
    pub fn note(&mut self, now_ms: i64, what: &str, numbers: &[i64], bytes: &[u8]) {
        self.digest.update(what.as_bytes());
        self.digest.update(&now_ms.to_le_bytes());
        for number in numbers {
            self.digest.update(&number.to_le_bytes());
        }
        self.digest.update(bytes);
        if let Some(lines) = &mut self.lines {
            let text = String::from_utf8_lossy(bytes);
            let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            lines.push(format!("{now_ms} {what} {numbers:?} {text}"));
        }
    }

    /// One number for the whole history.
    pub fn digest(&self) -> u64 {
        self.digest.digest()
    }

    /// The last things that happened, if the text was kept.
    pub fn tail(&self, lines_max: usize) -> String {
        let lines = self.lines.as_deref().unwrap_or_default();
        lines[lines.len().saturating_sub(lines_max)..].join("\n")
    }
}
