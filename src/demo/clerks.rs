use super::scale::PARTITIONS;
use crate::config::Config;
use crate::kafka::{Delivery, Loader, Tail};
use crate::model::{Feed, Timestamp};
use crate::sim::{AccountManagers, City, Hindsight, SimError, Truth};
use serde_json::Value;

/// The people who work on the tasks, as simulated as the city. They read the tasks' topic as any client would, and report
/// to the outcomes' topic.
pub struct Clerks {
    managers: AccountManagers,
    tasks: Tail,
    topic: String,
}

impl Clerks {
    /// People who work for a city's operator.
    ///
    /// # Errors
    /// What the client says about its properties.
    pub fn open(config: &Config, city: &City) -> Result<Self, String> {
        let known = city.config();
        let managers = AccountManagers::new(&known.scenario, &known.time_zone, known.seed);
        let mut managers = managers.map_err(|error: SimError| error.to_string())?;
        managers.set_quiet_hours(config.rules.policy.quiet.clone());
        Ok(Self {
            managers,
            tasks: Tail::open(config, &[&config.topics.tasks], PARTITIONS)?,
            topic: config.topics.of(Feed::Outcome).to_owned(),
        })
    }

    /// What the people they call have made up their minds to do.
    pub fn set_truth(&mut self, truth: &[Truth]) {
        self.managers.set_truth(truth);
    }

    /// Takes note of the tasks published since, and reports what has come of them up to a moment. Returns the records sent.
    ///
    /// # Errors
    /// What the broker refuses.
    pub fn work(&mut self, until: Timestamp, loader: &Loader) -> Result<u64, String> {
        let Self {
            managers,
            tasks,
            topic,
        } = self;
        tasks.drain(std::time::Duration::ZERO, |_, record| {
            // The detector publishes tasks only.
            let _ = managers.receive_record(record);
        });
        let mut sent = 0;
        while let Some(answer) = managers.next_until(until) {
            let to = Delivery::Keyed(answer.msisdn.as_bytes());
            loader.send(topic, PARTITIONS, to, Some(answer.json.as_bytes()))?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Says of the outcomes what the mediation says of the service feed: people without a report would otherwise hold back
    /// every night. Returns the records sent.
    ///
    /// # Errors
    /// What the broker refuses.
    pub fn state_progress(&self, statement: &[u8], loader: &Loader) -> Result<u64, String> {
        let Ok(mut statement) = serde_json::from_slice::<Value>(statement) else {
            return Ok(0);
        };
        if statement["feed"] != Feed::Service.name() {
            return Ok(0);
        }
        statement["feed"] = Feed::Outcome.name().into();
        let statement = statement.to_string();
        for partition in 0..PARTITIONS {
            let to = Delivery::Statement(partition);
            loader.send(&self.topic, PARTITIONS, to, Some(statement.as_bytes()))?;
        }
        Ok(u64::from(PARTITIONS.unsigned_abs()))
    }

    /// Whether the churn tasks of a period were right.
    pub fn hindsight(&self, from: Timestamp, until: Timestamp) -> Hindsight {
        self.managers.hindsight(from, until)
    }
}
