//! A list of tasks.

use super::answer::App;
use super::filters::COLUMNS;
use super::layout::csrf;
use super::query::{FilterQuery, SHORTENED, filter_of};
use super::visitor::Visitor;
use super::{bulk, filters, layout};
use crate::board::store::{Filter, Row, Sort};
use crate::board::task::{BULK_CAMPAIGN, LEVELS, PURPOSES, SEVERITIES, TIERS, masked};
use crate::board::when::When;
use crate::board::words::Language;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};

/// Rows of a page.
const ROWS: u32 = 100;
/// What it shows if nothing else was chosen.
const USUAL: &str = "severity,subscriber,tier,score,reason,due,holder";
/// The same for leads.
const USUAL_LEAD: &str = "severity,subscriber,tier,score,reason,manager,region,due,holder";

/// What a list shows somebody who has chosen nothing else.
fn usual(visitor: &Visitor) -> &'static str {
    match visitor.person.leads() {
        true => USUAL_LEAD,
        false => USUAL,
    }
}

/// A list with all that it takes to write its rows.
pub(super) struct Lines<'a> {
    pub filter: &'a Filter,
    pub visitor: &'a Visitor,
    pub when: When,
    /// Whether times have their year: what leaves the board is read in another one.
    pub whole_times: bool,
}

