//! One task: why, until when, what to do, and what became of it.

use super::answer::{App, Problem};
use super::chart;
use super::layout;
use super::layout::csrf;
use super::list::{Lines, word_at};
use super::query::{FilterQuery, filter_of};
use super::visitor::Visitor;
use crate::board::desk::Desk;
use crate::board::store::Dossier;
use crate::board::task::masked;
use crate::board::task::{LEVELS, Member, PURPOSES, REASONS, RESULTS, SEVERITIES, TIERS, Text};
use crate::board::when::When;
use crate::board::words::Language;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

/// Steps of a talk in their order.
const TALK: [&str; 4] = ["rapport", "listen", "advise", "follow_up"];

/// A sentence in a language, or in whichever there is.
fn say_in(text: &Text, language: Language) -> &str {
    let found = text
        .get(language.tag())
        .or_else(|| text.get("en"))
        .or_else(|| text.values().next());
    found.map_or("", String::as_str)
}

/// `GET /tasks/{id}`
pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    query: FilterQuery,
) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let (filter, _) = filter_of(app, query)?;
        let dossier = app
            .store
            .dossier(&id, &visitor.person.scope)?
            .ok_or(Problem::Missing)?;
        let case = Case {
            app,
            visitor,
            dossier: &dossier,
            when: When::new(&app.config, app.now(), visitor.language),
            query: filter.query(),
        };
        let title = masked(&dossier.row.msisdn);
        Ok(layout::page(app, visitor, &title, &case.page()))
    })
    .await
}

struct Case<'a> {
    app: &'a App,
    visitor: &'a Visitor,
    dossier: &'a Dossier,
    when: When,
    /// The list that the reader came from.
    query: String,
}

