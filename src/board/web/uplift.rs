//! What tasks achieve, for leads.

use crate::board::store::{UpliftHorizon, UpliftRow};
use crate::board::words::Language;
use crate::model::{Comparison, Fates, Verdict};
use maud::{Markup, html};

/// The comparison of those with a task and those held out; nothing where nobody is.
pub(super) fn section(rows: &[UpliftRow], language: Language) -> Markup {
    let say = |name| language.say(name);
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (say("uplift")) }
                div.wide.numbers { table {
                    thead { tr { th scope="col" { (language.word("column", "trigger")) }
                        @for name in ["uplift_within", "uplift_with_task", "uplift_held_out", "uplift_kept"] { th scope="col" { (say(name)) } } } }
                    tbody { @for row in rows { @for horizon in &row.horizons {
                        tr {
                            th scope="row" { @if row.trigger.is_empty() { (say("uplift_all")) } @else { (language.word("trigger", &row.trigger)) } }
                            td { (language.count("days", horizon.days.into())) }
                            td { (share(&horizon.with_task)) }
                            td { (share(&horizon.held_out)) }
                            td title=(unfinished(row, horizon, language)) { (kept(&horizon.comparison, language)) }
                        }
                    } } }
                } }
                p.hint { (say("uplift_hint")) }
            }
        }
    }
}

/// So many left of so many who were followed to the end.
fn share(fates: &Fates) -> String {
    format!("{} / {}", fates.left, fates.followed())
}

/// How many of 100 stay because of a task, or that nothing can be said yet.
fn kept(comparison: &Comparison, language: Language) -> String {
    match comparison.difference {
        Some(difference) if comparison.verdict != Verdict::TooFew => {
            let [value, low, high] =
                [difference.value, difference.low, difference.high].map(|part| 100.0 * part);
            format!("{value:.1} ({low:.1} … {high:.1})")
        }
        _ => language.say("uplift_too_few").to_owned(),
    }
}

/// Who is in neither share.
fn unfinished(row: &UpliftRow, horizon: &UpliftHorizon, language: Language) -> String {
    let (with_task, held_out) = (&horizon.with_task, &horizon.held_out);
    let dropped = with_task.dropped.saturating_add(held_out.dropped);
    let known = [with_task.followed(), held_out.followed(), dropped];
    let known = known.into_iter().fold(0, u64::saturating_add);
    let unfinished = row
        .with_task
        .saturating_add(row.held_out)
        .saturating_sub(known);
    language.fill(
        "uplift_others",
        &[&unfinished.to_string(), &dropped.to_string()],
    )
}