impl Lines<'_> {
    fn columns(&self) -> Vec<&'static str> {
        let chosen = match self.filter.columns.as_str() {
            "" => usual(self.visitor),
            chosen => chosen,
        };
        let chosen: Vec<&str> = chosen.split(',').collect();
        COLUMNS
            .into_iter()
            .filter(|column| chosen.contains(column))
            .collect()
    }

    /// What a cell says.
    pub fn cell(&self, column: &str, row: &Row) -> String {
        let language = self.visitor.language;
        let at = |at: i64| match self.whole_times {
            true => self.when.minute(at),
            false => self.when.short(at),
        };
        let churn = row.purpose == 0;
        match column {
            // How far a customer is says something about leaving only.
            "severity" if !churn => word_at(language, "purpose", &PURPOSES, row.purpose),
            "severity" => word_at(language, "severity", &SEVERITIES, row.severity),
            "subscriber" => masked(&row.msisdn),
            "tier" => word_at(language, "tier", &TIERS, row.tier),
            "customer_kind" => language
                .word("customer_kind", &row.customer_kind)
                .to_owned(),
            "value" => format!("{:.0}", row.value),
            "score" if churn => format!("{:.0} %", 100.0 * row.score),
            "stage" => language.word("stage", &row.stage).to_owned(),
            "reason" => match language {
                Language::Chinese => row.text_zh.clone(),
                Language::English => row.text_en.clone(),
            },
            "manager" if row.manager.is_empty() => row.queue.clone(),
            "manager" => row.manager.clone(),
            "queue" => row.queue.clone(),
            "region" => row.region.clone(),
            "level" => word_at(language, "level", &LEVELS, row.level),
            "opened" => at(row.opened_at),
            "updated" => at(row.updated_at),
            "due" if !row.open => {
                let reason = row.close_reason.as_deref().unwrap_or_default();
                language.word("close_reason", reason).to_owned()
            }
            "due" => at(row.due_at),
            "outcome" => {
                let outcome = row.outcome.as_deref().unwrap_or_default();
                language.word("result", outcome).to_owned()
            }
            "holder" => row.holder.clone().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// A row of the table.
    pub fn row(&self, row: &Row) -> Markup {
        let language = self.visitor.language;
        let query = self.filter.query();
        let mark = if query.is_empty() { "" } else { "?" };
        let people = row.channel != BULK_CAMPAIGN;
        let overdue =
            row.open && people && row.due_at < self.when.now && row.contacted_at.is_none();
        let held = row.holder.as_deref();
        let mine = held == Some(&*self.visitor.person.name);
        let urgency = SEVERITIES
            .get(row.severity)
            .filter(|_| row.purpose == 0)
            .copied()
            .unwrap_or("none");
        html! {
            tr #{ "t-" (row.id) } data-id=(row.id) .task .overdue[overdue] .mine[mine] .taken[held.is_some() && !mine]
                .closed[!row.open] .{ "severity-" (urgency) } {
                @if self.visitor.person.leads() {
                    td.pick { input type="checkbox" name="id" value=(row.id) form="bulk" aria-label=(language.say("pick")); }
                }
                @for column in self.columns() {
                    td.{ "c-" (column) } data-label=(language.word("column", column)) {
                        @match column {
                            "subscriber" => a href={ "/tasks/" (row.id) (mark) (query) } { (self.cell(column, row)) },
                            "severity" => span.badge { (self.cell(column, row)) },
                            "due" if row.open => {
                                time datetime=(self.when.machine(row.due_at)) title=(self.when.minute(row.due_at)) {
                                    @if row.contacted_at.is_some() { (language.say("contacted")) }
                                    @else if !people { (self.when.short(row.due_at)) }
                                    @else { (self.when.left(row.due_at)) }
                                }
                                @if row.not_before > self.when.now {
                                    " " small { (language.fill("not_before", &[&self.when.short(row.not_before)])) }
                                }
                                @if row.snoozed_until > self.when.now {
                                    " " small { (language.fill("snoozed_until", &[&self.when.short(row.snoozed_until)])) }
                                }
                            },
                            "region" | "queue" | "manager" => @for (index, part) in self.cell(column, row).split('/').enumerate() {
                                @if index > 0 { "/" wbr; }
                                (part)
                            },
                            _ => (self.cell(column, row)),
                        }
                    }
                }
            }
        }
    }

    /// A column's name, which sorts the list if lists are sorted by that column, the other way round the second time.
    fn heading(&self, column: &str) -> Markup {
        let name = self.visitor.language.word("column", column);
        let Some(sort) = Sort::of(column) else {
            return html! { th scope="col" { (name) } };
        };
        let here = self.filter.sort == sort;
        let order = match self.filter.reverse == sort.is_downward() {
            true => "ascending",
            false => "descending",
        };
        let next = Filter {
            sort,
            reverse: here && !self.filter.reverse,
            ..self.filter.clone()
        };
        html! {
            th scope="col" aria-sort=[here.then_some(order)] { a href={ "/tasks?" (next.query()) } { (name) } }
        }
    }

    /// The table.
    pub fn table(&self, rows: &[Row]) -> Markup {
        let language = self.visitor.language;
        html! {
            table.tasks {
                caption.hidden { (language.say("tasks")) }
                thead { tr {
                    @if self.visitor.person.leads() { th scope="col" { span.hidden { (language.say("pick")) } } }
                    @for column in self.columns() { (self.heading(column)) }
                } }
                tbody #rows { @for row in rows { (self.row(row)) } }
            }
        }
    }

    /// The column names of the table.
    pub fn head(&self) -> Vec<&str> {
        let language = self.visitor.language;
        self.columns()
            .into_iter()
            .map(|column| language.word("column", column))
            .collect()
    }

    /// What the cells of a row say.
    pub fn cells(&self, row: &Row) -> Vec<String> {
        self.columns()
            .into_iter()
            .map(|column| self.cell(column, row))
            .collect()
    }
}

/// A number that is not to be read.
pub(super) fn word_at(
    language: Language,
    section: &str,
    names: &[&'static str],
    place: usize,
) -> String {
    names
        .get(place)
        .map_or("", |name| language.word(section, name))
        .to_owned()
}

/// `GET /tasks`
pub(super) async fn page(State(app): State<App>, visitor: Visitor, query: FilterQuery) -> Response {
    layout::answer(app, visitor, move |app, visitor| {
        let (mut filter, others) = filter_of(app, query)?;
        if others.contains_key(SHORTENED) {
            return Ok(Redirect::to(&format!("/tasks?{}", filter.query())).into_response());
        }
        if filter.columns == usual(visitor) {
            filter.columns.clear();
        }
        let number: u32 = others.get("page").and_then(|page| page.parse().ok()).unwrap_or(0).min(100_000);
        let now = app.now();
        let made = app.store.seq();
        let offset = number * ROWS;
        let (rows, all) = app.store.tasks(&filter, &visitor.person.scope, now, ROWS, offset)?;
        let views = app.store.views(&visitor.person.name)?;
        let lines = Lines {
            filter: &filter,
            visitor,
            when: When::new(&app.config, now, visitor.language),
            whole_times: false,
        };
        let language = visitor.language;
        let say = |name| language.say(name);
        let query = filter.query();
        let content = html! {
            div.bar {
                h1 { (say("tasks")) " " small #count { (language.count("task_count", all)) } }
                form method="post" action="/tasks/next" {
                    (csrf(visitor))
                    input type="hidden" name="query" value=(query);
                    button #next.primary { (say("next_task")) }
                }
                button #fresh type="button" hidden data-one=(say("new_one")) data-many=(say("new_many")) {}
                a.button href={ "/tasks.csv?" (query) } download { "CSV" }
            }
            (filters::form(visitor, &filter, &lines.columns(), &app.store.places(&visitor.person.scope)?))
            (saved_views(visitor, &views, &query))
            @if others.contains_key("none") { p #none role="status" { (say("none_left")) } }
            @if visitor.person.leads() && !rows.is_empty() { (bulk::panel(app, visitor, &query, all)) }
            @if rows.is_empty() { p.empty { (say(if query.is_empty() { "no_tasks" } else { "none_found" })) } }
            div #list data-query=(query) data-made=(made) { (lines.table(&rows)) }
            (pages(visitor, &query, number, all))
        };
        Ok(layout::page(app, visitor, say("tasks"), &content).into_response())
    })
    .await
}

fn pages(visitor: &Visitor, query: &str, number: u32, all: u64) -> Markup {
    let last = all.saturating_sub(1) / u64::from(ROWS);
    let say = |name| visitor.language.say(name);
    html! {
        @if last > 0 {
            nav.pages aria-label=(say("more")) {
                @if number > 0 { a rel="prev" href={ "/tasks?" (query) "&page=" (number - 1) } { (say("before")) } }
                span { (number + 1) " / " (last + 1) }
                @if u64::from(number) < last { a rel="next" href={ "/tasks?" (query) "&page=" (number + 1) } { (say("after")) } }
            }
        }
    }
}

fn saved_views(visitor: &Visitor, views: &[(String, String)], query: &str) -> Markup {
    let say = |name| visitor.language.say(name);
    html! {
        details.views open[!views.is_empty()] {
            summary { (say("views")) }
            @for (name, saved) in views {
                span.view {
                    a href={ "/tasks?" (saved) } aria-current=[(saved == query).then_some("true")] { (name) }
                    form method="post" action="/views" {
                        (csrf(visitor))
                        input type="hidden" name="name" value=(name);
                        input type="hidden" name="remove" value="1";
                        button aria-label={ (say("remove")) " " (name) } { "×" }
                    }
                }
            }
            form method="post" action="/views" {
                (csrf(visitor))
                input type="hidden" name="query" value=(query);
                label { (say("view_name")) " " input name="name" required maxlength="60"; }
                button { (say("save")) }
            }
        }
    }
}
