//! Signing in and out, by a token or by a proxy.

use crate::caller::Caller;
use crate::records::task;
use crate::site::{Site, token};
use serde_json::json;

#[test]
fn a_token_begins_a_session_and_signing_out_ends_it() {
    let mut site = Site::new();
    site.publish(&[task(1)]);
    let stranger = Caller::stranger(site.address());
    assert_eq!(stranger.get("/tasks").header("location"), Some("/sign-in"));
    let wrong = stranger.post("/sign-in", &[("token", "wrong")]);
    assert_eq!(
        (wrong.status, wrong.header("set-cookie")),
        (401, None),
        "{wrong:?}"
    );
    assert!(wrong.body.contains("role=\"alert\""), "{wrong:?}");
    // A person who comes by a proxy has no token, and an empty one is nobody's.
    assert_eq!(stranger.post("/sign-in", &[("token", "")]).status, 401);

    let right = stranger.post("/sign-in", &[("token", &token("li-na"))]);
    let cookie = right.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");
    let by_tls = stranger.with("x-forwarded-proto", "https");
    let right = by_tls.post("/sign-in", &[("token", &token("li-na"))]);
    assert!(right.header("set-cookie").unwrap().contains("; Secure"));

    let person = stranger.in_session(&right);
    assert_eq!(person.get("/tasks").status, 200);
    assert_eq!(person.post("/sign-out", &[]).status, 303);
    assert_eq!(person.get("/tasks").status, 303);
    assert_eq!(person.get("/api/tasks").status, 401);

    // Sessions end with the process.
    let person = site.person("li-na");
    assert_eq!(person.get("/api/tasks").status, 200);
    site.restart();
    assert_eq!(person.at(site.address()).get("/api/tasks").status, 401);
}

#[test]
fn guessing_tokens_is_slowed_down_and_the_right_one_always_passes() {
    let site = Site::new();
    let stranger = Caller::stranger(site.address());
    let sign_in = |token: &str| stranger.post("/sign-in", &[("token", token)]).status;
    // A minute may begin in between, and then counting begins anew.
    let slowed = (0..3).any(|_| {
        let tries: Vec<u16> = (0..22)
            .map(|number| sign_in(&format!("guess-{number}")))
            .collect();
        let known = |status: &u16| [401, 429].contains(status);
        assert!(tries.iter().all(known), "{tries:?}");
        assert_eq!(sign_in(&token("li-na")), 303);
        assert_eq!(site.program("li-na").get("/api/tasks").status, 200);
        tries.last() == Some(&429)
    });
    assert!(slowed);
    let entries = site.program("chen").get("/api/audit?what=sign_in").json()["entries"].clone();
    assert_eq!(entries[0]["who"], "li-na");
    // Nobody is signed in by another site.
    let foreign = stranger.with("sec-fetch-site", "cross-site");
    let answer = foreign.post("/sign-in", &[("token", &token("li-na"))]);
    assert_eq!(answer.status, 403);
}

#[test]
fn a_proxy_is_believed_and_nobody_else() {
    let header = "proxy_header = \"x-user\"\n";
    let site = Site::with(&format!("{header}proxies = [\"127.0.0.1\"]"));
    site.publish(&[task(1)]);
    let proxy = Caller::stranger(site.address());
    let person = proxy.with("x-user", "li-na");
    let answer = person.get("/tasks");
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("li-na"));
    let person = person.in_session(&answer);
    let take = [("action", "take")];
    assert_eq!(person.post("/tasks/task-0001/act", &take).status, 303);
    assert_eq!(proxy.with("x-user", "nobody").get("/api/tasks").status, 401);
    assert_eq!(proxy.get("/api/tasks").status, 401);
    // Such a header beside the proxy's own came from the client.
    let two = person.with("X-User", "chen").get("/api/tasks");
    assert_eq!(two.status, 401);
    // The session of one person is not another's.
    let other = person.with("x-user", "zhao");
    assert!(!other.get("/tasks").body.contains("task-0001"));

    let site = Site::with(&format!("{header}proxies = [\"192.0.2.1\"]"));
    let liar = Caller::stranger(site.address()).with("x-user", "chen");
    assert_eq!(liar.get("/api/tasks").status, 401);
    assert_eq!(
        liar.call("/api/bulk", &json!({ "act": { "action": "release" } }))
            .status,
        401
    );
}

#[test]
fn a_language_leads_back_to_our_own_pages_only() {
    let site = Site::new();
    let stranger = Caller::stranger(site.address());
    let to = |to: &str| {
        let answer = stranger.get(&format!("/language/en?to={to}"));
        answer.header("location").unwrap().to_owned()
    };
    assert_eq!(to("/tasks%3Fdue=overdue"), "/tasks?due=overdue");
    for elsewhere in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
    ] {
        assert_eq!(to(elsewhere), "/", "{elsewhere}");
    }
    assert_eq!(stranger.get("/language/de").status, 404);
}
