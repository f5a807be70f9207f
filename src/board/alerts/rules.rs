//! Who is told of what.

use super::alert::Alert;
use crate::config::{AlertRule, AlertSettings};
use std::collections::BTreeSet;

/// The receivers of an alert, by their places among the names of the configuration.
pub fn receivers_of(settings: &AlertSettings, alert: &Alert) -> BTreeSet<usize> {
    let matching = settings.rules.iter().filter(|rule| matches(rule, alert));
    let names = matching.flat_map(|rule| &rule.receivers);
    names
        .filter_map(|name| settings.receivers.keys().position(|known| known == name))
        .collect()
}

fn matches(rule: &AlertRule, alert: &Alert) -> bool {
    let has =
        |list: &[String], name: &str| list.is_empty() || list.iter().any(|known| known == name);
    let lies_in = |region: &String| {
        let below = alert.region.strip_prefix(region.as_str());
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    has(&rule.alerts, alert.kind.name())
        && has(&rule.tiers, &alert.tier)
        && has(&rule.purposes, &alert.purpose)
        && has(&rule.severities, &alert.severity)
        && has(&rule.managers, &alert.manager)
        && has(&rule.queues, &alert.queue)
        && (rule.regions.is_empty() || rule.regions.iter().any(lies_in))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::alerts::alert::tests::alert;

    #[test]
    fn every_list_of_a_rule_counts_and_an_empty_one_is_any() {
        let alert = alert(1);
        let rule = |change: &dyn Fn(&mut AlertRule)| {
            let mut rule = AlertRule::default();
            change(&mut rule);
            matches(&rule, &alert)
        };
        let list = |name: &str| vec!["other".to_owned(), name.to_owned()];
        assert!(rule(&|_| ()));
        assert!(rule(&|rule| rule.tiers = list("key")));
        assert!(!rule(&|rule| rule.tiers = list("small")));
        assert!(!rule(&|rule| rule.alerts = list("overdue")));
        assert!(!rule(&|rule| rule.managers = list("AM-1")));
        assert!(rule(
            &|rule| (rule.managers, rule.queues) = (list("AM-17"), list("key-accounts"))
        ));
        assert!(!rule(
            &|rule| (rule.managers, rule.queues) = (list("AM-17"), list("other-queue"))
        ));
        assert!(!rule(&|rule| rule.purposes = list("care")));
        assert!(!rule(&|rule| rule.severities = list("early")));
        assert!(rule(&|rule| rule.regions = list("HQ/广东")));
        assert!(!rule(&|rule| rule.regions = list("HQ/广")));
    }
}
