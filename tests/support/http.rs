//! The program's HTTP pages: a GET, and the metrics page read.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// An answer: status code and body.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub body: String,
}

/// GETs a page. `None` when nobody listens there (yet).
///
/// # Panics
///
/// When the other side answers with something that is not HTTP, or not within [`PATIENCE`].
pub fn get(address: SocketAddr, path: &str) -> Option<Response> {
    // HTTP/1.0: the body comes in one piece and ends with the connection.
    ask(
        address,
        path,
        &format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"),
    )
}

/// POSTs JSON. `None` when nobody listens there (yet).
///
/// # Panics
///
/// As [`get`].
pub fn post(address: SocketAddr, path: &str, body: &str) -> Option<Response> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    ask(address, path, &format!("{head}\r\n\r\n{body}"))
}

fn ask(address: SocketAddr, path: &str, request: &str) -> Option<Response> {
    let mut stream = match TcpStream::connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return None,
        outcome => outcome.unwrap_or_else(|error| panic!("connecting to {address}: {error}")),
    };
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
        .write_all(request.as_bytes())
        .unwrap_or_else(|error| panic!("asking {address}{path}: {error}"));
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .unwrap_or_else(|error| panic!("reading {address}{path}: {error}"));
    let answer = String::from_utf8(answer).expect("an answer in UTF-8");
    let parsed = answer.split_once("\r\n\r\n").and_then(|(head, body)| {
        let status = head
            .strip_prefix("HTTP/1.")?
            .split(' ')
            .nth(1)?
            .parse()
            .ok()?;
        Some(Response {
            status,
            body: body.to_owned(),
        })
    });
    Some(parsed.unwrap_or_else(|| panic!("{address}{path} did not answer in HTTP: {answer:?}")))
}

/// One sample of a metrics page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// A metrics page in Prometheus' text format.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<Sample>);

impl Metrics {
    /// # Panics
    ///
    /// Naming the line, for a page that Prometheus would refuse too.
    pub fn parse(page: &str) -> Metrics {
        let samples = page
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|line| {
                sample(line)
                    .unwrap_or_else(|| panic!("not a sample in Prometheus' text format: {line:?}"))
            });
        Metrics(samples.collect())
    }

    /// The samples of this name that carry these labels, perhaps among others.
    pub fn samples<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| {
            let carries = |(key, value): &(&str, &str)| {
                sample.labels.get(*key).is_some_and(|found| found == value)
            };
            sample.name == name && labels.iter().all(carries)
        })
    }

    /// The value of the one sample of this name that carries these labels; `None` when there is none.
    ///
    /// # Panics
    ///
    /// When there are several: name more labels, or use [`Metrics::sum`].
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found: Vec<&Sample> = self.samples(name, labels).collect();
        assert!(
            found.len() <= 1,
            "several samples for {name} {labels:?}: {found:?}"
        );
        found.first().map(|sample| sample.value)
    }

    /// The sum over all samples of this name that carry these labels, 0 when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples(name, labels).map(|sample| sample.value).sum()
    }
}

/// `name{label="value",...} value [timestamp]`
fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.trim().to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        }
        rest = rest.strip_prefix('}')?;
    }
    // `f64` reads the format's NaN, +Inf and -Inf too.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The text up to the closing quote, its escapes undone, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}
