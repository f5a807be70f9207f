//! The whole configuration, put together from its layers.

use super::board::{self, BoardSettings};
use super::output::{self, OutputSettings};
use super::registry::{self, RegistrySettings};
use super::route::{self, RouteSettings};
use super::ruleset::Ruleset;
use super::settings::{
    self, HttpSettings, KafkaSettings, LogSettings, PROPERTIES, RunSettings, SHADOW_SIGNALS,
    ShadowSettings, StateSettings, TopicSettings, UPLIFT,
};
use super::{country, environment, forms, rules, shadow};
use crate::decode::{DecodeSettings, Decoder};
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::layers::{Document, Key, Layers, Problems, Schema};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use toml::Table;

pub(super) const SCHEMA: Schema = Schema {
    subject: "configuration",
    printed_by: "churnwatch config",
    open: &[
        PROPERTIES,
        "board.alerts.receivers",
        "board.alerts.receivers.*",
        "board.users",
        "operator.numbers",
        "policy.capacity.managers",
        "policy.capacity.managers.*",
        "policy.capacity.queues",
        "policy.capacity.queues.*",
        "policy.credit.brand_points",
        "policy.score.triggers",
        "policy.playbook",
        "policy.talk",
    ],
    dotted: &[PROPERTIES],
};

/// Everything an operator can set, checked.
#[derive(Clone)]
pub struct Config {
    /// `[kafka]`
    pub kafka: KafkaSettings,
    /// `[topics]`
    pub topics: TopicSettings,
    /// `[output]`
    pub output: OutputSettings,
    /// `[run]`
    pub run: RunSettings,
    /// `[route]`
    pub route: RouteSettings,
    /// `[registry]`
    pub registry: RegistrySettings,
    /// `[state]`
    pub state: StateSettings,
    /// `[http]`
    pub http: HttpSettings,
    /// `[board]`
    pub board: BoardSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[shadow]`; the rules themselves are part of `rules`.
    pub shadow: ShadowSettings,
    /// All sections that decide what the engine does.
    pub rules: Arc<Rules>,
    /// `[decode]`, ready for use.
    pub decoder: Decoder,
    /// All that decides what becomes of a record, as text.
    ruleset_text: Arc<str>,
}

impl Config {
    /// The defaults, the file over them if one is named, and the process's environment over both.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn load(path: Option<&Path>) -> Result<Self, Problems> {
        Self::load_with(path, std::env::vars_os())
    }

    /// Like [`Config::load`], with the environment given.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn load_with(
        path: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Problems> {
        let mut layers = Layers::new(&SCHEMA, &reference());
        if let Some(path) = path {
            layers.file(path);
        }
        environment::overlay(&mut layers, environment);
        Self::assemble(layers, None)
    }

    /// The defaults, and a file's text over them; `name` stands for the file in errors.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn from_toml_str(text: &str, name: &str) -> Result<Self, Problems> {
        let mut layers = Layers::new(&SCHEMA, &reference());
        layers.text(text, name);
        Self::assemble(layers, None)
    }

    /// Like [`Config::from_toml_str`], of the text of a [`Ruleset`], which has the shadow rules themselves in it.
    fn from_journal(text: &str, name: &str) -> Result<Self, Problems> {
        let mut layers = Layers::new(&SCHEMA, &reference());
        let trial = match Document::parse(text, name) {
            Ok(mut document) => {
                let trial = document.take(shadow::NAME);
                country::renew(document.table_mut());
                layers.document(document);
                trial
            }
            Err(problems) => {
                layers.extend(problems);
                None
            }
        };
        Self::assemble(layers, trial)
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// None, unless the program was built with a fault in its defaults.
    pub fn embedded() -> Result<Self, Problems> {
        Self::assemble(Layers::new(&SCHEMA, &reference()), None)
    }

    /// The topics that are written for others, by their keys. The topic of shadow signals is among them only if there
    /// are shadow rules, and that of what tasks achieve only if somebody is held out.
    pub fn outputs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let outputs = self.topics.outputs().into_iter();
        outputs.filter(|(key, _)| match *key {
            SHADOW_SIGNALS => self.rules.shadow.is_some(),
            UPLIFT => self.rules.policy.hold_out.is_used(),
            _ => true,
        })
    }

    /// The configuration of clients that route: with a group and transactional ids of their own.
    pub fn of_route(&self) -> Self {
        let mut config = self.clone();
        // Its default is named after the group.
        config.topics.journal = self.topics.journal(&self.kafka.group);
        config.kafka.group.clone_from(&self.route.group);
        config.run.transactional_id_prefix += "-route";
        config
    }

    /// Whether this is the configuration of clients that route.
    pub fn is_of_route(&self) -> bool {
        self.kafka.group == self.route.group
    }

    /// Whether `run` routes as well.
    pub fn routes_in_run(&self) -> bool {
        self.route.in_run && !self.route.sources.is_empty()
    }

    /// What decides what becomes of a record, in the form that the journal keeps.
    pub fn ruleset(&self) -> Ruleset {
        Ruleset::new(&self.ruleset_text, &self.rules, &self.decoder)
    }

    /// `trial`: the shadow rules themselves, where no file says them.
    fn assemble(mut layers: Layers, trial: Option<Table>) -> Result<Self, Problems> {
        country::choose(&mut layers);
        forms::check(&mut layers);
        layers.check_ranges();
        let kafka = settings::kafka(&mut layers);
        let topics = settings::topics(&mut layers, kafka.as_ref());
        let run = settings::run(&mut layers, kafka.as_ref());
        let route = route::route(&mut layers, kafka.as_ref(), topics.as_ref());
        let state = settings::state(&mut layers);
        let http: Option<HttpSettings> = layers.read("http");
        let registry = registry::registry(&mut layers, http.as_ref());
        let output = output::output(&mut layers, registry.as_ref());
        let board = board::board(&mut layers);
        let log = settings::log(&mut layers);
        let decoder = settings::decoder(&mut layers);
        if decoder.is_some() {
            country::keep_own_operators(&mut layers);
        }
        let mut rules = rules::build(&mut layers, decoder.as_ref());
        let shadow = layers.read("shadow");
        let mut beside = shadow::layers(&layers, shadow.as_ref(), trial);
        if let (Some(beside), Some(rules), true) = (&mut beside, &mut rules, layers.is_clean()) {
            rules.shadow = rules::build(beside, decoder.as_ref()).map(Arc::new);
        }
        let ruleset_text = rules::text(&mut layers, beside.as_ref());
        if let Some(beside) = beside {
            layers.absorb(beside);
        }
        let config = || {
            Some(Self {
                kafka: kafka?,
                topics: topics?,
                output: output?,
                run: run?,
                route: route?,
                registry: registry?,
                state: state?,
                http: http?,
                board: board?,
                log: log?,
                shadow: shadow?,
                rules: Arc::new(rules?),
                decoder: decoder?,
                ruleset_text: ruleset_text?,
            })
        };
        // What is `None` has noted why.
        match config() {
            Some(config) if layers.is_clean() => Ok(config),
            _ => Err(layers.into_problems()),
        }
    }
}

impl Ruleset {
    /// Reads the text of a ruleset back; `name` says in errors where it was found.
    ///
    /// # Errors
    /// All that is wrong with it, such as keys of a newer version of the program.
    pub fn parse(text: &str, name: &str) -> Result<Self, Problems> {
        Config::from_journal(text, name).map(|config| config.ruleset())
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("kafka", &self.kafka)
            .field("topics", &self.topics)
            .field("run", &self.run)
            .field("state", &self.state)
            .field("http", &self.http)
            .field("board", &self.board.listen)
            .field("log", &self.log)
            .field("rules", &self.rules.version)
            .finish()
    }
}

/// The ends of a number's range, by its dotted key.
pub fn range(key: &str) -> Option<(f64, f64)> {
    Layers::new(&SCHEMA, &reference()).range(&Key::of(key))
}

/// Every key with its default and its explanation, as TOML: what `churnwatch config` prints.
pub fn reference() -> String {
    // The text ends with the head of [policy.score.triggers].
    let mut defaults = include_str!("defaults.toml").to_owned();
    for trigger in REGISTRY {
        if let Some(weight) = trigger.weight {
            let (name, days) = (trigger.name, weight.half_life_days);
            let weight = weight.weight;
            defaults += &format!("{name} = {{ weight = {weight:?}, half_life_days = {days:?} }}\n");
        }
    }
    let mut text = [
        &defaults,
        "[decode]",
        DecodeSettings::DEFAULTS,
        include_str!("words.toml"),
    ]
    .map(str::trim_end)
    .join("\n\n");
    for trigger in REGISTRY {
        text += &format!(
            "\n\n[triggers.{}]\n{}",
            trigger.name,
            trigger.defaults.trim()
        );
    }
    text + "\n"
}
