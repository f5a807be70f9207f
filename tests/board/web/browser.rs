//! A Chromium without a screen, driven by WebDriver.

use crate::caller::{Answer, parse};
use crate::site::{Site, token};
use crate::support::{PATIENCE, wait_for};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";
pub const TAB: &str = "\u{E004}";

/// Runs the driver until its standard input closes, which it does however the test ends. The guard's own end of the
/// output is closed, so that a driver that ends at once is noticed.
const GUARD: &str =
    "chromedriver --port=0 & driver=$!; exec >&-; read -r _; kill $driver; wait $driver";

/// The driver takes a free port of IPv6 and ends where IPv4 has that port in use, which happens beside many tests.
const DRIVER_TRIES: u32 = 10;

/// A browser with one page. It ends when dropped.
pub struct Browser {
    /// Where the board is.
    site: SocketAddr,
    driver: u16,
    session: String,
    guard: Child,
}

/// A driver and the port it listens on, or nothing where it has ended.
fn start_driver() -> Option<(Child, u16)> {
    let mut guard = Command::new("sh")
        .args(["-c", GUARD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh");
    let mut lines = BufReader::new(guard.stdout.take().unwrap()).lines();
    let port = lines.by_ref().find_map(|line| {
        let line = line.ok()?;
        let (_, port) = line.split_once("successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    if port.is_none() {
        drop(guard.stdin.take());
        let _ = guard.wait();
    }
    Some((guard, port?))
}

impl Browser {
    /// A browser with nothing on its page.
    ///
    /// # Panics
    /// There is no Chromium: run tests/setup.
    pub fn open(site: SocketAddr) -> Self {
        let (guard, driver) = (0..DRIVER_TRIES)
            .find_map(|_| start_driver())
            .expect("`chromedriver` does not start; tests/setup installs it");
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--hide-scrollbars", "--window-size=1280,900"],
        });
        let asked = json!({ "capabilities": { "alwaysMatch": { "browserName": "chrome", "goog:chromeOptions": options } } });
        let mut browser = Self {
            site,
            driver,
            session: String::new(),
            guard,
        };
        let session = browser.command("POST", "/session", &asked);
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// A browser in which somebody has signed in, in a language.
    pub fn of(site: &Site, name: &str, language: &str) -> Self {
        let browser = Self::open(site.address());
        browser.sign_in(name, language);
        browser
    }

    /// Signs in as a person does.
    pub fn sign_in(&self, name: &str, language: &str) {
        self.goto(&format!("/language/{language}?to=/sign-in"));
        self.fill("input[name=token]", &token(name));
        self.click("button");
        wait_for("somebody is signed in", || {
            (self.path() != "/sign-in").then_some(())
        });
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_command(method, path, body);
        assert_eq!(
            answer.status, 200,
            "{method} {path} {body:.200}: {}",
            answer.body
        );
        answer.json()["value"].clone()
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.driver)).unwrap();
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.driver,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert!(
                reader.read_until(b'\n', &mut bytes).unwrap() > 0,
                "{method} {path}: no answer"
            );
        }
        let length = parse(&bytes)
            .header("content-length")
            .map(|length| length.parse().unwrap());
        reader
            .take(length.unwrap_or(0))
            .read_to_end(&mut bytes)
            .unwrap();
        parse(&bytes)
    }

    fn session(&self, method: &str, path: &str, body: &Value) -> Value {
        self.command(method, &format!("/session/{}{path}", self.session), body)
    }

    /// Asks Chromium itself.
    pub fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.session(
            "POST",
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// Goes on in a tab more; the name of the one before.
    pub fn tab(&self) -> String {
        let before = self.session("GET", "/window", &Value::Null);
        let tab = self.session("POST", "/window/new", &json!({ "type": "tab" }));
        self.look_into(tab["handle"].as_str().unwrap());
        before.as_str().unwrap().to_owned()
    }

    /// Goes on in another tab, which stays hidden if it was.
    pub fn look_into(&self, tab: &str) {
        self.session("POST", "/window", &json!({ "handle": tab }));
    }

    /// Opens a page of the board.
    pub fn goto(&self, path: &str) {
        self.session(
            "POST",
            "/url",
            &json!({ "url": format!("http://{}{path}", self.site) }),
        );
    }

    /// The address of the page, from the path on.
    pub fn path(&self) -> String {
        let url = self.session("GET", "/url", &Value::Null);
        let url = url.as_str().unwrap();
        url.trim_start_matches(&format!("http://{}", self.site))
            .to_owned()
    }

    /// What a script returns.
    pub fn script(&self, text: &str) -> Value {
        self.session(
            "POST",
            "/execute/sync",
            &json!({ "script": text, "args": [] }),
        )
    }

    /// What a script hands to its last argument, `arguments[0]`.
    pub fn wait_script(&self, text: &str) -> Value {
        self.session(
            "POST",
            "/execute/async",
            &json!({ "script": text, "args": [] }),
        )
    }

    /// What an element says; nothing where there is none.
    pub fn text(&self, css: &str) -> String {
        let script = format!("return document.querySelector({css:?})?.innerText ?? ''");
        self.script(&script).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element says something.
    #[track_caller]
    pub fn await_text(&self, css: &str, wanted: &str) {
        wait_for(&format!("{css} says {wanted:?}"), || {
            self.text(css).contains(wanted).then_some(())
        });
    }

    /// Waits until the page has another address.
    #[track_caller]
    pub fn await_path(&self, wanted: &str) {
        wait_for(&format!("the page is {wanted}"), || {
            (self.path() == wanted).then_some(())
        });
    }

    fn element(&self, css: &str) -> String {
        let found = wait_for(&format!("there is {css}"), || {
            let asked = json!({ "using": "css selector", "value": css });
            let path = format!("/session/{}/element", self.session);
            let answer = self.try_command("POST", &path, &asked);
            (answer.status == 200).then(|| answer.json()["value"].clone())
        });
        let mut names = found.as_object().unwrap().values();
        names.next().unwrap().as_str().unwrap().to_owned()
    }

    /// Clicks an element.
    pub fn click(&self, css: &str) {
        let element = self.element(css);
        self.session("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Types into an element.
    pub fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.session(
            "POST",
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        );
    }

    /// Presses keys, one after the other, wherever the focus is.
    pub fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|stroke| json!({ "type": stroke, "value": key.to_string() }))
        });
        let strokes: Vec<Value> = strokes.collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.session("POST", "/actions", &actions);
    }

    /// The names of the tasks of a list, in the order of the page.
    pub fn rows(&self) -> Vec<String> {
        let rows = self.script(
            "return [...document.querySelectorAll('#rows tr')].map((row) => row.dataset.id)",
        );
        serde_json::from_value(rows).unwrap()
    }

    /// How wide the page is, and light or dark.
    pub fn look(&self, width: u32, scheme: &str) {
        let height = if width < 500 { 800 } else { 900 };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.chromium("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.chromium("Emulation.setEmulatedMedia", scheme);
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        let whole = json!({ "captureBeyondViewport": true });
        let picture = self.chromium("Page.captureScreenshot", whole);
        let picture = picture["data"].as_str().unwrap();
        base64::prelude::BASE64_STANDARD.decode(picture).unwrap()
    }
}

impl Drop for Browser {
    /// Ends the browser, also where the test fails: the driver would leave it behind.
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.driver)) {
            let (session, driver) = (&self.session, self.driver);
            let head = format!("DELETE /session/{session} HTTP/1.1\r\nhost: localhost:{driver}");
            let rest = "\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let _ = stream.write_all((head + rest).as_bytes());
            let _ = stream.read(&mut [0]);
        }
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}
