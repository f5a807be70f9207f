//! The configuration as an operator meets it: defaults, file, environment, and everything that can be wrong with them.

use churnwatch::config::{Config, Problems, reference};
use churnwatch::engine::triggers::REGISTRY;
use churnwatch::model::{Feed, FeedSet, Number, PlaybookStep, Purpose};
use std::path::Path;

pub fn from(text: &str) -> Result<Config, Problems> {
    Config::from_toml_str(text, "churnwatch.toml")
}

/// Problems of a file, as printed.
pub fn complaint(text: &str) -> String {
    let problems = from(text).expect_err("the file should be refused");
    problems.to_string()
}

#[test]
fn the_defaults_are_valid() {
    let config = Config::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.kafka.bootstrap, "localhost:9092");
    assert_eq!(config.topics.of(Feed::Outcome), "task-outcomes");
    assert!(config.http.listen.ip().is_loopback());
    assert_eq!(config.run.transactional_id_prefix, config.kafka.group);
    assert_eq!(
        config.topics.journal(&config.kafka.group),
        "churnwatch-journal"
    );
    assert_eq!(config.rules.window.days, 35);
    assert_eq!(config.rules.triggers.len(), REGISTRY.len());
    let competitors = &config.rules.competitors;
    assert_eq!(
        competitors.hotline(Number::from_digits(b"10010")),
        Some("unicom")
    );
    assert_eq!(
        competitors.hotline(Number::from_digits(b"10086")),
        None,
        "our own"
    );
    assert_eq!(
        competitors.marketing(Number::from_digits(b"10001")),
        Some("telecom")
    );
}

#[test]
fn the_printed_reference_is_the_defaults() {
    let defaults = Config::embedded().unwrap();
    let printed = from(&reference()).unwrap();
    assert_eq!(format!("{printed:?}"), format!("{defaults:?}"));
    assert_eq!(printed.kafka, defaults.kafka);
    assert_eq!(printed.rules.version, defaults.rules.version);
    for registration in REGISTRY {
        let header = format!("\n[triggers.{}]\n", registration.name);
        assert!(reference().contains(&header), "{}", registration.name);
    }
}

#[test]
fn every_key_of_the_reference_is_explained() {
    let (mut explained, mut keys) = (false, 0);
    for line in reference().lines() {
        // A comment speaks for all lines up to the next blank one; that of playbook and talk for all their chapters.
        let words = ["[[policy.playbook.", "[policy.talk."];
        explained |= line.starts_with('#') || words.iter().any(|section| line.starts_with(section));
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(explained, "no comment above `{line}`");
            keys += 1;
        }
        explained &= !line.is_empty();
    }
    assert!(keys > 80, "found {keys} keys");
}

/// What may be offered in which stage, and words for every occasion (behaviour: Recommended action).
#[test]
fn the_playbook_has_every_action_and_an_answer_to_every_trigger() {
    let rules = Config::embedded().unwrap().rules;
    let (playbook, talk) = (&rules.policy.playbook, &rules.policy.talk);
    let actions = |chapter: &str| -> Vec<&str> {
        let steps = playbook[chapter].iter();
        steps.map(|step| step.action.as_str()).collect()
    };
    for (chapter, wanted) in [
        (
            "mature",
            &[
                "bundle",
                "points",
                "tenure_reward",
                "credit",
                "brand_service",
            ][..],
        ),
        (
            "decline",
            &["spend_incentive", "activity", "migration", "floor_plan"],
        ),
        (
            "leave",
            &[
                "special_tariff",
                "gift",
                "complaint_care",
                "weak_coverage_care",
                "abnormal_charge_explanation",
            ],
        ),
    ] {
        let actions = actions(chapter);
        let missing: Vec<_> = wanted
            .iter()
            .filter(|name| !actions.contains(name))
            .collect();
        assert!(missing.is_empty(), "{chapter} lacks {missing:?}");
    }
    for (chapter, steps) in playbook {
        assert!(
            steps.iter().all(|step| !step.action.is_empty()),
            "{chapter}"
        );
    }
    for stage in [
        "acquire", "promote", "mature", "decline", "leave", "churned",
    ] {
        let general = |step: &PlaybookStep| step.for_triggers.is_empty();
        assert!(playbook[stage].iter().any(general), "{stage}");
    }
    for trigger in REGISTRY {
        let named = |step: &PlaybookStep| step.for_triggers.iter().any(|name| name == trigger.name);
        let answered = match trigger.purpose {
            Purpose::Churn => true,
            purpose => playbook[purpose.name()].iter().any(named),
        };
        assert!(answered, "no step for {}", trigger.name);
    }
    let chapters: Vec<_> = talk.keys().map(String::as_str).collect();
    let expected = "any arrears bill_shock care care_only complaint decline group grow leave mature poor_quality regular_visit win_back win_back_network win_back_price win_back_refused win_back_service zero_usage_days";
    let expected: Vec<_> = expected.split(' ').collect();
    assert_eq!(chapters, expected);
}

