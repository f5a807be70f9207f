//! The admin pages over a real socket, good clients and bad ones.

use crate::support::scenario::{Scenario, profile};
use churnwatch::config::{Config, HttpSettings};
use churnwatch::health::{Condition, Health};
use churnwatch::http::{HttpError, Server};
use churnwatch::model::{Body, EnquirySubject, OutcomeResult, TaskOutcome};
use churnwatch::telemetry::{Telemetry, WorkReport};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A read that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Admin {
    pub server: Server,
    pub telemetry: Telemetry,
    health: Health,
    clock_ms: Arc<AtomicU64>,
}

pub fn settings() -> HttpSettings {
    let defaults = Config::embedded().unwrap().http;
    HttpSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        header_seconds: 1,
        ..defaults
    }
}

pub fn start(settings: &HttpSettings) -> Admin {
    let clock_ms = Arc::new(AtomicU64::new(0));
    let clock = clock_ms.clone();
    let health = Health::new(1, settings.stalled_seconds, move || {
        clock.load(Ordering::Relaxed)
    });
    let telemetry = Telemetry::new().unwrap();
    Admin {
        server: Server::start(settings, telemetry.clone(), health.clone()).unwrap(),
        telemetry,
        health,
        clock_ms,
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything the server says until it closes the connection; a reset closes it as well.
fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("reading: {error}"),
        _ => String::from_utf8(answer).unwrap(),
    }
}

/// Sends bytes and returns status and the whole answer.
fn ask(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    (status(&answer), answer)
}

fn status(answer: &str) -> u16 {
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("not HTTP: {answer:?}"))
}

pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
}

#[test]
fn the_default_address_is_a_loopback_one() {
    assert!(Config::embedded().unwrap().http.listen.ip().is_loopback());
}

#[test]
fn metrics_are_served_as_prometheus_wants_them() {
    let admin = start(&settings());
    let (status, answer) = get(admin.server.address(), "/metrics");
    assert_eq!(status, 200);
    assert!(
        answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("\nchurnwatch_records_received_total 0\n"),
        "{answer}"
    );
    assert!(answer.contains("\nchurnwatch_ready 0\n"), "{answer}");
    assert_eq!(
        ask(admin.server.address(), "GET /metrics HTTP/1.0\r\n\r\n").0,
        200
    );
}

#[test]
fn readiness_gives_its_reasons() {
    let admin = start(&settings());
    let worker = &admin.health.workers()[0];
    let ready = || get(admin.server.address(), "/readyz");
    let (status, answer) = ready();
    assert_eq!(status, 503);
    assert!(
        answer.contains("content-type: application/json\r\n"),
        "{answer}"
    );
    let body = r#"{"reasons":["worker 0 is not connected to the brokers"],"status":"not ready"}"#;
    assert!(answer.contains(body), "{answer}");
    for condition in Condition::ALL {
        worker.set(condition, true);
    }
    assert_eq!(ready().0, 200);
    let (_, metrics) = get(admin.server.address(), "/metrics");
    assert!(metrics.contains("\nchurnwatch_ready 1\n"), "{metrics}");
    admin.health.stopping();
    let (status, answer) = ready();
    assert_eq!(status, 503);
    assert!(answer.contains("shutting down"), "{answer}");
}

#[test]
fn liveness_follows_the_workers_beat() {
    let admin = start(&settings());
    let alive = || get(admin.server.address(), "/healthz");
    assert_eq!(alive().0, 200, "not ready, but alive");
    admin.clock_ms.store(60_001, Ordering::Relaxed);
    let (status, answer) = alive();
    assert_eq!(status, 503);
    assert!(
        answer.contains("worker 0 has shown no sign of life for 60 s"),
        "{answer}"
    );
    admin.health.workers()[0].beat();
    assert_eq!(alive().0, 200);
}

