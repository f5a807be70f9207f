//! How the work stands, for leads.

use super::answer::{App, Problem};
use super::chart;
use super::layout;
use super::layout::encoded;
use super::uplift;
use super::visitor::Visitor;
use crate::board::store::{Reasons, Rollup, RollupRow, Scope};
use crate::board::words::Language;
use crate::model::Timestamp;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// What to look at.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    /// A region and all below it; empty for all that the person may see.
    #[serde(default)]
    pub region: String,
    /// Days up to today.
    #[serde(default)]
    pub days: Option<u16>,
}

pub(super) type ViewQuery = Result<Query<View>, QueryRejection>;

/// Days shown if nothing else was asked for.
const DAYS: u16 = 28;
const DAYS_MAX: u16 = 366;

/// Figures of a region within what somebody may see.
pub(super) fn figures(app: &App, visitor: &Visitor, view: &View) -> Result<Rollup, Problem> {
    let own = match &visitor.person.scope {
        Scope::All => "",
        Scope::Region(region) => region,
        Scope::Own { .. } => return Err(Problem::Forbidden),
    };
    let region = if view.region.is_empty() {
        own
    } else {
        &view.region
    };
    let inside = own.is_empty() || region == own || region.starts_with(&format!("{own}/"));
    if !inside {
        return Err(Problem::Forbidden);
    }
    let days = view.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::Bad(format!("`days` is not 1 to {DAYS_MAX}")));
    }
    let since = app.day_began(days);
    let first = app.config.rules.calendar.day_of(Timestamp(since));
    let (scope, depth) = match region {
        "" => (Scope::All, 0),
        region => (Scope::Region(region.to_owned()), region.split('/').count()),
    };
    Ok(app.store.rollup(&scope, app.now(), first.0, since, depth)?)
}

/// `GET /lead`
pub(super) async fn page(State(app): State<App>, visitor: Visitor, query: ViewQuery) -> Response {
    let turn = Arc::clone(&app.rollups).acquire_owned().await;
    layout::answer(app, visitor, move |app, visitor| {
        let _turn = turn;
        let view = query.map_err(|rejection| Problem::Bad(rejection.body_text()))?.0;
        let figures = figures(app, visitor, &view)?;
        let language = visitor.language;
        let say = |name| language.say(name);
        let days = view.days.unwrap_or(DAYS);
        let content = html! {
            div.bar {
                h1 { (say("lead")) @if !view.region.is_empty() { ": " (view.region) } }
                nav.crumbs aria-label=(say("regions")) { (crumbs(&view.region, days, say("all_regions"))) }
                form method="get" action="/lead" {
                    input type="hidden" name="region" value=(view.region);
                    label { (say("period")) " "
                        select name="days" {
                            @for choice in [7, 14, 28, 90] {
                                option value=(choice) selected[choice == days] { (language.count("days", choice.into())) }
                            }
                        }
                    }
                    button { (say("show")) }
                }
            }
            (tiles(&figures.all, &view.region, days, language))
            section {
                h2 { (say("trend")) }
                @if !view.region.is_empty() || visitor.person.scope != Scope::All { p.hint { (say("signals_of_all")) } }
                div.trend { (chart::trend(&figures.trend, language)) }
            }
            div.columns.even {
                div {
                    section { h2 { (say("regions")) }
                        (table("region", &figures.regions, language, days, |row| {
                            (format!("/lead?region={}&days={days}", encoded(&row.name)), format!("region={}&channel=all&snoozed=true", encoded(&row.name)))
                        })) }
                    section { h2 { (say("customers")) }
                        (table("customer_kind", &figures.customers, language, days, |row| {
                            let (region, kind) = (encoded(&view.region), encoded(&row.name));
                            let list = format!("region={region}&customer_kind={kind}&channel=all&snoozed=true");
                            (format!("/tasks?{list}"), list)
                        })) }
                    section { h2 { (say("managers")) }
                        (table("manager", &figures.managers, language, days, |row| {
                            let name = encoded(&row.name);
                            let list = match row.is_queue {
                                true => format!("queue={name}&channel=all&snoozed=true"),
                                false => format!("manager={name}&channel=all&snoozed=true"),
                            };
                            (format!("/tasks?{list}"), list)
                        })) }
                    @if !figures.holders.is_empty() {
                        section { h2 { (say("holders")) }
                            (table("holder", &figures.holders, language, days, |row| {
                                let list = format!("holder={}&channel=all&snoozed=true", encoded(&row.name));
                                (format!("/tasks?{list}"), list)
                            })) }
                    }
                }
                div {
                    (triggers(&figures, &view.region, language))
                    (uplift::section(&figures.uplift, language))
                    (reasons("reasons", "reason", &figures.reasons, language))
                    (reasons("why_suppressed", "suppressed", &figures.suppressed, language))
                }
            }
        };
        Ok(layout::page(app, visitor, say("lead"), &content))
    })
    .await
}