/// A file changes a sentence, or gives a chapter a talk of its own, and leaves the rest as it is.
#[test]
fn words_are_the_operator_s() {
    let config = from(
        r#"
        [policy.talk.leave]
        listen = { zh = "请讲", en = "Do tell" }
        [policy.talk.acquire]
        rapport = { zh = "一", en = "one" }
        listen = { zh = "二", en = "two" }
        advise = { zh = "三", en = "three" }
        follow_up = { zh = "四", en = "four" }
        [[policy.playbook.churned]]
        zh = "道别"
        en = "Say goodbye"
        "#,
    );
    let words = config
        .unwrap_or_else(|problems| panic!("{problems}"))
        .rules
        .words();
    let defaults = Config::embedded().unwrap().rules.words();
    assert_eq!(words.talk["leave"].listen.en, "Do tell");
    assert_eq!(words.talk["leave"].advise, defaults.talk["leave"].advise);
    assert_eq!(words.talk["acquire"].follow_up.en, "four");
    let [goodbye] = &words.playbook["churned"][..] else {
        panic!("a chapter is stated as a whole");
    };
    assert_eq!((&*goodbye.action, &*goodbye.en), ("", "Say goodbye"));
    assert_eq!(words.playbook["leave"], defaults.playbook["leave"]);
}

#[test]
fn a_file_states_only_what_differs() {
    let config = from(
        r#"
        [window]
        days = 42
        [operator]
        name = "telecom"
        numbers.telecom.hotlines = ["10000", "189"]
        numbers.newcomer = { hotlines = ["10111"] }
        [policy.credit.brand_points]
        platinum = 70
        [kafka.properties]
        sasl.mechanism = "PLAIN"
        "fetch.min.bytes" = 1
        [topics]
        cdr = "events"
        billing = "events"
        "#,
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.rules.window.days, 42);
    assert_eq!(config.rules.window.time_zone, "Asia/Shanghai");
    let competitors = &config.rules.competitors;
    assert_eq!(
        competitors.hotline(Number::from_digits(b"10111")),
        Some("newcomer")
    );
    // Those of the defaults are not among them.
    assert_eq!(competitors.hotline(Number::from_digits(b"10086")), None);
    assert_eq!(competitors.marketing(Number::from_digits(b"10016")), None);
    assert_eq!(competitors.hotline(Number::from_digits(b"189")), None);
    assert_eq!(
        config.rules.policy.credit.brand_points.get("platinum"),
        Some(&70)
    );
    assert_eq!(
        config.rules.policy.credit.brand_points.get("gotone"),
        Some(&50)
    );
    assert_eq!(
        config.kafka.properties.get("sasl.mechanism").unwrap(),
        "PLAIN"
    );
    assert_eq!(config.kafka.properties.get("fetch.min.bytes").unwrap(), "1");
    let inputs = config.topics.inputs();
    assert_eq!(inputs.len(), 5);
    assert_eq!(
        inputs.get("events"),
        Some(&FeedSet::NONE.with(Feed::Cdr).with(Feed::Billing))
    );
}