impl Case<'_> {
    fn page(&self) -> Markup {
        let language = self.visitor.language;
        let row = &self.dossier.row;
        html! {
            article #case data-id=(row.id) data-seq=(self.app.store.seq()) {
                p { a #back href={ "/tasks" (if self.query.is_empty() { "" } else { "?" }) (self.query) } { (language.say("back")) } }
                (self.head())
                (self.state())
                div.columns {
                    div {
                        (self.reasons())
                        (self.group())
                        (self.picture())
                        (self.advice())
                    }
                    div {
                        @if row.open { (self.answer()) (self.put_off()) }
                        (self.add_note())
                        (self.customer())
                        (self.history())
                    }
                }
            }
        }
    }

    fn head(&self) -> Markup {
        let language = self.visitor.language;
        let row = &self.dossier.row;
        let churn = row.purpose == 0;
        let badge = match churn {
            true => word_at(language, "severity", &SEVERITIES, row.severity),
            false => word_at(language, "purpose", &PURPOSES, row.purpose),
        };
        let class = SEVERITIES
            .get(row.severity)
            .filter(|_| churn)
            .copied()
            .unwrap_or("none");
        html! {
            header.case.{ "severity-" (class) } {
                h1 { (masked(&row.msisdn)) " " span.badge { (badge) } }
                p.facts {
                    @if churn { span { (language.fill("likely", &[&format!("{:.0}", 100.0 * row.score)])) } }
                    @if let Some(at) = row.contacted_at.filter(|_| row.open) {
                        span { (language.fill("contacted_at", &[&self.when.short(at)])) }
                    }
                    @if row.open && (row.contacted_at.is_none() || row.due_at >= self.when.now) {
                        span.due { (language.say("due")) " " time datetime=(self.when.machine(row.due_at)) { (self.when.short(row.due_at)) }
                            " (" (self.when.left(row.due_at)) ")" }
                        @if row.not_before > self.when.now {
                            span.warning { (language.fill("not_before", &[&self.when.short(row.not_before)])) }
                        }
                    }
                    @if !row.open {
                        span { (language.say("closed")) ": " (language.word("close_reason", row.close_reason.as_deref().unwrap_or_default())) }
                    }
                    span { (language.word("channel_of_contact", &self.dossier.task.recommended_action.channel)) }
                    @if self.dossier.task.recommended_action.care_only { span.warning { (language.say("care_only")) } }
                }
                @if self.visitor.person.may_call {
                    form.number method="post" action={ "/tasks/" (row.id) "/number" } {
                        (csrf(self.visitor))
                        input type="hidden" name="query" value=(self.query);
                        button #call { (language.say("show_number")) }
                        output #number {}
                    }
                }
            }
        }
    }

    /// A form with a single button.
    fn button(&self, action: &str, id: &str, class: &str) -> Markup {
        html! {
            form method="post" action={ "/tasks/" (self.dossier.row.id) "/act" } {
                (csrf(self.visitor))
                input type="hidden" name="query" value=(self.query);
                input type="hidden" name="action" value=(action);
                button #(id) class=(class) { (self.visitor.language.word("action", action)) }
            }
        }
    }

    /// Who has it, and what became of the last answer.
    fn state(&self) -> Markup {
        let language = self.visitor.language;
        let desk = &self.dossier.desk;
        let me = &self.visitor.person.name;
        let waits = !self.dossier.settled;
        // Until the detector has taken it in, the task's next revision is on its way.
        let row = &self.dossier.row;
        let answer = desk.answers.last();
        let answered = answer.filter(|answer| row.open && row.updated_at < answer.at);
        let late = answer.filter(|answer| !row.open && answer.at > row.updated_at);
        html! {
            div #state role="status" {
                @match &desk.holder {
                    Some(holder) if holder == me => {
                        p.mine { (language.say("you_have_it")) }
                        (self.button("release", "release", ""))
                    },
                    Some(holder) => {
                        p.warning { (language.fill("taken_by", &[holder])) }
                        @if self.dossier.row.open { (self.button("take_over", "take-over", "")) }
                    },
                    None if self.dossier.row.open => (self.button("take", "take", "primary")),
                    None => {},
                }
                form method="post" action="/tasks/next" {
                    (csrf(self.visitor))
                    input type="hidden" name="query" value=(self.query);
                    input type="hidden" name="after" value=(self.dossier.row.id);
                    button #next { (language.say("next_task")) }
                }
                @if self.dossier.row.snoozed_until > self.when.now {
                    p.note { (language.fill("snoozed_until", &[&self.when.short(self.dossier.row.snoozed_until)])) }
                }
                @if let Some(answer) = answered {
                    p.note { (language.fill("answer_sent", &[language.word("result", &answer.result), &answer.by, &self.when.short(answer.at)])) }
                }
                @if late.is_some() { p.warning { (language.say("answer_late")) } }
                @if waits { p.note { (language.say("being_sent")) } }
            }
        }
    }

    fn reasons(&self) -> Markup {
        let language = self.visitor.language;
        html! {
            section {
                h2 { (language.say("why")) }
                ul.reasons {
                    @for signal in self.dossier.task.signals.iter().rev() {
                        li {
                            strong { (language.word("trigger", &signal.trigger)) } " "
                            small { time { (self.when.short(signal.fired_at.as_millisecond())) } }
                            p { (say_in(&signal.text, language)) }
                        }
                    }
                }
            }
        }
    }

    /// What is the matter with a member.
    fn member(&self, member: &Member) -> Markup {
        let language = self.visitor.language;
        html! {
            @if !member.severity.is_empty() { " · " (language.word("severity", &member.severity)) }
            @for trigger in &member.triggers { " · " (language.word("trigger", trigger)) }
        }
    }

    /// The members of a group whose task it is.
    fn group(&self) -> Markup {
        let language = self.visitor.language;
        let Some(group) = &self.dossier.task.group else {
            return html! {};
        };
        let head_count = group.head_count.map(|count| count.to_string());
        html! {
            section #group {
                h2 { (language.say("group")) " " (group.group_id) }
                p.facts {
                    span { (language.word("group_kind", &group.kind)) " " (group.contract_end_on) }
                    @if let Some(count) = &head_count { span { (language.fill("head_count", &[count])) } }
                    @if group.more_signals > 0 {
                        span { (language.fill("more_signals", &[&group.more_signals.to_string()])) }
                    }
                }
                ul.members { @for member in &group.members { li { (masked(&member.msisdn)) (self.member(member)) } } }
                @if self.visitor.person.may_call {
                    form method="post" action={ "/tasks/" (self.dossier.row.id) "/number" } {
                        (csrf(self.visitor))
                        input type="hidden" name="query" value=(self.query);
                        button { (language.say("show_members")) }
                    }
                }
            }
        }
    }

    fn picture(&self) -> Markup {
        let language = self.visitor.language;
        let Some((signal, history)) = self.dossier.task.history() else {
            return html! {};
        };
        let zone = self.app.config.rules.calendar.zone();
        let fired = signal
            .fired_at
            .in_tz(zone)
            .map(|at| at.date())
            .unwrap_or(history.from);
        html! {
            section {
                h2 { (language.say("use")) }
                (chart::history(&history, fired, language))
                details {
                    summary { (language.say("as_table")) }
                    div.wide tabindex="0" role="region" aria-label=(language.say("use")) { table {
                        thead { tr { th scope="col" { (language.say("day")) }
                            @for channel in &history.channels {
                                th scope="col" { (language.word("channel", channel.name)) }
                                th scope="col" { (language.say("expected")) }
                            } } }
                        tbody {
                            @for day in 0..history.channels.first().map_or(0, |channel| channel.seen.len()) {
                                tr {
                                    th scope="row" { (history.from.checked_add(jiff::Span::new().days(day as i64)).unwrap_or(history.from)) }
                                    @for channel in &history.channels {
                                        td { @match channel.seen.get(day).copied().flatten() {
                                            Some(events) => (events),
                                            None => "?",
                                        } }
                                        td { @if let Some(Some(events)) = channel.expected.get(day) { (format!("{events:.1}")) } }
                                    }
                                }
                            }
                        }
                    } }
                }
            }
        }
    }

    fn advice(&self) -> Markup {
        let language = self.visitor.language;
        let action = &self.dossier.task.recommended_action;
        html! {
            section {
                h2 { (language.say("steps")) }
                ol { @for step in &action.playbook { li { (say_in(step, language)) } } }
                @if let Some(talk) = &action.talk {
                    h2 { (language.say("talk")) }
                    dl.talk {
                        @for step in TALK {
                            @if let Some(text) = talk.get(step) {
                                dt { (language.word("talk", step)) }
                                dd { (say_in(text, language)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The form that says what became of a contact.
    fn answer(&self) -> Markup {
        let language = self.visitor.language;
        let say = |name| language.say(name);
        let reason = |name: &str| {
            html! {
                label { (language.word("field", name)) " "
                    select name=(name) {
                        option value="" { "–" }
                        @for reason in REASONS.iter().chain(&["other"]) { option value=(reason) { (language.word("reason", reason)) } }
                    }
                }
            }
        };
        html! {
            section {
                h2 #answer-title { (say("answer")) }
                form #answer method="post" action={ "/tasks/" (self.dossier.row.id) "/act" } aria-labelledby="answer-title" {
                    (csrf(self.visitor))
                    input type="hidden" name="query" value=(self.query);
                    input type="hidden" name="action" value="answer";
                    fieldset.results {
                        legend.hidden { (say("answer")) }
                        @for (index, result) in RESULTS.iter().enumerate() {
                            label { input type="radio" name="result" value=(result) required data-key=(index + 1);
                                " " kbd { (index + 1) } " " (language.word("result", result)) }
                        }
                    }
                    (reason("stated_reason"))
                    (reason("confirmed_reason"))
                    label { (language.word("field", "answer_note")) " " textarea name="note" rows="2" maxlength="2000" {} }
                    label { (language.word("field", "snooze_until")) " "
                        input type="datetime-local" name="snooze_until" min=(self.when.field(self.when.now)); }
                    label { input type="checkbox" name="do_not_contact" value="true"; " " (say("do_not_contact")) }
                    button.primary { (say("send_answer")) }
                    button name="then" value="next" { (say("send_and_next")) }
                }
            }
        }
    }

    fn put_off(&self) -> Markup {
        let language = self.visitor.language;
        let action = format!("/tasks/{}/act", self.dossier.row.id);
        let snoozed = self.dossier.row.snoozed_until;
        html! {
            details.more {
                summary { (language.say("more_actions")) }
                form method="post" action=(action) {
                    (csrf(self.visitor))
                    input type="hidden" name="query" value=(self.query);
                    input type="hidden" name="action" value="snooze";
                    label { (language.say("snooze_until")) " "
                        input #snooze type="datetime-local" name="until" required min=(self.when.field(self.when.now))
                            value=[(snoozed > 0).then(|| self.when.field(snoozed))]; }
                    button { (language.word("action", "snooze")) }
                }
                form.choices method="post" action=(action) {
                    (csrf(self.visitor))
                    input type="hidden" name="query" value=(self.query);
                    input type="hidden" name="action" value="snooze";
                    @for (name, at) in self.when.choices() {
                        button name="until" value=(self.when.field(at)) { (language.say(name)) }
                    }
                }
                @if snoozed > self.when.now { (self.button("wake", "wake", "")) }
                form method="post" action=(action) {
                    (csrf(self.visitor))
                    input type="hidden" name="query" value=(self.query);
                    input type="hidden" name="action" value="hand_over";
                    label { (language.say("hand_over_to")) " " input name="to" required maxlength="100" list="people"; }
                    (layout::people(self.app))
                    button { (language.word("action", "hand_over")) }
                }
            }
        }
    }

    fn add_note(&self) -> Markup {
        let language = self.visitor.language;
        html! {
            form.note method="post" action={ "/tasks/" (self.dossier.row.id) "/act" } {
                (csrf(self.visitor))
                input type="hidden" name="query" value=(self.query);
                input type="hidden" name="action" value="note";
                label { (language.word("field", "note")) " " textarea #note name="text" rows="2" maxlength="2000" required {} }
                button { (language.word("action", "note")) }
            }
        }
    }

    fn customer(&self) -> Markup {
        let language = self.visitor.language;
        let (row, task) = (&self.dossier.row, &self.dossier.task);
        let fact = |name: &str, value: &str| {
            html! { @if !value.is_empty() { dt { (language.word("column", name)) } dd { (value) } } }
        };
        let others = &self.dossier.customer;
        let filter = crate::board::store::Filter::default();
        let lines = Lines {
            filter: &filter,
            visitor: self.visitor,
            when: self.when.clone(),
            whole_times: false,
        };
        html! {
            section {
                h2 { (language.say("customer")) }
                dl.card {
                    (fact("tier", &word_at(language, "tier", &TIERS, row.tier)))
                    (fact("customer_kind", language.word("customer_kind", &row.customer_kind)))
                    (fact("stars", &"★".repeat(task.stars.min(5).into())))
                    (fact("value", &task.monthly_value))
                    (fact("stage", language.word("stage", &row.stage)))
                    @if let Some(suspension) = &task.suspension {
                        (fact("suspension", &format!("{} ({})", language.word("suspension", &suspension.reason), suspension.since)))
                    }
                    (fact("account_manager", &row.manager))
                    (fact("queue", &row.queue))
                    (fact("deputy_for", &task.assignee.deputy_for))
                    @if task.assignee.over_capacity { (fact("capacity", language.word("suppressed", "over_capacity"))) }
                    (fact("region", &row.region))
                    (fact("level", &word_at(language, "level", &LEVELS, row.level)))
                    @if let Some(at) = row.contacted_at { (fact("contacted", &self.when.short(at))) }
                    (fact("outcome", language.word("result", row.outcome.as_deref().unwrap_or_default())))
                    (fact("stated_reason", language.word("reason", task.stated_reason.as_deref().unwrap_or_default())))
                    (fact("confirmed_reason", language.word("reason", task.confirmed_reason.as_deref().unwrap_or_default())))
                }
                @if !others.tasks.is_empty() {
                    h3 { (language.say("earlier_tasks")) }
                    ul { @for other in &others.tasks {
                        li { a href={ "/tasks/" (other.id) } { (self.when.short(other.opened_at)) } " "
                            (language.word("trigger", &other.trigger)) ": " (lines.cell("due", other)) " " (lines.cell("outcome", other)) }
                    } }
                }
                @if !others.signals.is_empty() {
                    h3 { (language.say("signals")) }
                    ul.small { @for (at, trigger, suppressed) in &others.signals {
                        li { (self.when.short(*at)) " " (language.word("trigger", trigger))
                            @if let Some(why) = suppressed { " (" (language.word("suppressed", why)) ")" } }
                    } }
                }
            }
        }
    }

    /// What happened, what people wrote and answered, in the order of time.
    fn history(&self) -> Markup {
        let language = self.visitor.language;
        let mut all: Vec<(i64, String)> = Vec::new();
        for step in &self.dossier.steps {
            let section = match step.what.as_str() {
                "updated" => "trigger",
                "escalated" => "level",
                "answered" => "result",
                "passed_on" => "",
                _ => "close_reason",
            };
            let detail = language.word(section, &step.detail);
            all.push((
                step.at,
                format!("{} {detail}", language.word("step", &step.what)),
            ));
        }
        let Desk { notes, answers, .. } = &self.dossier.desk;
        for note in notes {
            all.push((note.at, format!("{}: {}", note.by, note.text)));
        }
        for answer in answers {
            let result = language.word("result", &answer.result);
            all.push((
                answer.at,
                language.fill("answered_by", &[&answer.by, result]),
            ));
        }
        for deed in &self.dossier.deeds {
            let what = language.word("audit", &deed.what);
            all.push((deed.at, format!("{} {what} {}", deed.who, deed.detail)));
        }
        all.sort_by_key(|entry| entry.0);
        html! {
            section {
                h2 { (language.say("history")) }
                ol.history { @for (at, text) in &all { li { time { (self.when.short(*at)) } " " span.text { (text) } } } }
            }
        }
    }
}
