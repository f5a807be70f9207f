//! One churn task to show.

use crate::model::{Purpose, Task, TaskStatus};

/// The churn task with the most reasons; of equal ones the first with an account manager, else the first.
#[derive(Default)]
pub struct SampleTask(Option<Task>);

impl SampleTask {
    /// Keeps a published task if it is better to show than the last one.
    pub fn consider(&mut self, task: &Task) {
        let worth = |task: &Task| (task.signals.len(), task.assignee.account_manager.is_some());
        let open = task.status != TaskStatus::Closed && task.purpose == Purpose::Churn;
        if open && self.0.as_ref().is_none_or(|best| worth(best) < worth(task)) {
            self.0 = Some(task.clone());
        }
    }

    /// The task to show, if there was any.
    pub fn into_task(self) -> Option<Task> {
        self.0
    }
}

/// Compact JSON on indented lines, with its fields in the same order.
pub fn pretty(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(next) = rest.next() {
        if quoted {
            text.push(next);
            quoted = next != '"' || escaped;
            escaped = next == '\\' && !escaped;
            continue;
        }
        let line = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        };
        match next {
            '{' | '[' => {
                text.push(next);
                if let Some(end) = rest.next_if(|end| matches!(end, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut text, depth);
                text.push(next);
            }
            ',' => {
                text.push(next);
                line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                quoted = next == '"';
                text.push(next);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_json_is_what_the_library_makes_of_it() {
        let json = r#"{"a":[],"b":{},"c":[1,"x{,:\"]\\",{"d":null}],"e":{"f":"中文"}}"#;
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(pretty(json), serde_json::to_string_pretty(&value).unwrap());
    }
}
