//! Alerts by mail.

use crate::records::{msisdn, task};
use crate::site::Site;
use crate::smtp::{Does, Encryption, Letter, Server};
use crate::support::wait_for;

fn site(server: &Server, lines: &str) -> Site {
    let text = format!(
        "public_url = \"https://board.example.com\"\nlanguage = \"en\"\n[board.alerts]\nretry_seconds = [1]\ntimeout_seconds = 2\n\
         [board.alerts.mail]\nhost = \"127.0.0.1\"\nport = {}\nencryption = \"none\"\nfrom = \"churnwatch <cw@example.com>\"\n\
         [board.alerts.receivers.boxes]\nkind = \"mail\"\nto = [\"李娜 <li.na@example.com>\", \"lead@example.com\"]\n{lines}\n\
         [[board.alerts.rules]]\nreceivers = [\"boxes\"]\n",
        server.address.port()
    );
    let site = Site::with(&text);
    crate::alerts::await_group(&site);
    site
}

#[test]
fn a_mail_goes_to_all_boxes_and_failures_lose_none() {
    static FIRST: [Does; 4] = [
        Does::Says("451 later"),
        Does::Says("550 no"),
        Does::Breaks,
        Does::Says("421 busy"),
    ];
    let server = Server::start(&FIRST, Encryption::None);
    let site = site(&server, "per_minute = 0");
    site.put(&[task(1)]);
    let mails = server.wait_taken(1);
    let [mail] = &mails[..] else {
        panic!("{mails:?}")
    };
    assert_eq!(mail.to.len(), 2, "{mail:?}");
    assert!(
        mail.text.contains("Subject: churnwatch: New task"),
        "{mail:?}"
    );
    assert!(
        mail.text
            .contains("https://board.example.com/tasks/task-0001"),
        "{mail:?}"
    );
    let all = server.letters();
    assert_eq!(all.len(), 5);
    let id = |letter: &Letter| {
        letter
            .text
            .lines()
            .find(|line| line.starts_with("Message-ID"))
            .unwrap()
            .to_owned()
    };
    assert!(
        all.iter().all(|letter| id(letter) == id(mail)),
        "the same mail has the same name"
    );
    assert!(all.iter().all(|letter| !letter.text.contains(&msisdn(1))));
}

#[test]
fn many_tasks_are_one_mail() {
    let server = Server::start(&[], Encryption::None);
    let site = site(&server, "per_minute = 6");
    site.put(&(1..=40).map(task).collect::<Vec<_>>());
    wait_for("mails hold all tasks", || {
        let taken = server.taken();
        let left_out: usize = taken
            .iter()
            .filter_map(|letter| {
                let behind = letter.text.split("and ").nth(1)?;
                behind.split(' ').next()?.parse::<usize>().ok()
            })
            .sum();
        let listed: usize = taken
            .iter()
            .map(|letter| letter.text.matches("/tasks/task-").count())
            .sum();
        (listed + left_out == 40).then_some(())
    });
    assert!(server.taken().len() <= 4, "{} mails", server.taken().len());
}

#[test]
fn daily_mail_is_written_down_until_its_hour() {
    let server = Server::start(&[], Encryption::None);
    let mut site = site(&server, "daily = true");
    site.put(&[task(1), task(2)]);
    let waiting = |site: &Site| {
        let status = site.program("chen").get("/api/status").json();
        status["alerts"]["receivers"][0]["waiting"].as_u64()
    };
    wait_for("both wait", || (waiting(&site) == Some(2)).then_some(()));
    wait_for("both are written down", || {
        let records = site.client.read_committed(&site.config.topics.board);
        let written = records.iter().filter(|record| {
            record
                .key
                .as_deref()
                .is_some_and(|key| key.starts_with(b"alert/waiting/boxes/"))
        });
        (written.count() >= 2).then_some(())
    });
    site.stop();
    std::fs::remove_dir_all(site.store()).unwrap();
    site.restart();
    wait_for("both wait again", || {
        (waiting(&site) == Some(2)).then_some(())
    });
    assert!(server.taken().is_empty());
}
