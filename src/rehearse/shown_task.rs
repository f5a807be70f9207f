//! A task as a person reads it.

use crate::model::{Calendar, Task, Text, Timestamp, Words};

/// A language of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// Columns before the text.
const INDENT: usize = 10;

/// The titles of the parts: who, why, by when, by whom, steps, talk.
const TITLES: [[&str; 2]; 6] = [
    ["Who", "客户"],
    ["Why", "原因"],
    ["By when", "期限"],
    ["By whom", "负责人"],
    ["Steps", "步骤"],
    ["Talk", "话术"],
];

/// Whom a task is about, why, by when, who acts, what to do and what to say, on lines of at most `width` columns.
pub fn shown(
    task: &Task,
    words: &Words,
    calendar: &Calendar,
    language: Language,
    width: usize,
) -> String {
    let in_language = |text: &Text| match language {
        Language::En => text.en.clone(),
        Language::Zh => text.zh.clone(),
    };
    let minute = |at: Timestamp| {
        let moment = calendar.rfc3339(at).replacen('T', " ", 1);
        moment.chars().take(16).collect::<String>()
    };
    let reasons = task.signals.iter().map(|signal| in_language(&signal.text));
    let steps = words.steps(task).into_iter().zip(1..);
    let steps = steps.map(|(step, number)| match language {
        Language::En => format!("{number}. {}", step.en),
        Language::Zh => format!("{number}. {}", step.zh),
    });
    let talk = words.talk(task).map(|talk| talk.parts());
    let talk = talk.into_iter().flatten();
    let parts = [
        vec![who(task, language)],
        reasons.collect(),
        vec![match language {
            Language::En => format!(
                "contact the customer from {} to {}",
                minute(task.not_before),
                minute(task.due_at)
            ),
            Language::Zh => format!(
                "{}起可联系，最迟{}前联系客户",
                minute(task.not_before),
                minute(task.due_at)
            ),
        }],
        vec![by_whom(task)],
        steps.collect(),
        talk.map(|(_, text)| in_language(text)).collect(),
    ];
    let mut shown = String::new();
    for (titles, lines) in TITLES.iter().zip(parts) {
        let mut title = titles[language as usize];
        for line in lines {
            shown += title;
            shown.extend(std::iter::repeat_n(
                ' ',
                INDENT - columns(title).min(INDENT),
            ));
            shown += &wrapped(&line, width);
            title = "";
        }
    }
    shown
}

fn who(task: &Task, language: Language) -> String {
    let (msisdn, severity) = (task.msisdn.as_str(), task.severity.name().replace('_', " "));
    let (tier, stage, stars) = (task.tier.name(), task.stage.name(), task.stars);
    let (value, score) = (task.monthly_value, task.churn_score);
    match language {
        Language::En => format!(
            "{msisdn}: {tier} customer, stars {stars}, {value} a month, stage {stage}; {severity}, score {score:.2}"
        ),
        Language::Zh => format!(
            "{msisdn}：{tier}，{stars}星，每月{value}元，生命周期{stage}；{severity}，得分{score:.2}"
        ),
    }
}

fn by_whom(task: &Task) -> String {
    let assignee = &task.assignee;
    let region: Vec<&str> = assignee.region.iter().map(|name| &**name).collect();
    let names = [
        assignee.account_manager.as_deref().unwrap_or_default(),
        &assignee.queue,
        &region.join("/"),
        task.action.channel.name(),
    ];
    let named = names.iter().filter(|name| !name.is_empty());
    named.copied().collect::<Vec<_>>().join(", ")
}

/// Text on lines of at most `width` columns, all but the first indented. Lines end at blanks, and between characters of double
/// width.
fn wrapped(text: &str, width: usize) -> String {
    let room = width.saturating_sub(INDENT).max(20);
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_inclusive(|c: char| c == ' ' || is_wide(c)) {
        if columns(&line) + columns(word.trim_end()) > room {
            lines += line.trim_end();
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', INDENT));
            line.clear();
        }
        line += word;
    }
    lines + line.trim_end() + "\n"
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(is_wide(c))).sum()
}

/// Chinese characters and punctuation, on two columns each.
fn is_wide(character: char) -> bool {
    ('\u{2e80}'..='\u{ffef}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_they_may_be() {
        let text = wrapped("one two three four five six seven", 24);
        assert_eq!(text, "one two three four\n          five six seven\n");
        let text = wrapped("了解竞争对手的条件，比较资费，推荐组合套餐", 30);
        assert_eq!(
            text,
            "了解竞争对手的条件，\n          比较资费，推荐组合套\n          餐\n"
        );
    }
}
