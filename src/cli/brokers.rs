//! Before any worker is started: what the brokers say of the topics, and a schema registry of the schemas.

use super::failure::Failure;
use super::signals::Signals;
use crate::config::Config;
use crate::health::Health;
use crate::kafka::Refusal;
use crate::telemetry::troubles;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::info;

/// Pauses between two looks at a cluster that does not answer: the first, doubled up to the last.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LAST: Duration = Duration::from_secs(15);
/// How often a sign of life is given meanwhile.
const BEAT: Duration = Duration::from_secs(1);

/// Who is asked before the start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    Brokers,
    Registry,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Brokers => "brokers",
            Self::Registry => "schema registry",
        }
    }

    fn answers(self) -> &'static str {
        match self {
            Self::Brokers => "the brokers answer",
            Self::Registry => "the schema registry answers",
        }
    }

    /// In the log.
    fn trouble(self) -> &'static str {
        match self {
            Self::Brokers => troubles::BROKERS,
            Self::Registry => "registry",
        }
    }
}

/// Asks, and again as long as nobody answers. Returns none if the process is to end.
///
/// # Errors
/// What no waiting mends.
pub(super) async fn wait<T: Send + 'static>(
    asked: Asked,
    config: &Config,
    health: &Health,
    signals: &mut Signals,
    ask: fn(&Config) -> Result<T, Refusal>,
) -> Result<Option<T>, Failure> {
    let name = asked.name();
    let mut reason = match asked {
        Asked::Brokers => {
            let bootstrap = &config.kafka.bootstrap;
            info!(bootstrap, "asking the brokers for the topics");
            "the brokers are asked for the topics".to_owned()
        }
        Asked::Registry => "the schema registry is asked for the schemas".to_owned(),
    };
    let mut pause = PAUSE_FIRST;
    loop {
        let looking = beating(look(name, config.clone(), ask), health, &reason);
        let found = tokio::select! {
            found = looking => found?,
            name = signals.next() => return Ok(ended(name)),
        };
        match found {
            Ok(found) => {
                troubles::over(asked.trouble(), asked.answers());
                health.waits(None);
                return Ok(Some(found));
            }
            Err(Refusal { problems, away }) if away => reason = problems.join("; "),
            Err(refusal) => return Err(Failure::Failed(refusal.problems.join("\nerror: "))),
        }
        troubles::warn(
            asked.trouble(),
            &format!("waiting for the {name}: {reason}"),
        );
        tokio::select! {
            () = beating(tokio::time::sleep(pause), health, &reason) => {}
            name = signals.next() => return Ok(ended(name)),
        }
        pause = PAUSE_LAST.min(pause * 2);
    }
}

fn ended<T>(signal: &str) -> Option<T> {
    info!("{signal}: nothing was begun yet");
    None
}

/// Asks on a thread that nobody waits for when the process is to end.
async fn look<T: Send + 'static>(
    name: &'static str,
    config: Config,
    ask: fn(&Config) -> Result<T, Refusal>,
) -> Result<Result<T, Refusal>, Failure> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let failed = |reason: String| Failure::Failed(format!("cannot ask the {name}: {reason}"));
    thread
        .spawn(move || tell.send(ask(&config)))
        .map_err(|error| failed(error.to_string()))?;
    told.await.map_err(|error| failed(error.to_string()))
}

/// Gives signs of life until something is done, and says what is waited for.
async fn beating<T>(work: impl Future<Output = T>, health: &Health, reason: &str) -> T {
    let mut work = std::pin::pin!(work);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = beat.tick() => {
                health.waits(Some(reason.to_owned()));
                troubles::summarize();
            }
        }
    }
}
