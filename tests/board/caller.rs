//! Somebody who asks the board, over a socket and without a browser.

use crate::support::PATIENCE;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Somebody who asks, and what is sent along with each request.
#[derive(Clone)]
pub struct Caller {
    address: SocketAddr,
    headers: Vec<(String, String)>,
    /// What proves that a form is the board's own.
    pub csrf: String,
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Caller {
    /// Somebody of whom nothing is known.
    pub fn stranger(address: SocketAddr) -> Self {
        Self {
            address,
            headers: Vec::new(),
            csrf: String::new(),
        }
    }

    /// The same with a header more, or another one of that name.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(known, _)| known != name);
        caller.headers.push((name.to_owned(), value.to_owned()));
        caller
    }

    /// The same at another address.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    /// The same, signed in.
    pub fn signed_in(&self, token: &str) -> Self {
        let answer = self.post("/sign-in", &[("token", token)]);
        assert_eq!(answer.status, 303, "{answer:?}");
        self.in_session(&answer)
    }

    /// The same in the session that an answer begins.
    pub fn in_session(&self, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").expect("a cookie");
        let mut caller = self.with("cookie", cookie.split(';').next().unwrap());
        let page = caller.get("/tasks").body;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a form");
        caller.csrf = rest.split('"').next().unwrap().to_owned();
        caller
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "", b"")
    }

    /// Sends a form.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("csrf", &self.csrf));
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.ask("POST", path, FORM, body.as_bytes())
    }

    /// Sends JSON.
    pub fn call(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, JSON, body.to_string().as_bytes())
    }

    /// Sends anything.
    pub fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // HTTP/1.0: the body comes in one piece and ends with the connection.
        let mut head = format!("{method} {path} HTTP/1.0\r\n");
        let address = self.address.to_string();
        let host = self.headers.iter().all(|(name, _)| name != "host");
        let usual = [("host", address.as_str())].into_iter().filter(|_| host);
        let own = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        for (name, value) in usual.chain(own) {
            head += &format!("{name}: {value}\r\n");
        }
        if method != "GET" {
            head += &format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len());
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        // The board may refuse a long body before all of it was sent.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(!answer.is_empty(), "{method} {path}: {read:?}");
        parse(&answer)
    }
}

/// An answer, of its bytes.
pub fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Answer {
        status: status.unwrap().parse().unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}
