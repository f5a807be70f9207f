//! Mail with TLS: to a server whose certificate is trusted or not, and never without TLS.

use crate::alerts::await_group;
use crate::records::task;
use crate::site::Site;
use crate::smtp::{Certificates, Encryption, Server};
use crate::support::process::Process;
use crate::support::wait_while_moving;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::path::Path;

const PASSWORD: &str = "a-password-of-the-mail-server";
const UNTRUSTED: &str = "the mail server's certificate is not trusted, or is not for its name";

/// Lines of `[board]` for mail to a server.
fn lines(server: &Server, encryption: &str, ca: Option<&Path>) -> String {
    let ca = ca.map_or(String::new(), |ca| {
        format!("ca_file = \"{}\"\n", ca.display())
    });
    format!(
        "public_url = \"https://board.example.com\"\nlanguage = \"en\"\n[board.alerts]\nretry_seconds = [1]\ntimeout_seconds = 5\n\
         [board.alerts.mail]\nhost = \"127.0.0.1\"\nport = {}\nencryption = \"{encryption}\"\nfrom = \"churnwatch <cw@example.com>\"\n\
         user = \"churnwatch\"\npassword = \"{PASSWORD}\"\n{ca}\
         [board.alerts.receivers.boxes]\nkind = \"mail\"\nto = [\"lead@example.com\"]\nper_minute = 0\n\
         [[board.alerts.rules]]\nreceivers = [\"boxes\"]\n",
        server.address.port()
    )
}

fn site(server: &Server, encryption: &str, ca: Option<&Path>) -> Site {
    let site = Site::with(&lines(server, encryption, ca));
    await_group(&site);
    site
}

fn await_trouble(site: &Site, trouble: &str) {
    wait_while_moving("the board says what is wrong with the mail server", || {
        let status = site.program("chen").get("/api/status").json();
        let found = &status["alerts"]["receivers"][0]["trouble"];
        (found == trouble).then_some(()).ok_or(found.clone())
    });
}

/// As the password goes over the line.
fn sign_in() -> String {
    let text = format!("\0churnwatch\0{PASSWORD}");
    format!("AUTH PLAIN {}", BASE64_STANDARD.encode(text))
}

#[test]
fn a_server_is_trusted_by_its_authority_and_signed_in_to_with_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    let made = Certificates::make(folder.path(), "127.0.0.1");
    for (name, encryption) in [
        ("starttls", Encryption::Starttls(made.server.clone())),
        ("tls", Encryption::Tls(made.server.clone())),
    ] {
        let server = Server::start(&[], encryption);
        let site = site(&server, name, Some(&made.ca));
        site.put(&[task(1)]);
        let mail = &server.wait_taken(1)[0];
        assert!(
            mail.text.contains("Subject: churnwatch: New task"),
            "{mail:?}"
        );
        assert!(server.secret().contains(&sign_in()), "{name}");
        let plain = server.plain().join("\n");
        assert!(
            !plain.contains("AUTH") && !plain.contains("MAIL"),
            "{name}: {plain}"
        );
    }
}

#[test]
fn a_server_that_is_not_trusted_gets_nothing() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = Certificates::make(folder.path(), "127.0.0.1");
    let elsewhere = Certificates::make(other.path(), "127.0.0.2");
    for (name, encryption, ca) in [
        ("starttls", Encryption::Starttls(made.server.clone()), None),
        ("tls", Encryption::Tls(made.server.clone()), None),
        // Trusted, and of another server.
        (
            "starttls",
            Encryption::Starttls(elsewhere.server.clone()),
            Some(&*elsewhere.ca),
        ),
        // The authority of somebody else.
        (
            "tls",
            Encryption::Tls(made.server.clone()),
            Some(&*elsewhere.ca),
        ),
    ] {
        let server = Server::start(&[], encryption);
        let site = site(&server, name, ca);
        site.put(&[task(1)]);
        await_trouble(&site, UNTRUSTED);
        assert!(server.secret().is_empty() && server.letters().is_empty());
        let plain = server.plain().join("\n");
        assert!(
            !plain.contains("AUTH") && !plain.contains("MAIL"),
            "{plain}"
        );
    }
}

#[test]
fn a_server_without_tls_gets_nothing_and_the_log_has_no_password() {
    let server = Server::start(&[], Encryption::None);
    let site = site(&server, "starttls", None);
    site.put(&[task(1)]);
    await_trouble(
        &site,
        "the mail server offers no STARTTLS, or no way to sign in",
    );
    assert!(server.letters().is_empty());
    let plain = server.plain().join("\n");
    assert!(
        !plain.contains("AUTH") && !plain.contains("MAIL"),
        "{plain}"
    );

    // A board that logs all it can, against a server that takes the password.
    let folder = tempfile::tempdir().unwrap();
    let made = Certificates::make(folder.path(), "127.0.0.1");
    let willing = Server::start(&[], Encryption::Starttls(made.server.clone()));
    let file = folder.path().join("churnwatch.toml");
    let lines = lines(&willing, "starttls", Some(&made.ca));
    let text = format!(
        "kafka.bootstrap = \"{}\"\nlog.level = \"trace\"\n\
         [board]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\nstore = \"\"\n{}",
        site.config.kafka.bootstrap,
        lines.replace("[board.alerts]\n", "[board.alerts]\ngroup = \"others\"\n"),
    );
    std::fs::write(&file, text).unwrap();
    let mut board = Process::start(["board", "--config", file.to_str().unwrap()]);
    let mut number = 1;
    board.wait_for("a mail arrives", |_| {
        // What was published before the first start of a group is not said.
        number += 1;
        site.put(&[task(number)]);
        (!willing.taken().is_empty()).then_some(())
    });
    assert!(willing.secret().contains(&sign_in()));
    let log = board.stderr();
    assert!(log.contains("TRACE"), "the log is as full as it can be");
    let encoded = sign_in();
    assert!(!log.contains(PASSWORD) && !log.contains(encoded.trim_start_matches("AUTH PLAIN ")));
}
