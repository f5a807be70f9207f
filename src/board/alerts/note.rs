//! What a message says, before it takes the form of its receiver.

use super::alert::{Alert, Kind};
use crate::board::store::Filter;
use crate::board::task::LEVELS;
use crate::board::when::When;
use crate::board::words::Language;
use crate::config::Config;

/// Lines of a digest, at most; the others are counted.
const LINES_MAX: usize = 30;

/// What a message says. Texts come from the detector and are no markup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub title: String,
    /// One below the other.
    pub lines: Vec<Line>,
    /// Lines that are not among them, as the tasks they are of.
    pub left_out: usize,
    /// Where to go on: a text and an address.
    pub link: (String, String),
    /// In which language.
    pub language: Language,
}

/// A line, and the address that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// Where it leads to; empty for nowhere.
    pub url: String,
}

impl Note {
    /// The same with fewer lines.
    pub fn shortened(&self, lines: usize) -> Self {
        Self {
            lines: self.lines[..lines].to_vec(),
            left_out: self.left_out + self.lines.len() - lines,
            ..self.clone()
        }
    }

    /// What is said of lines that are not there; nothing if all are.
    pub fn rest(&self) -> Option<String> {
        let count = self.left_out.to_string();
        (self.left_out > 0).then(|| self.language.fill_of("alert", "more", &[&count]))
    }

    /// The longest form of it that a receiver takes; `measure` says how long one is. A title with nothing below is always short
    /// enough.
    pub fn fitted(&self, most: usize, measure: impl Fn(&Self) -> usize) -> Self {
        let lines = (0..=self.lines.len()).rev();
        let mut shorter = lines.map(|lines| self.shortened(lines));
        let fits = shorter.find(|note| measure(note) <= most);
        fits.unwrap_or_else(|| self.shortened(0))
    }
}

/// Writes notes in a language.
pub struct Writer<'a> {
    /// Where the board is, and which zone's times it shows.
    pub config: &'a Config,
    /// The board's time.
    pub now: i64,
    /// The receiver's language.
    pub language: Language,
}

impl Writer<'_> {
    /// What is said of one task, or of several.
    pub fn note(&self, alerts: &[&Alert]) -> Note {
        match alerts {
            [alert] => self.single(alert),
            alerts => self.digest(alerts),
        }
    }

    /// The address of a task's page.
    pub fn url(&self, alert: &Alert) -> String {
        task_url(self.config, &alert.task_id)
    }

    fn word<'w>(&self, section: &str, name: &'w str) -> &'w str {
        self.language.word(section, name)
    }

    fn head(&self, alert: &Alert) -> String {
        let parts = [
            self.word("alert", alert.kind.name()),
            self.word("tier", &alert.tier),
            self.word("severity", &alert.severity),
        ];
        joined(parts)
    }

    fn due(&self, alert: &Alert) -> String {
        let when = When::new(self.config, self.now, self.language);
        let due = when.short(alert.due_at);
        self.language.fill_of("alert", "due", &[&due])
    }

    fn single(&self, alert: &Alert) -> Note {
        let text = match self.language {
            Language::Chinese => &alert.text_zh,
            Language::English => &alert.text_en,
        };
        let who = joined([&*alert.subscriber, &alert.region]);
        // Whoever has it first need not be told that nobody above has.
        let level = match alert.level.as_str() {
            lowest if lowest == LEVELS[0] => "",
            level => self.word("level", level),
        };
        let whose = joined([level, &alert.manager, &alert.queue]);
        let lines = [who, text.clone(), whose, self.due(alert)];
        let lines = lines.into_iter().filter(|line| !line.is_empty());
        Note {
            title: self.head(alert),
            lines: lines
                .map(|text| Line {
                    text,
                    url: String::new(),
                })
                .collect(),
            left_out: 0,
            link: (self.word("alert", "open").to_owned(), self.url(alert)),
            language: self.language,
        }
    }

    fn digest(&self, alerts: &[&Alert]) -> Note {
        let mut alerts = alerts.to_vec();
        let place = |alert: &Alert| Kind::ALL.iter().position(|kind| *kind == alert.kind);
        alerts.sort_by(|a, b| {
            let order = place(a).cmp(&place(b)).then(a.due_at.cmp(&b.due_at));
            order.then_with(|| a.task_id.cmp(&b.task_id))
        });
        let counts = Kind::ALL.iter().filter_map(|kind| {
            let count = alerts.iter().filter(|alert| alert.kind == *kind).count();
            let word = self.word("alert", kind.name());
            let text = |count: String| {
                self.language
                    .fill_of("alert", "kind_count", &[word, &count])
            };
            (count > 0).then(|| text(count.to_string()))
        });
        let counts: Vec<String> = counts.collect();
        let all = alerts.len().to_string();
        let comma = match self.language {
            Language::Chinese => "，",
            Language::English => ", ",
        };
        let lines = alerts.iter().take(LINES_MAX).map(|alert| {
            let due = self.due(alert);
            let whose = if alert.manager.is_empty() {
                &alert.queue
            } else {
                &alert.manager
            };
            Line {
                text: joined([&*self.head(alert), &alert.subscriber, whose, &due]),
                url: self.url(alert),
            }
        });
        Note {
            title: self
                .language
                .fill_of("alert", "digest", &[&all, &counts.join(comma)]),
            lines: lines.collect(),
            left_out: alerts.len().saturating_sub(LINES_MAX),
            link: (self.word("alert", "list").to_owned(), self.list(&alerts)),
            language: self.language,
        }
    }

    /// The list with the tasks of a digest, as nearly as a list's filters can say it.
    fn list(&self, alerts: &[&Alert]) -> String {
        let same = |of: fn(&Alert) -> &String| match alerts {
            [first, rest @ ..] if rest.iter().all(|alert| of(alert) == of(first)) => {
                of(first).clone()
            }
            _ => String::new(),
        };
        let filter = Filter {
            manager: same(|alert| &alert.manager),
            queue: same(|alert| &alert.queue),
            tier: same(|alert| &alert.tier),
            ..Filter::default()
        };
        let query = filter.query();
        let kind = match alerts {
            [first, rest @ ..] if rest.iter().all(|alert| alert.kind == first.kind) => {
                Some(first.kind)
            }
            _ => None,
        };
        let order = match kind {
            Some(Kind::Overdue) => "due=overdue",
            Some(Kind::DueSoon) => "due=soon",
            Some(Kind::Escalated) => "level=%2B",
            Some(Kind::New) => "sort=opened",
            None => "",
        };
        let query = [order, &query].into_iter().filter(|part| !part.is_empty());
        let query = query.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/tasks{mark}{query}", self.config.board.public_url)
    }
}

/// The address of a task's page.
pub fn task_url(config: &Config, id: &str) -> String {
    let id = serde_urlencoded::to_string([("", id)]).unwrap_or_default();
    let id = id.trim_start_matches('=').replace('+', "%20");
    format!("{}/tasks/{id}", config.board.public_url)
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" · ")
}
