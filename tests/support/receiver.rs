//! A server that answers as a test wants, such as a receiver of alerts.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::wait_for;

/// A request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The status that it got; 0 for none.
    pub answered: u16,
}

impl Asked {
    /// The body, read as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// What a request gets.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, headers, and a body.
    Says(u16, &'static str, &'static str),
    /// A status and a body of JSON.
    Json(u16, String),
    /// No answer for this long.
    Hangs(Duration),
    /// The connection ends.
    Breaks,
    /// A status, and a body that does not end.
    Floods(u16),
}

impl Reply {
    /// A status alone.
    pub fn status(status: u16) -> Self {
        Self::Says(status, "", "")
    }
}

type Answers = dyn Fn(usize, &Asked) -> Reply + Send + Sync;

/// A receiver. It listens as long as the test runs.
pub struct Receiver {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Receiver {
    /// Answers each request, by its number and what it says.
    pub fn start(answers: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    /// The same where somebody has listened.
    pub fn on(
        listener: TcpListener,
        answers: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (all, answers): (_, Arc<Answers>) = (Arc::clone(&asked), Arc::new(answers));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, answers) = (Arc::clone(&all), Arc::clone(&answers));
                thread::spawn(move || serve(stream, &all, &*answers));
            }
        });
        Self { address, asked }
    }

    /// One that takes everything.
    pub fn willing() -> Self {
        Self::start(|_, _| Reply::status(204))
    }

    /// What came so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The ids of webhooks that were taken, in the order of their coming.
    pub fn taken(&self) -> Vec<String> {
        let asked = self.asked().into_iter();
        let taken = asked.filter(|asked| (200..300).contains(&asked.answered));
        taken
            .map(|asked| asked.headers["webhook-id"].clone())
            .collect()
    }

    /// Waits until so many webhooks were taken.
    pub fn wait_taken(&self, count: usize) -> Vec<String> {
        wait_for(&format!("a receiver has taken {count} webhooks"), || {
            Some(self.taken()).filter(|taken| taken.len() >= count)
        })
    }

    /// Waits until so many requests came.
    pub fn wait_asked(&self, count: usize) -> Vec<Asked> {
        wait_for(&format!("a receiver was asked {count} times"), || {
            Some(self.asked()).filter(|asked| asked.len() >= count)
        })
    }
}

fn serve(stream: TcpStream, all: &Mutex<Vec<Asked>>, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    // A client keeps its connection for further requests.
    while let Some(mut asked) = read(&mut reader) {
        let number = all.lock().unwrap().len();
        let reply = answers(number, &asked);
        asked.answered = match reply {
            Reply::Says(status, ..) | Reply::Json(status, _) | Reply::Floods(status) => status,
            _ => 0,
        };
        all.lock().unwrap().push(asked);
        let mut stream = &stream;
        let sent = match reply {
            Reply::Says(status, headers, body) => {
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
                )
            }
            Reply::Json(status, body) => {
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
            Reply::Hangs(time) => {
                thread::sleep(time);
                return;
            }
            Reply::Breaks => return,
            Reply::Floods(status) => {
                let head =
                    format!("HTTP/1.1 {status} Status\r\nTransfer-Encoding: chunked\r\n\r\n");
                let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
                let mut sent = stream.write_all(head.as_bytes());
                while sent.is_ok() {
                    sent = stream.write_all(chunk.as_bytes());
                }
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        at: Instant::now(),
        method,
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
        answered: 0,
    })
}