fn crumbs(region: &str, days: u16, all: &str) -> Markup {
    let levels: Vec<&str> = region
        .split('/')
        .filter(|level| !level.is_empty())
        .collect();
    html! {
        a href={ "/lead?days=" (days) } { (all) }
        @for depth in 1..=levels.len() {
            " › " a href={ "/lead?region=" (encoded(&levels[..depth].join("/"))) "&days=" (days) } { (levels[depth - 1]) }
        }
    }
}

fn tiles(all: &RollupRow, region: &str, days: u16, language: Language) -> Markup {
    let region = match region {
        "" => String::new(),
        region => format!("region={}&", encoded(region)),
    };
    let tile = |name: &str, number: String, query: &str| {
        html! {
            @if query.is_empty() {
                div.tile { strong { (number) } " " span { (language.word("figure", name)) } }
            } @else {
                a.tile href={ "/tasks?" (region) (query) } { strong { (number) } " " span { (language.word("figure", name)) } }
            }
        }
    };
    html! {
        div.tiles {
            (tile("open", all.open.to_string(), "channel=all&snoozed=true"))
            (tile("overdue", all.overdue.to_string(), "due=overdue&snoozed=true"))
            (tile("taken", all.taken.to_string(), "holder=*&channel=all&snoozed=true"))
            (tile("escalated", all.escalated.to_string(), "level=%2B&channel=all&snoozed=true"))
            (tile("saved", all.saved.to_string(), &closed("saved", days)))
            (tile("refused", all.refused.to_string(), &closed("refused", days)))
            (tile("lost", all.lost.to_string(), &closed("lost,churned", days)))
            (tile("precision", percent(all.precision()), ""))
        }
        p.hint { (language.count("precision_of", all.answered)) }
    }
}

/// The list of tasks that were closed for some reasons within some days.
fn closed(reasons: &str, days: u16) -> String {
    format!(
        "status=closed&close_reason={}&channel=all&days={days}",
        encoded(reasons)
    )
}

/// Shares of few cases say little: nothing stands where nobody has answered.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share))
}

/// A breakdown; `links` gives a row's own page, and the list behind its numbers.
fn table(
    what: &str,
    rows: &[RollupRow],
    language: Language,
    days: u16,
    links: impl Fn(&RollupRow) -> (String, String),
) -> Markup {
    let head = [
        "open",
        "overdue",
        "taken",
        "escalated",
        "saved",
        "refused",
        "lost",
        "precision",
    ];
    html! {
        div.wide.numbers { table {
            thead { tr { th scope="col" { (language.word("column", what)) }
                @for name in head { th scope="col" { (language.word("figure", name)) } } } }
            tbody {
                @for row in rows {
                    @let (page, list) = links(row);
                    @let part = list.replace("&channel=all", "");
                    tr {
                        th scope="row" { a href=(page) { (name(what, row, language)) } }
                        td { a href={ "/tasks?" (list) } { (row.open) } }
                        td.warn[row.overdue > 0] { a href={ "/tasks?" (part) "&due=overdue" } { (row.overdue) } }
                        td { @if what == "holder" { (row.taken) } @else { a href={ "/tasks?" (list) "&holder=*" } { (row.taken) } } }
                        td { a href={ "/tasks?" (list) "&level=%2B" } { (row.escalated) } }
                        @for (reasons, number) in [("saved", row.saved), ("refused", row.refused), ("lost,churned", row.lost)] {
                            td { a href={ "/tasks?" (part) "&" (closed(reasons, days)) } { (number) } }
                        }
                        td title={ (row.answered) } { (percent(row.precision())) }
                    }
                }
            }
        } }
    }
}

fn name<'r>(what: &str, row: &'r RollupRow, language: Language) -> &'r str {
    match (what, row.name.as_str()) {
        (_, "") => "–",
        ("customer_kind", kind) => language.word("customer_kind", kind),
        (_, name) => name,
    }
}

fn triggers(figures: &Rollup, region: &str, language: Language) -> Markup {
    html! {
        section {
            h2 { (language.say("by_trigger")) }
            div.wide.numbers { table {
                thead { tr { th scope="col" { (language.word("column", "trigger")) }
                    @for name in ["signals", "open", "saved", "lost", "precision"] { th scope="col" { (language.word("figure", name)) } } } }
                tbody { @for row in &figures.triggers { tr {
                    th scope="row" { a href={ "/tasks?region=" (encoded(region)) "&channel=all&snoozed=true&trigger=" (encoded(&row.name)) } { (language.word("trigger", &row.name)) } }
                    td { (row.signals) } td { (row.tasks.open) } td { (row.tasks.saved) } td { (row.tasks.lost) }
                    td { (percent(row.tasks.precision())) }
                } } }
            } }
        }
    }
}

fn reasons(title: &str, section: &str, reasons: &[Reasons], language: Language) -> Markup {
    html! {
        @if !reasons.is_empty() {
            section {
                h2 { (language.say(title)) }
                table { tbody { @for reason in reasons { tr {
                    th scope="row" { (language.word(section, &reason.name)) }
                    td { (reason.times) }
                } } } }
            }
        }
    }
}
