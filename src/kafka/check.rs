use super::brokers::Brokers;
use super::keying::{Keying, Scheme, conflicts};
use super::sample;
use super::topic_watch::changed;
use super::topics::Topics;
use crate::config::Config;
use crate::model::Feed;
use std::collections::{BTreeMap, BTreeSet};

/// Suggested where nothing says how many partitions there should be.
const PARTITIONS_SUGGESTED: i32 = 12;
/// Nothing in the journal may expire: what is no longer needed is deleted by `run`.
const JOURNAL_SETTINGS: [(&str, &str); 3] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
];
/// A restart reads again what came since the last snapshot, and the last but one if that is damaged. Twice as long must
/// pass before a compacted topic may drop records.
const COMPACTION_LAG_INTERVALS: u64 = 4;

/// What the brokers say about our topics, found fit to run on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Partitions of every input topic, which is the number of shards.
    pub partitions: i32,
    /// Whether there is a journal, so that the group may have run before.
    pub has_journal: bool,
    /// Output topics with as many partitions.
    pub aligned_outputs: BTreeSet<String>,
    /// How the feeds are keyed, as far as their last records show it.
    pub scheme: Scheme,
    /// What was found, a line each, for people.
    pub facts: Vec<String>,
}

/// Why `run` cannot start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Every problem, each with its remedy.
    pub problems: Vec<String>,
    /// The brokers did not answer. What is wrong may pass by itself; anything else needs an operator.
    pub away: bool,
}

/// Asks the brokers whether the topics are fit for `run`. Changes nothing.
///
/// # Errors
/// Every problem, each with its remedy.
pub fn connect(config: &Config) -> Result<Cluster, Vec<String>> {
    Survey::of(config, false).map_err(|refusal| refusal.problems)
}

/// Asks the brokers whether a topic exists that will be written from now on. `key` is where it is configured.
///
/// # Errors
/// The problem with its remedy.
pub fn writable(config: &Config, key: &str, topic: &str) -> Result<(), String> {
    let brokers = Brokers::new(config)?;
    match brokers.partitions(topic)? {
        Some(_) => Ok(()),
        None => {
            let feeds = brokers.partitions(config.topics.of(Feed::Cdr))?;
            Err(no_such_topic(config, key, topic, feeds))
        }
    }
}

impl Cluster {
    /// Looks at the topics. All must exist, and the feeds' topics must have the same number of partitions, because a
    /// subscriber's records must lie in the same partition of each. The journal is created if it is missing.
    ///
    /// # Errors
    /// Every problem, each with its remedy.
    pub fn inspect(config: &Config) -> Result<Self, Refusal> {
        Survey::of(config, true)
    }
}

/// What has been found so far.
struct Survey<'c> {
    config: &'c Config,
    brokers: Brokers,
    /// The most that an input topic has.
    partitions: Option<i32>,
    /// How many the journal has, if there is one.
    journal: Option<i32>,
    aligned_outputs: BTreeSet<String>,
    scheme: Scheme,
    facts: Vec<String>,
    problems: Vec<String>,
}

impl<'c> Survey<'c> {
    /// Looks at everything; the journal is created if it is missing and `create` says so.
    fn of(config: &'c Config, create: bool) -> Result<Cluster, Refusal> {
        let refuse = |problems, away| Refusal { problems, away };
        let brokers = Brokers::new(config).map_err(|problem| refuse(vec![problem], false))?;
        let count = match brokers.count() {
            Ok(count) => count,
            Err(problem) => return Err(refuse(vec![problem], brokers.away())),
        };
        let bootstrap = &config.kafka.bootstrap;
        let mut survey = Self {
            config,
            brokers,
            partitions: None,
            journal: None,
            aligned_outputs: BTreeSet::new(),
            scheme: Scheme::default(),
            facts: vec![format!("brokers at {bootstrap}: {count} in the cluster")],
            problems: Vec::new(),
        };
        survey.topics();
        survey.journal(create);
        if !survey.problems.is_empty() {
            return Err(refuse(survey.problems, survey.brokers.away()));
        }
        Ok(Cluster {
            partitions: survey.partitions.unwrap_or(0),
            has_journal: survey.journal.is_some(),
            aligned_outputs: survey.aligned_outputs,
            scheme: survey.scheme,
            facts: survey.facts,
        })
    }

