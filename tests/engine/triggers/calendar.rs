//! Festivals and days of the operator's own (behaviour: Calendar of occasions).

use crate::support::scenario::{Scenario, crowd, days, profile};
use churnwatch::config::Config;
use churnwatch::model::{Channel, Money, Msisdn, Profile, Segment};

const ONE: &str = "13900000001";
const WOMENS_DAY: &str =
    "triggers.occasion.calendar = [{ on = '03-08', zh = '妇女节', en = \"Women's Day\" }]";

/// The best customer of an account manager, with more in the profile.
fn key(change: impl FnOnce(&mut Profile<'static>)) -> Scenario {
    under(WOMENS_DAY, change)
}

fn under(rules: &str, change: impl FnOnce(&mut Profile<'static>)) -> Scenario {
    let mut scenario = Scenario::new(rules);
    let vip = profile(|profile| {
        profile.vip = true;
        profile.account_manager = Some("am-17".into());
        profile.avg_monthly_spend = Some(Money(50_000));
        change(profile);
    });
    scenario.event(ONE, "2026-02-28 07:00", vip);
    scenario.live(&crowd(4), days("2026-02-28", "2026-03-12"), |_, _| 3);
    scenario
}

#[test]
fn the_best_customer_gets_the_greeting_as_everybody_does() {
    let scenario = key(|_| ());
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-05 08:00 occasion 0.30",
            "2026-03-05 08:00 task 1 open: key early due 2026-03-06 09:00",
            "2026-03-12 08:00 task 2 closed: occasion_over",
        ]
    );
    let task = scenario.last_task(ONE);
    assert_eq!(task.action.channel, Channel::BulkCampaign);
    assert_eq!(task.assignee.queue, "bulk-campaign");
    assert_eq!(task.assignee.account_manager, None);
    assert_eq!(task.signals[0].text.en, "2026-03-08 is Women's Day");
    assert_eq!(
        scenario.steps(ONE),
        ["Send the greeting of the day; sell nothing"]
    );
}

#[test]
fn a_further_reason_makes_it_the_account_manager_s() {
    let scenario = key(|profile| profile.birthday = Some((3, 8)));
    let task = scenario.last_task(ONE);
    assert_eq!(task.signals.len(), 2);
    assert_eq!(task.action.channel, Channel::AccountManager);
    assert_eq!(task.assignee.account_manager.as_deref(), Some("am-17"));
    assert_eq!(task.assignee.queue, "key-accounts");
}

#[test]
fn who_refused_marketing_gets_no_bulk_message() {
    let scenario = key(|profile| profile.marketing_opt_out = Some(true));
    let said = scenario.published(ONE);
    assert_eq!(said, ["2026-03-05 08:00 occasion 0.30 (opted_out)"]);
}

#[test]
fn nobody_gets_two_in_a_year() {
    let rules = "
        triggers.occasion = { lead_days = 0, calendar = [
            { on = '03-03', zh = 'a', en = 'a' }, { on = '03-09', zh = 'b', en = 'b' }] }
        triggers.occasion_offer = { lead_days = 0, calendar = [{ on = '2026-03-11', zh = 'c', en = 'c' }] }
        policy.contact.gap_days = 0";
    let scenario = under(rules, |_| ());
    let all = ["occasion", "occasion_offer"].map(|trigger| scenario.signals(trigger));
    assert_eq!(all, [1, 0]);
}

#[test]
fn a_day_is_for_those_it_names() {
    for (whom, expected) in [
        ("segments = ['group']", 0),
        ("segments = ['consumer', 'group']", 1),
        ("tiers = ['ordinary', 'small']", 0),
        ("tiers = ['key']", 1),
    ] {
        let day = format!("[{{ on = '03-08', zh = 'a', en = 'a', {whom} }}]");
        let rules = format!("triggers.occasion.calendar = {day}");
        let scenario = under(&rules, |profile| profile.segment = Segment::Consumer);
        assert_eq!(scenario.signals("occasion"), expected, "{whom}");
    }
}

#[test]
fn a_lunar_day_comes_when_the_moon_says() {
    let day = "[{ lunar = '01-15', zh = '元宵节', en = 'the Lantern Festival' }]";
    let rules = format!("triggers.occasion = {{ lead_days = 2, calendar = {day} }}");
    let scenario = under(&rules, |_| ());
    let said = scenario.published(ONE);
    assert_eq!(said[0], "2026-03-01 08:00 occasion 0.30");
    let text = &scenario.last_task(ONE).signals[0].text;
    assert_eq!(text.zh, "2026-03-03是元宵节");
}

#[test]
fn a_calendar_with_mistakes_is_refused() {
    for (day, problem) in [
        ("on = '02-30'", "`on` must be a day that exists"),
        ("on = '2026-02-29'", "`on` must be a day that exists"),
        ("lunar = '01-31'", "a day of 1 to 30"),
        ("lunar = '13-01'", "a month of 1 to 12"),
        ("on = '01-01', lunar = '01-01'", "has both `on` and `lunar`"),
        ("tiers = ['key']", "has no day"),
        ("on = '01-01', tiers = ['vip']", "vip"),
        ("on = '01-01', who = 'all'", "who"),
    ] {
        let rules = format!("triggers.occasion.calendar = [{{ {day}, zh = 'a', en = 'a' }}]");
        let refused = Config::from_toml_str(&rules, "next.toml").unwrap_err();
        let problems = refused.to_string();
        assert!(problems.contains(problem), "{day}: {problems}");
        assert!(problems.contains("triggers.occasion"), "{day}: {problems}");
    }
}

#[test]
fn a_day_that_is_shown_names_the_festival_beside_the_populations_factor() {
    let scenario = key(|_| ());
    let known = scenario.shard.describe(&Msisdn::new(ONE).unwrap()).unwrap();
    let on = |day: &str| known.window.iter().find(|it| it.day == day).unwrap();
    assert_eq!(on("2026-03-01").occasions, ["Women's Day"]);
    assert_eq!(on("2026-02-28").occasions, [""; 0]);
    let factor = on("2026-03-01").factor.as_ref().unwrap();
    assert_eq!(factor.keys().collect::<Vec<_>>(), [&"data", &"voice"]);
}
