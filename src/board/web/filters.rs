//! The form above a list.

use super::layout::encoded;
use super::visitor::Visitor;
use crate::board::store::{Filter, Places};
use crate::board::task::{BULK_CAMPAIGN, CUSTOMER_KINDS, LEVELS, PURPOSES, SEVERITIES, TIERS};
use crate::board::words::Language;
use maud::{Markup, html};

/// What a list may show, in this order.
pub(super) const COLUMNS: [&str; 17] = [
    "severity",
    "subscriber",
    "tier",
    "customer_kind",
    "value",
    "score",
    "stage",
    "reason",
    "manager",
    "queue",
    "region",
    "level",
    "opened",
    "updated",
    "due",
    "outcome",
    "holder",
];

/// The form that makes a list's address.
pub(super) fn form(visitor: &Visitor, filter: &Filter, shown: &[&str], places: &Places) -> Markup {
    let language = visitor.language;
    let say = |name| language.say(name);
    let choice = |name: &str, section: &str, options: &[&str], chosen: &str| {
        let usual = match section {
            "status" | "sort" | "channel_of_contact" => language.word(section, "usual"),
            _ => say("any"),
        };
        html! {
            label { (language.word("column", name)) " "
                select name=(name) {
                    option value="" { (usual) }
                    @for option in options {
                        option value=(option) selected[*option == chosen] { (language.word(section, option)) }
                    }
                }
            }
        }
    };
    let text = |name: &str, value: &str| {
        // A list's column shows a queue where there is no account manager; the filter is for the manager alone.
        let word = if name == "manager" {
            "account_manager"
        } else {
            name
        };
        html! { label { (language.word("column", word)) " " input name=(name) value=(value) maxlength="100" list={ "known-" (name) }; } }
    };
    let known = |name: &str, values: &[String]| {
        html! { datalist id={ "known-" (name) } { @for value in values { option value=(value) {} } } }
    };
    let hidden = [
        (
            "close_reason",
            filter.close_reason.clone(),
            reasons_in(filter, language),
        ),
        (
            "days",
            filter.days.to_string(),
            language.count("closed_within", filter.days.into()),
        ),
    ];
    let hidden = hidden
        .iter()
        .filter(|(_, value, _)| !value.is_empty() && value != "0");
    html! {
        form.filters method="get" action="/tasks" role="search" {
            label { (say("search")) " " input #q type="search" name="q" value=(filter.q) placeholder=(say("search_hint")) maxlength="64"; }
            (choice("due", "due", &["overdue", "soon", "later"], &name_of(&filter.due)))
            // What a figure's link has asked for stays when the form is sent.
            @for (name, value, words) in hidden {
                label.tag { input type="checkbox" name=(name) value=(value) checked; " " (words) }
            }
            details open[is_narrow(filter)] {
                summary { (say("more_filters")) }
                (choice("status", "status", &["closed", "all"], &name_of(&filter.status)))
                (choice("sort", "sort", &["severity", "score", "value", "opened", "updated"], &name_of(&filter.sort)))
                (choice("channel", "channel_of_contact", &["all", "account_manager", "outbound_call", BULK_CAMPAIGN], &filter.channel))
                (choice("purpose", "purpose", &PURPOSES, &filter.purpose))
                (choice("severity", "severity", &SEVERITIES, &filter.severity))
                (choice("tier", "tier", &TIERS, &filter.tier))
                (choice("customer_kind", "customer_kind", &CUSTOMER_KINDS, &filter.customer_kind))
                (choice("level", "level", &LEVELS, &filter.level))
                (choice("trigger", "trigger", &language.names("trigger"), &filter.trigger))
                (text("manager", &filter.manager))
                (text("queue", &filter.queue))
                (text("region", &filter.region))
                (text("holder", &filter.holder))
                (known("manager", &places.managers))
                (known("queue", &places.queues))
                (known("region", &places.regions))
                label { input type="checkbox" name="snoozed" value="true" checked[filter.snoozed]; " " (say("with_snoozed")) }
                label { input type="checkbox" name="reverse" value="true" checked[filter.reverse]; " " (say("reverse")) }
                fieldset {
                    legend { (language.word("column", "columns")) }
                    @for column in COLUMNS {
                        label { input type="checkbox" name="columns" value=(column) checked[shown.contains(&column)]; " "
                            (language.word("column", column)) }
                    }
                }
            }
            button { (say("show")) }
            @if !filter.query().is_empty() { a href="/tasks" { (say("reset")) } }
            @if filter.holder != visitor.person.name {
                a href={ "/tasks?holder=" (encoded(&visitor.person.name)) } { (say("mine")) }
            }
        }
    }
}

/// The close reasons of a filter in words.
fn reasons_in(filter: &Filter, language: Language) -> String {
    let reasons = filter.close_reason.split(',');
    let words: Vec<&str> = reasons
        .map(|reason| language.word("close_reason", reason))
        .collect();
    words.join(", ")
}

fn is_narrow(filter: &Filter) -> bool {
    let simple = Filter {
        q: filter.q.clone(),
        due: filter.due,
        close_reason: filter.close_reason.clone(),
        days: filter.days,
        closed_since: filter.closed_since,
        ..Filter::default()
    };
    *filter != simple
}

/// The name of a choice as an address has it.
fn name_of(choice: &impl serde::Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