    /// The topics that belong to others: the feeds' topics, and those that we write.
    fn topics(&mut self) {
        let config = self.config;
        let (mut missing, mut counts) = (Vec::new(), Vec::new());
        for topic in Topics::new(config).iter() {
            match self.brokers.partitions(&topic.name) {
                Ok(Some(count)) => counts.push((topic.name.to_string(), count)),
                Ok(None) => missing.push((key_of(config, &topic.name), topic.name.to_string())),
                Err(problem) => self.problems.push(problem),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max();
        for (key, topic) in config.outputs() {
            match self.brokers.partitions(topic) {
                Ok(Some(count)) => {
                    let fact = format!("output topic {topic}: partitions: {count}");
                    self.facts.push(fact);
                    if most == Some(count) {
                        self.aligned_outputs.insert(topic.to_owned());
                    }
                }
                Ok(None) => missing.push((format!("topics.{key}"), topic.to_owned())),
                Err(problem) => self.problems.push(problem),
            }
        }
        for (key, topic) in missing {
            self.problems
                .push(no_such_topic(config, &key, &topic, most));
        }
        let journal = config.topics.journal(&config.kafka.group);
        match self.brokers.partitions(&journal) {
            Ok(count) => self.journal = count,
            Err(problem) => self.problems.push(problem),
        }
        let differ = |wanted: &i32| counts.iter().any(|(_, count)| count != wanted);
        if let Some(before) = self.journal.filter(differ) {
            self.problems.push(changed(&counts, &journal, before));
        } else if let Some(wanted) = usual(&counts).filter(differ) {
            self.problems.push(mismatch(&counts, wanted));
        }
        self.partitions = most;
        for (topic, count) in &counts {
            self.facts
                .push(format!("input topic {topic}: partitions: {count}"));
            self.compaction(topic);
        }
        self.keys();
    }

    /// Whether a subscriber's records meet: in all feeds, the last records are keyed alike.
    fn keys(&mut self) {
        let partitions = self.partitions.unwrap_or(0);
        if partitions < 2 || !self.problems.is_empty() || !self.config.decoder.checks_keys() {
            return;
        }
        let keyings = match sample::keyings(self.config, &self.brokers, partitions) {
            Ok(keyings) => keyings,
            Err(problem) => return self.problems.push(problem),
        };
        let topics = Topics::new(self.config);
        let all: Vec<(&str, &Keying)> = topics
            .iter()
            .filter_map(|topic| Some((&*topic.name, keyings.get(&*topic.name)?)))
            .collect();
        self.problems.extend(conflicts(&all));
        for (topic, keying) in all {
            self.scheme.learn(keying);
            let partitioner = match keying.partitioner() {
                Some(partitioner) => format!("keys are hashed by {}", partitioner.name()),
                None if keying.is_unknown() => {
                    self.facts.push(format!(
                        "warning: topic {topic}: none of the known partitioners puts its records where they lie, so it \
                         cannot be checked whether the feeds agree"
                    ));
                    continue;
                }
                None => "too few keys to tell their partitioner".to_owned(),
            };
            let form = keying.form().map_or(String::new(), |form| {
                format!(", numbers are {}", form.name())
            });
            let seen = match keying.seen() {
                1 => "1 key".to_owned(),
                seen => format!("{seen} keys"),
            };
            self.facts.push(format!(
                "input topic {topic}: {partitioner}{form} ({seen} looked at)"
            ));
        }
    }

    /// A compacted topic must keep what a restart may have to read again.
    fn compaction(&mut self, topic: &str) {
        let Some(settings) = self.settings(topic) else {
            return;
        };
        let setting = |key: &str| settings.get(key).map_or("", String::as_str);
        if !setting("cleanup.policy").contains("compact") {
            return;
        }
        let interval_seconds = u64::from(self.config.state.snapshot_interval_seconds);
        let needed_ms = COMPACTION_LAG_INTERVALS * interval_seconds * 1000;
        let stated = setting("min.compaction.lag.ms");
        if stated
            .parse::<u64>()
            .is_ok_and(|lag_ms| lag_ms >= needed_ms)
        {
            return;
        }
        self.problems.push(format!(
            "topic `{topic}` is compacted, and its min.compaction.lag.ms is {stated}: records would vanish that a \
             restart has to read again; {COMPACTION_LAG_INTERVALS} times state.snapshot_interval_seconds is needed: {}",
            configs_command(
                self.config,
                topic,
                &[("min.compaction.lag.ms", &needed_ms.to_string())]
            )
        ));
    }

    /// The state's journal.
    fn journal(&mut self, create: bool) {
        let config = self.config;
        let topic = config.topics.journal(&config.kafka.group);
        // Unless the inputs are sound, nobody can say what the journal should be.
        let Some(partitions) = self.partitions.filter(|_| self.problems.is_empty()) else {
            return;
        };
        if self.journal.is_none() && !create {
            return self.facts.push(format!(
                "journal topic {topic}: does not exist; `run` creates it with partitions: {partitions}"
            ));
        }
        if self.journal.is_none()
            && let Err(reason) = self.brokers.create(&topic, partitions, &JOURNAL_SETTINGS)
        {
            return self.problems.push(format!(
                "topic `{topic}` (topics.journal) does not exist and cannot be created ({reason}); create it: {}",
                create_command(config, &topic, partitions, &JOURNAL_SETTINGS)
            ));
        }
        self.facts.push(format!(
            "journal topic {topic}: partitions: {}",
            self.journal.unwrap_or(partitions)
        ));
        let Some(settings) = self.settings(&topic) else {
            return;
        };
        for (key, needed) in JOURNAL_SETTINGS {
            let stated = settings.get(key).map_or("", String::as_str);
            if stated != needed {
                self.problems.push(format!(
                    "topic `{topic}` (topics.journal) has {key}={stated}, but a journal that loses entries cannot \
                     restore the state; set {key}={needed}: {}",
                    configs_command(config, &topic, &[(key, needed)])
                ));
            }
        }
    }

    /// A topic's settings, if the brokers tell them.
    fn settings(&mut self, topic: &str) -> Option<BTreeMap<String, String>> {
        match self.brokers.settings(topic) {
            Ok(Some(settings)) => return Some(settings),
            Ok(None) => self.facts.push(format!(
                "warning: topic {topic}: this user may not see its settings (operation DescribeConfigs), so retention \
                 and compaction are not checked"
            )),
            Err(problem) => self.problems.push(problem),
        }
        None
    }
}

fn no_such_topic(config: &Config, key: &str, topic: &str, partitions: Option<i32>) -> String {
    let count = partitions.unwrap_or(PARTITIONS_SUGGESTED);
    format!(
        "topic `{topic}` ({key}) does not exist; create the topics: BOOTSTRAP={} PARTITIONS={count} \
         deploy/kafka-topics.sh; it shows the settings that each needs, for topics of other names too",
        config.kafka.bootstrap
    )
}

fn create_command(
    config: &Config,
    topic: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> String {
    let command = format!(
        "kafka-topics.sh --bootstrap-server {} --create --topic {topic} --partitions {partitions}",
        config.kafka.bootstrap
    );
    settings.iter().fold(command, |command, (key, value)| {
        format!("{command} --config {key}={value}")
    })
}

fn configs_command(config: &Config, topic: &str, settings: &[(&str, &str)]) -> String {
    let settings: Vec<String> = settings
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config {}",
        config.kafka.bootstrap,
        settings.join(",")
    )
}

/// What most topics have; of two numbers that are as frequent, the larger.
fn usual(counts: &[(String, i32)]) -> Option<i32> {
    let frequency = |wanted: i32| counts.iter().filter(|(_, count)| *count == wanted).count();
    let all = counts.iter().map(|(_, count)| *count);
    all.max_by_key(|count| (frequency(*count), *count))
}

fn mismatch(counts: &[(String, i32)], wanted: i32) -> String {
    let all: Vec<String> = counts
        .iter()
        .map(|(topic, count)| format!("{topic} has {count}"))
        .collect();
    let others: Vec<&str> = counts
        .iter()
        .filter(|(_, count)| *count != wanted)
        .map(|(topic, _)| topic.as_str())
        .collect();
    format!(
        "the input topics have different numbers of partitions ({}), but a subscriber's records must lie in the same \
         partition of every feed; create {} anew with {wanted} partitions, keyed by msisdn, and load the records again \
         (adding partitions would leave the records there in the wrong ones)",
        all.join(", "),
        others.join(", ")
    )
}

/// The configuration keys that name an input topic.
fn key_of(config: &Config, topic: &str) -> String {
    let keys: Vec<String> = Feed::ALL
        .into_iter()
        .filter(|feed| config.topics.of(*feed) == topic)
        .map(|feed| format!("topics.{}", feed.name()))
        .collect();
    keys.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_topics_counts_and_remedy() {
        let counts = [("cdr".to_owned(), 6), ("billing".to_owned(), 4)];
        let problem = mismatch(&counts, 6);
        for part in [
            "cdr has 6",
            "billing has 4",
            "create billing anew with 6 partitions",
        ] {
            assert!(problem.contains(part), "{problem}");
        }
        // The one that grew is the one that is wrong.
        let counts = [4, 4, 6, 4].map(|count| (format!("topic-{count}"), count));
        assert_eq!(usual(&counts), Some(4));
        let problem = mismatch(&counts, 4);
        assert!(problem.contains("create topic-6 anew with 4"), "{problem}");
    }

    #[test]
    fn shared_topics_name_all_their_keys() {
        let mut config = Config::embedded().unwrap();
        config.topics.service = config.topics.cdr.clone();
        assert_eq!(
            key_of(&config, &config.topics.cdr),
            "topics.cdr, topics.service"
        );
    }
}