#[test]
fn equal_rules_have_equal_versions() {
    let version = |text: &str| from(text).unwrap().rules.version.clone();
    let defaults = version("");
    assert_eq!(defaults.len(), 12);
    assert_eq!(version("[window]\ndays = 35"), defaults);
    assert_eq!(
        version("[baseline]\nmemory_days = 40"),
        defaults,
        "40 and 40.0 are the same"
    );
    assert_eq!(
        version("[kafka]\ngroup = 'other'\n[log]\nlevel = 'debug'"),
        defaults
    );
    for changed in [
        "[window]\ndays = 36",
        "[operator]\nname = 'unicom'",
        "[population]\noutage_share = 0.2",
        "[baseline]\nlag_days = 6",
        "[policy.due]\nkey_hours = 12",
    ] {
        assert_ne!(version(changed), defaults, "{changed}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"
[window]
dyas = 42
grace_hours = 25
time_zone = "Mars/Olympus"
clock = "sundial"

[kafka]
bootstrap = "kafka1:9092,kafka2:http"
properties = { "enable.auto.commit" = true }

[policy.credit]
star_points = [100, 300, 200, 400, 500]

[tropics]
cdr = "cdr"
"#;
    insta::assert_snapshot!(complaint(text), @r#"
    the configuration has 8 problems
    churnwatch.toml:3: window.dyas: there is no such key
        did you mean `window.days`?
    churnwatch.toml:4: window.grace_hours: 25 is out of range
        set a number from 0 to 24, or leave the key out for the default, 3
    churnwatch.toml:5: window.time_zone: `Mars/Olympus` is not a time zone of the IANA database, such as Asia/Shanghai
        write the name of an IANA time zone, such as Europe/Berlin or UTC
    churnwatch.toml:6: window.clock: unknown variant `sundial`, expected one of `auto`, `wall`, `event`
        write "auto", "wall" or "event"
    churnwatch.toml:9: kafka.bootstrap: `kafka2:http` is not a broker's address
        write host:port, such as kafka1:9092, several separated by commas
    churnwatch.toml:10: kafka.properties.enable.auto.commit: is set by churnwatch itself
        remove it: offsets are committed in the transaction that holds the tasks
    churnwatch.toml:13: policy.credit.star_points: [100, 300, 200, 400, 500] does not rise
        set a rising list of numbers from -1000000 to 1000000, or leave the key out for the default, [100, 200, 300, 400, 500]
    churnwatch.toml:15: tropics: there is no such key
        did you mean `topics`?
    "#);
}

/// File | key | part of what is wrong | part of the remedy
const MISTAKES: &str = r#"
window = 3 | window | is a whole number, not a section | below a line [window]
window.days = "35" | window.days | is text, not a whole number | like the default, 35
window.days = 70000 | window.days | 70000 is out of range | from 28 to 63
window.days = -1 | window.days | -1 is out of range | the default, 35
population.outage_share = nan | population.outage_share | nan is out of range | from 0 to 1
population.outage_share = inf | population.outage_share | inf is out of range | from 0 to 1
window.timezone = 'UTC' | window.timezone | no such key | did you mean `window.time_zone`?
days = 42 | days | no such key | did you mean `window.days`?
windows.days = 42 | windows | no such key | did you mean `window`?
log.zzz = 1 | log.zzz | no such key | there are `format`, `level`
triggers.usage_dorp.x = 1 | triggers.usage_dorp | no such key | did you mean `triggers.usage_drop`?
triggers.usage_drop.x = 1 | triggers.usage_drop.x | no such key | there are
operator.name = 'mobil' | operator.name | `mobil` is not an operator | did you mean `mobile`?
operator = { name = 'unicom', numbers.unicom = { hotline = ['1'] } } | operator.numbers.unicom.hotline | no such key | did you mean `operator.numbers.unicom.hotlines`?
operator.numbers = { mobile = { hotlines = [] }, other = { hotline = ['1'] } } | operator.numbers.other | unknown field `hotline` | write { hotlines
operator = { name = 'unicom', numbers.unicom.hotlines = ['care'] } | operator.numbers.unicom.hotlines | `care` is not a telephone number | 1 to 18 digits
operator.numbers = { mobile = { hotlines = ['10086'] }, unicom = { hotlines = ['10086'] } } | operator.numbers.unicom.hotlines | `10086` belongs to `mobile` | one operator
kafka.bootstrap = '' | kafka.bootstrap | `` is not a broker's address | host:port
kafka.group = ' ' | kafka.group | is empty | give it a name
kafka.properties.isolation.level = 'x' | kafka.properties.isolation.level | set by churnwatch itself | aborted transactions
kafka.properties.'transactional.id' = 'x' | kafka.properties.transactional.id | set by churnwatch itself | run.transactional_id_prefix
kafka.properties.x = [1] | kafka.properties.x | expected a string | write text
kafka.properties.max.poll.interval.ms = 9000 | kafka.properties.max.poll.interval.ms | not longer than run.transaction_timeout_seconds | raise it
topics.cdr = 'a b' | topics.cdr | `a b` is not a topic's name | a-z A-Z 0-9
topics.tasks = 'cdr' | topics.tasks | the topic of topics.cdr as well | a topic of its own
topics.journal = 'churn-signals' | topics.journal | the topic of topics.signals as well | a topic of its own
kafka.group = 'night shift' | topics.journal | `night shift-journal` is not a topic's name | a-z A-Z 0-9
state.snapshots = '' | state.snapshots | is empty | name a directory, or a URL
state.snapshot_interval_seconds = 0 | state.snapshot_interval_seconds | 0 is out of range | from 1 to 86400
topics.signals = 'retention-tasks' | topics.signals | the topic of topics.tasks as well | a topic of its own
run.workers = 0 | run.workers | 0 is out of range | from 1 to 256
http.listen = 'localhost' | http.listen | invalid socket address | 127.0.0.1:9464
log.format = 'xml' | log.format | unknown variant `xml` | "json"
log.level = 'churnwatch=loud' | log.level | `churnwatch=loud` is not a log filter | warn
policy.credit.tenure_points = [[1, 50], [1, 60]] | policy.credit.tenure_points | must rise | in order
policy.credit.spend_points = [[20, 'many']] | policy.credit.spend_points | is text, not a whole number | like the default, [[20, 0]
policy.credit.star_points = [1, 2, 3] | policy.credit.star_points | length | five whole numbers
policy.score.at_risk = 0.9 | policy.score.critical | 0.5 is out of range | above at_risk (0.9), up to 1
policy.score.triggers.usage_dorp = { weight = 1.0, half_life_days = 2.0 } | policy.score.triggers.usage_dorp | not a trigger | did you mean `usage_drop`?
policy.score.triggers.arrears.half_life_days = 0.0 | policy.score.triggers.arrears.half_life_days | out of range | from 0.1
policy.playbook.matured = [{ zh = '好', en = 'good' }] | policy.playbook.matured | not a lifecycle stage, care, grow or win_back | did you mean `mature`?
policy.playbook.leave = [{ zh = '好', en = 'good', for_triggers = ['arrear'] }] | policy.playbook.leave | `arrear` is not a trigger | did you mean `arrears`?
policy.playbook.leave = [{ zh = '', en = 'good' }] | policy.playbook.leave | no text | both `zh` and `en`
policy.playbook.leave = [{ zh = '好', en = 'good', actoin = 'gift' }] | policy.playbook.leave | unknown field `actoin` | `action`
policy.playbook.leave = [{ zh = '好', en = 'good', action = 'Gift' }] | policy.playbook.leave | `Gift` is not an action's name | small letters
policy.playbook.leave = [{ zh = '好', en = 'good', action = '2nd_gift' }] | policy.playbook.leave | `2nd_gift` is not an action's name | a letter first
policy.playbook.leave = [{ zh = '好', en = 'good', action = 'a_gift_of_more_than_forty_letters_is_long' }] | policy.playbook.leave | is not an action's name | at most 40
policy.playbook.any = [{ zh = '好', en = 'good' }] | policy.playbook.any | not a lifecycle stage, care, grow or win_back | choose one of `acquire`
policy.talk.leaf = { rapport = { zh = '好', en = 'good' }, listen = { zh = '好', en = 'good' }, advise = { zh = '好', en = 'good' }, follow_up = { zh = '好', en = 'good' } } | policy.talk.leaf | not a trigger, a lifecycle stage, care, grow, win_back, win_back_REASON, win_back_refused, group, care_only or any | did you mean `leave`?
policy.talk.leave.listen.zh = ' ' | policy.talk.leave.listen | has no text | both `zh` and `en`
policy.talk.leave.listen.fr = 'non' | policy.talk.leave.listen.fr | no such key | `zh`
policy.talk.leave.chat = { zh = '好', en = 'good' } | policy.talk.leave.chat | no such key | `rapport`
policy.talk.promote = { rapport = { zh = '好', eng = 'good' } } | policy.talk.promote | unknown field `eng` | [policy.talk.NAME]
policy.talk.acquire.listen = { zh = '好', en = 'good' } | policy.talk.acquire | missing field `rapport` | [policy.talk.NAME]
policy.value_unknown = -1 | policy.value_unknown | -1 is out of range | from 0 to 1000000
policy.stage.promote_days = 3651 | policy.stage.promote_days | 3651 is out of range | from 0 to 3650
policy.contact.gap_days = 91 | policy.contact.gap_days | 91 is out of range | from 0 to 90
policy.contact.cap.key = 0 | policy.contact.cap.key | 0 is out of range | from 1 to 16
policy.contact.cap.gold = 5 | policy.contact.cap.gold | no such key | there are `key`, `ordinary`, `small`
policy.contact.cap_window_days = 0 | policy.contact.cap_window_days | 0 is out of range | from 1 to 90
policy.contact.wait_days = 31 | policy.contact.wait_days | 31 is out of range | from 0 to 30
policy.contact.retry_hours = 0 | policy.contact.retry_hours | 0 is out of range | from 1 to 168
policy.contact.correction_days = 31 | policy.contact.correction_days | 31 is out of range | from 0 to 30
policy.contact.care_delays_churn = 'no' | policy.contact.care_delays_churn | is text, not true or false | the default, false
policy.escalation.rung_hours.small = 721 | policy.escalation.rung_hours.small | 721 is out of range | from 0 to 720
policy.escalation.high_value = -1 | policy.escalation.high_value | -1 is out of range | from 0 to 1000000
policy.budget.churn.small = -1 | policy.budget.churn.small | -1 is out of range | from 0 to 1000000000
policy.budget.collect_minutes = 721 | policy.budget.collect_minutes | 721 is out of range | from 0 to 720
policy.budget.wait_days = 31 | policy.budget.wait_days | 31 is out of range | from 0 to 30
policy.budget.retain = { key = 1, ordinary = 1, small = 1 } | policy.budget.retain | no such key | there are
policy.capacity.managers.AM-17.per_day = -1 | policy.capacity.managers.AM-17 | invalid value: integer `-1` | write { per_day = 12
policy.capacity.queues.'outbound-calls/Shenzhen'.per_day = 1000001 | policy.capacity.queues.outbound-calls/Shenzhen.per_day | 1000001 is out of range | from 0 to 1000000
policy.capacity.managers.AM-17.perday = 9 | policy.capacity.managers.AM-17 | unknown field `perday` | write { per_day = 12
policy.capacity.managers = { AM-17 = { deputy = 'AM-81' }, AM-18 = {} } | policy.capacity.managers.AM-17.deputy | `AM-81` is not in [policy.capacity.managers] | did you mean `AM-18`?
policy.capacity.managers.AM-17.deputy = 'AM-17' | policy.capacity.managers.AM-17.deputy | `AM-17` would stand in for itself | name somebody else
policy.capacity.queues.north = { deputy = 'AM-17' } | policy.capacity.queues.north.deputy | `AM-17` is not in [policy.capacity.queues] | or add it there
policy.capacity.managers.AM-17.absent = ['24.12.2026'] | policy.capacity.managers.AM-17 | `24.12.2026` is not two dates with a slash | 2026-12-24/2027-01-06
policy.capacity.managers.AM-17.absent = ['2027-01-06/2026-12-24'] | policy.capacity.managers.AM-17 | `2027-01-06/2026-12-24` ends before it begins | 2026-12-24/2027-01-06
policy.capacity.managers.AM-17.absent = ['2026-12-24/2027-01-06', '2027-01-06/2027-01-09'] | policy.capacity.managers.AM-17.absent | has days that come twice | in order
policy.hold_out.share = 1.5 | policy.hold_out.share | 1.5 is out of range | from 0 to 1
policy.win_back.silent_days = 13 | policy.win_back.silent_days | 13 is out of range | from 14 to 365
policy.win_back.consent = 'anybody' | policy.win_back.consent | unknown variant `anybody` | "nobody"
policy.hold_out.again_days = 59 | policy.hold_out.again_days | 59 is out of range | from 60 to 3650
triggers.follow_up.after_days = 31 | triggers.follow_up.after_days | 31 is out of range | from 1 to 30
topics.erasures = 'subscriber' | topics.erasures | the topic of topics.subscriber as well | a topic of its own
decode.country_code = '+86' | decode.country_code | "+86" is not allowed | 1 to 3 digits without +
decode.national_digits = 11 | decode.national_digits | is a whole number, not a list | like the default, [10, 13]
decode.mobile_digits = [2, 11] | decode.mobile_digits | [2, 11] is out of range | from 3 to 15
decode.mobile_prefixes = ['1380'] | decode.mobile_prefixes | is not allowed | 1 to 3 digits
decode.trunk_prefixes = ['+'] | decode.trunk_prefixes | is not allowed | 1 to 4 digits
decode.trunk_prefix = '0' | decode.trunk_prefix | no such key | did you mean `decode.trunk_prefixes`?
decode.country = 'XX' | decode.country | `XX` is not a country whose numbering plan is known | choose one of `BR`, `CA`, `CN`, `DE`
decode.country = 'de' | operator.name | `mobile` is not an operator | the operators of the country
decode.international_prefixes = ['+'] | decode.international_prefixes | is not allowed | 1 to 5 digits
decode.country_code = '49' | operator.name | `mobile` is not an operator | the operators of the country
decode.area_code_digits = [2] | decode.area_code_digits | has 1 entries, not 2 | like the default, [2, 3]
decode.area_code_digits = [3, 2] | decode.area_code_digits | [3, 2] does not begin with the smaller number | from 1 to 5
decode.record_bytes_max = 0 | decode.record_bytes_max | 0 is out of range | from 256 to 16777216
decode.short_code_digits = [5, 9] | decode.short_code_digits | [5, 9] is out of range | from 3 to 8
decode.ip_prefixes = [17951] | decode.ip_prefixes | has an entry that is a whole number, not text | like the default, ["17951"
route.sources = ['raw'] | route.sources | invalid type: string "raw" | write [[route.sources]] with `topic` below it
route.sources = [{ topic = 'raw', feed = 'crm' }] | route.sources | `crm` is not a feed; there are cdr, billing | write [[route.sources]]
route.sources = [{ topic = 'cdr' }] | route.sources | `cdr` is a topic of [topics] as well | another one that they go to
route.sources = [{ topic = 'raw cdr' }] | route.sources | `raw cdr` is not a topic's name | * and ? in a pattern
route.group = 'churnwatch' | route.group | is kafka.group as well | "<kafka.group>-route"
route.in_run = true | route.in_run | is true, but route.sources names no topic | name topics
route.workers = 0 | route.workers | 0 is out of range | from 1 to 256
line_state.voice.drop = 1.5 | line_state.voice.drop | 1.5 is out of range | above 0 and below 1, or leave the key out for the default
line_state.threshold.usage_drop.key = 1.0 | line_state.threshold.usage_drop.key | 1.0 is out of range | from 0.3
triggers.competitor_marketing.contacts = 9 | triggers.competitor_marketing.contacts | 9 is out of range | from 1 to 8
triggers.contract_expiry.steps_days = [7, 30, 60] | triggers.contract_expiry.steps_days | [7, 30, 60] does not fall | a falling list of numbers from 1 to 365
triggers.contract_expiry.steps_days = [60, 7] | triggers.contract_expiry.strengths | is not allowed | as many as `steps_days`
triggers.complaint.dissatisfied_max = 5 | triggers.complaint.dissatisfied_max | 5 is out of range | from 1 to 4
triggers.cancel_enquiry.strengths = [] | triggers.cancel_enquiry.strengths | [] is empty | a rising list of numbers from 0 to 1
triggers.port_out.enquiry_strength = 1.5 | triggers.port_out.enquiry_strength | 1.5 is out of range | from 0 to 1
triggers.plan_underuse.invoices = 7 | triggers.plan_underuse.invoices | 7 is out of range | from 1 to 6
triggers.call_forwarding.days_min = 1 | triggers.call_forwarding.days_min | 1 is out of range | from 2 to 365
triggers.bill_shock.earlier_min = 0 | triggers.bill_shock.earlier_min | 0 is out of range | from 1 to 6
triggers.poor_quality.share = 0.0 | triggers.poor_quality.share | 0.0 is out of range | above 0, up to 1
policy.score.complaint_and_cancel_days = 0 | policy.score.complaint_and_cancel_days | 0 is out of range | from 1 to 365
triggers.points_expiry.days_before = [7, 30] | triggers.points_expiry.days_before | [7, 30] does not fall | a falling list of numbers from 1 to 90
triggers.offer_expiry.cooldown_days = 24 | triggers.offer_expiry.cooldown_days | 24 is not allowed | no longer than between two
triggers.birthday.lead_days = 31 | triggers.birthday.lead_days | 31 is out of range | from 0 to 30
triggers.anniversary.years_min = 0 | triggers.anniversary.years_min | 0 is out of range | from 1 to 50
triggers.welcome.within_days = 29 | triggers.welcome.within_days | 29 is out of range | from 1 to 28
triggers.star_upgrade.stars_min = 6 | triggers.star_upgrade.stars_min | 6 is out of range | from 1 to 5
triggers.complaint_callback.within_days = 0 | triggers.complaint_callback.within_days | 0 is out of range | from 1 to 30
triggers.regular_visit.key_days = 731 | triggers.regular_visit.key_days | 731 is out of range | from 0 to 730
triggers.order_follow_up.after_days = 31 | triggers.order_follow_up.after_days | 31 is out of range | from 1 to 30
triggers.downgrade.strength = 2.0 | triggers.downgrade.strength | 2.0 is out of range | from 0 to 1
triggers.roaming_care.quiet_days = 0 | triggers.roaming_care.quiet_days | 0 is out of range | from 1 to 365
triggers.win_back.ordinary_days = [0, 60] | triggers.win_back.ordinary_days | [0, 60] is out of range | from 1 to 3650
triggers.plan_overuse.over_share = 0.0 | triggers.plan_overuse.over_share | is out of range | from 0.01 to 5
triggers.data_growth.known_days_min = 14 | triggers.data_growth.known_days_min | 14 is out of range | from 1 to span_days (13)
triggers.terminal_change.calls_min = 0 | triggers.terminal_change.calls_min | 0 is out of range | from 1 to 200
robots.busy_days = 8 | robots.busy_days | 8 is out of range | from 2 to of_days (7)
robots.sent_a_day = 10 | robots.sent_a_day | 10 is out of range | from 20 to 255
triggers.usage_drop.strength = 'x' | triggers.usage_drop.strength | is text, not a number | like the default
kafka.properties.linger.ms = 5 | kafka.properties.linger.ms | set by churnwatch itself | tuned
policy.playbook.leave = [{ en = 'good' }] | policy.playbook.leave | missing field `zh` | [[policy.playbook.STAGE]]
"#;

#[test]
fn each_mistake_is_explained() {
    for case in MISTAKES.trim().lines() {
        let parts: Vec<_> = case.split(" | ").collect();
        let [file, key, what, remedy] = parts[..] else {
            panic!("a case has four parts: {case}");
        };
        let problems = from(file).expect_err(file);
        let [problem] = problems.all() else {
            panic!("{file}: expected one problem, not\n{problems}");
        };
        assert_eq!(problem.key, key, "{file}");
        assert!(problem.what.contains(what), "{file}: {}", problem.what);
        assert!(
            problem.remedy.contains(remedy),
            "{file}: {}",
            problem.remedy
        );
    }
}

#[test]
fn problems_name_their_line() {
    let text = "# mine\n\n[window]\n\ndays = 7\n\n[kafka.properties]\nsasl.mechanism = \"PLAIN\"\nacks = 1\n";
    let problems = from(text).unwrap_err();
    let lines: Vec<_> = problems
        .all()
        .iter()
        .map(|p| p.origin.to_string())
        .collect();
    assert_eq!(lines, ["churnwatch.toml:5", "churnwatch.toml:9"]);
}

#[test]
fn every_syntax_error_is_told_without_the_line_s_text() {
    let text = "[kafka]\nproperties = { 'sasl.password' = 'hunter2 }\n[window]\ndays = = 3\n";
    let problems = from(text).unwrap_err();
    let origins: Vec<_> = problems
        .all()
        .iter()
        .map(|p| p.origin.to_string())
        .collect();
    assert!(
        origins.contains(&"churnwatch.toml:2".to_owned()),
        "{origins:?}"
    );
    assert!(
        origins.contains(&"churnwatch.toml:4".to_owned()),
        "{origins:?}"
    );
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load_with(Some(Path::new("/no/such/file.toml")), std::iter::empty());
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("/no/such/file.toml: cannot be read: No such file"),
        "{text}"
    );
    assert!(text.contains("`churnwatch config`"), "{text}");
}

#[cfg(not(feature = "tls"))]
#[test]
fn tls_without_tls_is_refused_with_the_remedy() {
    insta::assert_snapshot!(complaint("kafka.properties.security.protocol = 'SASL_SSL'"), @r"
    the configuration has a problem
    churnwatch.toml:1: kafka.properties.security.protocol: needs TLS, which this build of churnwatch is without
        build churnwatch with `cargo build --release --features tls`
    ");
}