/// Two people of Canton, one of them with an account manager and saved, and one of Peking.
fn scenario() -> Scenario {
    let mut scenario = Scenario::new("");
    for (who, city, manager) in [
        ("13900000001", ["HQ", "广东", "广州"], Some("am 7")),
        ("13900000002", ["HQ", "广东", "广州"], None),
        ("13900000003", ["HQ", "北京", "海淀"], None),
    ] {
        let body = profile(|p| {
            p.region = city.map(Into::into).into();
            p.account_manager = manager.map(Into::into);
        });
        scenario.event(who, "2026-03-02 10:00", body);
        let enquiry = Body::Enquiry(EnquirySubject::Cancel);
        scenario.event(who, "2026-03-02 10:00", enquiry);
    }
    let outcome = Body::TaskOutcome(TaskOutcome {
        task_id: scenario.last_task("13900000001").task_id.into(),
        result: Some(OutcomeResult::Saved),
        stated_reason: Some("price".into()),
        confirmed_reason: None,
        do_not_contact: false,
    });
    scenario.event("13900000001", "2026-03-02 11:00", outcome);
    scenario
}

/// The JSON of an answer, which must be valid by the schema of its page.
pub fn figures(admin: &Admin, path: &str) -> Value {
    let (status, answer) = get(admin.server.address(), path);
    assert_eq!(status, 200, "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(!body.contains("1390000"), "a subscriber's number: {body}");
    let body: Value = serde_json::from_str(body).unwrap();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/rollup.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&body)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{body:#}\n{errors:#?}");
    body
}

fn with_work() -> Admin {
    let admin = start(&settings());
    for partition in [2, 5] {
        let report = WorkReport {
            partition,
            rollup: scenario().shard.rollup(),
        };
        report.emit(&admin.telemetry);
    }
    admin
}

#[test]
fn boards_get_the_work_by_region_level_by_level() {
    let admin = with_work();
    let all = figures(&admin, "/api/rollup");
    assert_eq!(all["partitions"], json!([2, 5]));
    assert_eq!(
        all["partitions_total"], 1,
        "each shard holds itself for the whole"
    );
    assert!(all["clock_ms"].is_i64());
    assert_eq!(all["region"], "");
    assert_eq!(all["total"]["churn"]["now"]["open"], 4);
    assert_eq!(all["total"]["churn"]["outcomes"]["saved"], 2);
    assert_eq!(all["total"]["churn"]["outcomes"]["precision"], 1.0);
    assert_eq!(all["total"]["care"]["outcomes"]["precision"], Value::Null);
    assert_eq!(all["children"]["HQ"], all["total"]);
    let province = figures(&admin, "/api/rollup?region=HQ/%E5%B9%BF%E4%B8%9C");
    assert_eq!(province["region"], "HQ/广东");
    assert_eq!(province["total"]["churn"]["outcomes"]["opened"], 4);
    assert_eq!(province["children"]["HQ/广东/广州"], province["total"]);
    assert_eq!(all["scope"], "this process's partitions only");
    for path in [
        "/api/rollup?region=HQ/Nowhere",
        "/api/outcomes?region=HQ/%E5%B9%BF",
    ] {
        let (status, answer) = get(admin.server.address(), path);
        assert_eq!(status, 404, "{answer}");
        assert!(answer.contains("no task in region"), "{answer}");
    }
}

#[test]
fn boards_get_the_work_by_kind_of_customer() {
    let admin = with_work();
    let all = figures(&admin, "/api/rollup?by=customer_kind");
    let opened = |kind: &str| all["customers"][kind]["churn"]["outcomes"]["opened"].as_u64();
    assert_eq!(opened("group"), Some(0));
    let everybody = &figures(&admin, "/api/rollup")["total"]["churn"]["outcomes"]["opened"];
    assert_eq!(
        opened("personal")
            .zip(opened("ordinary"))
            .map(|(one, other)| one + other),
        everybody.as_u64()
    );
}

#[test]
fn boards_get_the_work_of_managers() {
    let admin = with_work();
    let all = figures(&admin, "/api/rollup?by=manager");
    let holders = all["holders"].as_array().unwrap();
    let names: Vec<&Value> = holders.iter().map(|holder| &holder["holder"]).collect();
    let expected = [
        json!({"manager": "am 7"}),
        json!({"queue": "outbound-calls/广州"}),
        json!({"queue": "outbound-calls/海淀"}),
    ];
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    let one = figures(&admin, "/api/rollup?manager=am+7");
    assert_eq!(one["holders"], json!([holders[0]]));
    assert_eq!(holders[0]["work"]["churn"]["outcomes"]["opened"], 2);
    assert_eq!(
        holders[0]["work"]["churn"]["outcomes"]["reasons"]["price"]["stated"],
        2
    );
    assert_eq!(
        figures(&admin, "/api/rollup?manager=nobody")["holders"],
        json!([])
    );
}

#[test]
fn boards_get_outcomes_by_trigger_and_tier() {
    let admin = with_work();
    let all = figures(&admin, "/api/outcomes");
    assert_eq!(all["tasks"]["churn"]["ordinary"]["opened"], 6);
    let [trigger] = &all["triggers"].as_array().unwrap()[..] else {
        panic!("{all:#}");
    };
    assert_eq!(
        (&trigger["trigger"], &trigger["purpose"]),
        (&json!("cancel_enquiry"), &json!("churn"))
    );
    assert_eq!(
        trigger["tiers"]["ordinary"],
        all["tasks"]["churn"]["ordinary"]
    );
    let city = figures(
        &admin,
        "/api/outcomes?region=HQ/%E5%8C%97%E4%BA%AC/%E6%B5%B7%E6%B7%80",
    );
    assert_eq!(city["tasks"]["churn"]["ordinary"]["opened"], 2);
}

#[test]
fn a_process_without_partitions_answers_with_nothing() {
    let admin = start(&settings());
    let all = figures(&admin, "/api/rollup");
    assert_eq!(
        (&all["partitions"], &all["clock_ms"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(all["total"]["churn"]["now"]["open"], 0);
    assert_eq!(figures(&admin, "/api/outcomes")["triggers"], json!([]));
    let uplift = figures(&admin, "/api/uplift");
    assert_eq!(uplift["total"][0]["held_out"]["entered"], 0);
    assert_eq!(uplift["total"][0]["verdict"], "too_few");
    assert_eq!(
        figures(&admin, "/api/rollup?by=manager")["holders"],
        json!([])
    );
}

#[test]
fn bad_questions_are_answered_with_what_is_wrong() {
    let admin = with_work();
    for (path, problem) in [
        ("/api/rollup?regio=HQ", "unknown field `regio`"),
        ("/api/rollup?by=city", "unknown variant `city`"),
        (
            "/api/rollup?region=HQ&manager=am+7",
            "give `region` or `manager`",
        ),
        ("/api/rollup?region=HQ&by=manager", "goes without `region`"),
        (
            "/api/rollup?manager=am+7&by=region",
            "goes without `manager`",
        ),
        ("/api/rollup?manager=", "`manager` is empty"),
        ("/api/rollup?region=HQ//x", "a level without a name"),
        (
            "/api/rollup?region=HQ&region=HQ",
            "duplicate field `region`",
        ),
        ("/api/outcomes?manager=am+7", "see /api/rollup"),
        ("/api/outcomes?region=/HQ", "a level without a name"),
        ("/api/uplift?by=manager", "by region, trigger and tier"),
        ("/api/uplift?region=HQ/", "a level without a name"),
    ] {
        let (status, answer) = get(admin.server.address(), path);
        assert_eq!(status, 400, "{path}: {answer}");
        let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let said = body["error"].as_str().unwrap();
        assert!(said.contains(problem), "{path}: {said}");
    }
}

#[test]
fn other_paths_and_methods_are_refused() {
    let admin = start(&settings());
    let address = admin.server.address();
    assert_eq!(get(address, "/").0, 200);
    for path in [
        "/nothing",
        "/metrics/",
        "//metrics",
        "/../etc/passwd",
        "/%2e%2e/x",
    ] {
        assert_eq!(get(address, path).0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request =
            format!("{method} /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let (status, answer) = ask(address, &request);
        assert_eq!(status, 405, "{method}");
        assert!(answer.contains("allow: GET,HEAD\r\n"), "{answer}");
    }
}

#[test]
fn nonsense_is_answered_and_cut_off() {
    let admin = start(&settings());
    let address = admin.server.address();
    assert_eq!(
        ask(address, "\u{16}\u{3}\u{1} not http at all\r\n\r\n").0,
        400
    );
    assert_eq!(get(address, "/healthz").0, 200);
}

#[test]
fn a_body_is_refused_unread() {
    let admin = start(&settings());
    let address = admin.server.address();
    // The body is announced and never sent: only a server that does not wait for it answers.
    let announced =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    let (status, answer) = ask(address, announced);
    assert_eq!(status, 413);
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    let chunked =
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(ask(address, chunked).0, 413);
    // A client that pushes on is cut off instead of being read to its end.
    let mut stream = connect(address);
    stream.write_all(announced.as_bytes()).unwrap();
    let block = [0; 65536];
    let cut_off = (0..15_000).any(|_| stream.write_all(&block).is_err());
    assert!(cut_off, "the server took a whole gigabyte");
    assert_eq!(get(address, "/healthz").0, 200);
}

#[test]
fn a_header_beyond_the_limit_is_refused() {
    let admin = start(&settings());
    let address = admin.server.address();
    let long = "x".repeat(20_000);
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {long}\r\n\r\n");
    assert_eq!(ask(address, &request).0, 431);
    let many = "X-Many: 1\r\n".repeat(65);
    assert_eq!(
        ask(
            address,
            &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")
        )
        .0,
        431
    );
    assert_eq!(get(address, "/healthz").0, 200);
}

#[test]
fn clients_that_do_not_read_keep_nobody_out() {
    let admin = start(&settings());
    let address = admin.server.address();
    let clients = usize::from(settings().connections_max) + 1;
    let silent: Vec<_> = (0..clients)
        .map(|_| {
            let mut stream = connect(address);
            let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
            let _ = stream.write_all(request.as_bytes());
            stream
        })
        .collect();
    assert_eq!(get(address, "/healthz").0, 200);
    drop(silent);
}

#[test]
fn pages_are_given_by_our_own_names_only() {
    let settings = HttpSettings {
        hosts: vec!["churnwatch.monitoring".to_owned()],
        ..settings()
    };
    let admin = start(&settings);
    let address = admin.server.address();
    let status = |host: &str| {
        ask(
            address,
            &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        )
        .0
    };
    for ours in [
        "localhost:9464",
        "127.0.0.1",
        "[::1]:9464",
        "10.1.2.3:9464",
        "Churnwatch.Monitoring:80",
    ] {
        assert_eq!(status(ours), 200, "{ours}");
    }
    for other in ["rebound.example", "localhost.example:9464", "churnwatch"] {
        assert_eq!(status(other), 421, "{other}");
    }
}

#[test]
fn slow_clients_are_cut_off_and_keep_nobody_out() {
    let settings = HttpSettings {
        connections_max: 2,
        ..settings()
    };
    let admin = start(&settings);
    let address = admin.server.address();
    let mut slow: Vec<_> = (0..2).map(|_| connect(address)).collect();
    slow[0]
        .write_all(b"GET /metrics HTTP/1.1\r\nHost:")
        .unwrap();
    // Both places are taken, and the older gives way.
    assert_eq!(get(address, "/healthz").0, 200);
    for stream in &mut slow {
        let said = read_all(stream);
        assert!(!said.contains("200 OK"), "{said}");
    }
}

#[test]
fn a_connection_serves_many_requests_but_not_forever() {
    let settings = HttpSettings {
        header_seconds: 30,
        connection_seconds: 1,
        ..settings()
    };
    let admin = start(&settings);
    let mut stream = connect(admin.server.address());
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).unwrap();
    stream.write_all(request).unwrap();
    let answers = read_all(&mut stream);
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[test]
fn a_taken_address_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = HttpSettings {
        listen: taken.local_addr().unwrap(),
        ..settings()
    };
    let health = Health::new(0, 60, || 0);
    let error = match Server::start(&settings, Telemetry::new().unwrap(), health) {
        Err(error @ HttpError::Bind { .. }) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("two servers on one address"),
    };
    assert!(error.contains(&settings.listen.to_string()), "{error}");
    assert!(error.contains("`listen` in [http]"), "{error}");
}

#[test]
fn dropping_the_server_frees_the_address_and_its_clients() {
    let admin = start(&settings());
    let address = admin.server.address();
    let mut idle = connect(address);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    drop(admin);
    read_all(&mut idle);
    let again = HttpSettings {
        listen: address,
        ..settings()
    };
    assert_eq!(get(start(&again).server.address(), "/healthz").0, 200);
}
