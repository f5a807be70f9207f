//! `churnwatch demo`: a simulated city, a broker in this process, the detector as `run` starts it, and a live view.

mod clerks;
mod feeder;
mod outputs;
mod scale;
mod screen;
mod state;
mod summary;
mod verdict;
mod view;
mod weekly;

use crate::board::{Board, BoardError};
use crate::config::Config;
use crate::health::Health;
use crate::http::{HttpError, Server};
use crate::kafka::{Cluster, EmbeddedBroker, Loader};
use crate::runtime::{Pool, Setup, Stop, clock};
use crate::sim::{City, CityConfig};
use crate::telemetry::Telemetry;
use clerks::Clerks;
use feeder::CityFeeder;
use outputs::OutputReader;
use scale::PARTITIONS;
use screen::Screen;
use state::ViewState;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(200);
/// The detector may take this long to read the last records.
const LAST_RECORDS: Duration = Duration::from_secs(60);
/// Where the metrics listen if nothing else is asked for.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);

/// What the demo shows.
#[derive(Debug, Clone)]
pub struct Options {
    /// Subscribers of the city.
    pub subscribers: u32,
    /// Days it lives.
    pub days: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Shortest time for a day after the warm-up, in seconds.
    pub day_seconds: f64,
    /// Where the metrics listen; without one, at the usual port or a free one.
    pub listen: Option<SocketAddr>,
}

/// Runs until the city's days are over or `stop` is asked.
///
/// # Errors
/// What could not be started or went wrong, for a person.
pub fn run(options: &Options, stop: &Stop) -> Result<(), String> {
    let defaults = Config::embedded().map_err(text)?;
    let broker = EmbeddedBroker::start(&defaults, PARTITIONS)?;
    let mut config = configure(&broker)?;
    let telemetry = Telemetry::new().map_err(text)?;
    telemetry.set_rules_version(&config.rules.version);
    let stalled = config.http.stalled_seconds;
    let health = Health::new(config.run.workers.into(), stalled, clock::monotonic_ms);
    let (server, notice) = serve(&mut config, options.listen, &telemetry, &health)?;
    let board = serve_board(&mut config)?;
    let page = format!("http://{}/", board.address());
    let mut state = ViewState {
        city: options.subscribers,
        days: options.days,
        notice,
        // The most useful one first.
        addresses: vec![
            ("board, on which people see and answer tasks:", page.clone()),
            ("Kafka broker for any client:", broker.bootstrap()),
            ("metrics:", format!("http://{}/metrics", server.address())),
        ],
        ..ViewState::default()
    };
    let Ok(mut screen) = Screen::open(&state) else {
        // Nobody is there to show anything to.
        return Ok(());
    };
    let fed = live(
        options,
        &config,
        &telemetry,
        &health,
        &mut state,
        &mut screen,
        stop,
    );
    screen.close();
    // Nobody reads on: the demo is over all the same.
    let _ = screen::print(&fed?);
    if std::io::stdout().is_terminal() && !stop.asked() {
        let _ = screen::print(&format!("The board stays at {page} until Ctrl-C.\n"));
        while !stop.wait(FRAME) {}
    }
    Ok(())
}

/// Starts the board, at any free port if the usual one is taken.
fn serve_board(config: &mut Config) -> Result<Board, String> {
    match Board::start(config, true) {
        Err(BoardError::Server(HttpError::Bind { .. })) => {
            config.board.listen.set_port(0);
            config.board.metrics_listen.set_port(0);
            Board::start(config, true).map_err(text)
        }
        board => board.map_err(text),
    }
}

/// Starts the pages. If the usual port is taken, any free one will do; the second value says so.
fn serve(
    config: &mut Config,
    wanted: Option<SocketAddr>,
    telemetry: &Telemetry,
    health: &Health,
) -> Result<(Server, Option<String>), String> {
    config.http.listen = wanted.unwrap_or(LISTEN);
    let start = |config: &Config| Server::start(&config.http, telemetry.clone(), health.clone());
    match start(config) {
        Err(HttpError::Bind { address, .. }) if wanted.is_none() => {
            config.http.listen.set_port(0);
            let server = start(config).map_err(text)?;
            let notice = format!("{address} is in use; the metrics are at a free port instead");
            Ok((server, Some(notice)))
        }
        server => Ok((server.map_err(text)?, None)),
    }
}

/// The city lives, the detector reads, the screen shows. Returns the summary.
fn live(
    options: &Options,
    config: &Config,
    telemetry: &Telemetry,
    health: &Health,
    state: &mut ViewState,
    screen: &mut Screen,
    stop: &Stop,
) -> Result<String, String> {
    let city = CityConfig::new(options.subscribers, options.days, options.seed);
    let start = city.start;
    let city = City::new(city).map_err(text)?;
    let mut outputs = OutputReader::open(config, telemetry.clone())?;
    let day = Arc::new(AtomicU32::new(0));
    let feeder = CityFeeder {
        clerks: Clerks::open(config, &city)?,
        city,
        loader: Loader::new(config)?,
        day_seconds: options.day_seconds,
        day: Arc::clone(&day),
    };
    let workers = Stop::default();
    let cluster = Cluster {
        partitions: PARTITIONS,
        ..Cluster::default()
    };
    let setup = Setup::new(config.clone(), telemetry.clone(), cluster);
    let pool = Pool::start(setup, health, &workers).map_err(text)?;
    let watch = clock::Stopwatch::start();
    let fed = std::thread::scope(|threads| {
        let feeder = threads.spawn(|| feeder.run(config, telemetry, stop));
        let mut rate = Rate::default();
        while !feeder.is_finished() && !pool.finished() {
            let changed = outputs.update(state, FRAME);
            state.day = day.load(Ordering::Relaxed);
            state.date = (start + state.day as i32 - 1).to_string();
            state.events_per_second = rate.of(state.events, watch.elapsed());
            if screen.show(state, &changed) {
                stop.ask();
            }
        }
        if pool.finished() {
            stop.ask();
        }
        feeder
            .join()
            .unwrap_or_else(|_| Err("the simulated city ended unexpectedly".to_owned()))
    });
    let fed = match fed {
        Ok(fed) => fed,
        Err(problem) => {
            workers.ask();
            return Err(pool.join().err().unwrap_or(problem));
        }
    };
    let last = clock::Stopwatch::start();
    while telemetry.counts().records < fed.sent && !pool.finished() && !last.reached(LAST_RECORDS) {
        outputs.update(state, FRAME);
    }
    workers.ask();
    pool.join()?;
    outputs.update(state, FRAME);
    Ok(summary::text(
        state,
        &telemetry.counts(),
        &fed,
        watch.elapsed(),
    ))
}

/// The defaults, but for what a demo needs.
fn configure(broker: &EmbeddedBroker) -> Result<Config, String> {
    // Short transactions: a second of the demo is most of a day, and people answer within hours. One worker is enough for a city, and
    // has nobody to share partitions with.
    let text = format!(
        "[kafka]\nbootstrap = \"{}\"\n[window]\nclock = \"event\"\n[log]\nlevel = \"warn\"\n\
         [run]\nworkers = 1\nbatch_records_max = 1000\n[state]\nsnapshots = \"memory:\"\n[board]\nstore = \"\"\n",
        broker.bootstrap(),
    );
    Config::from_toml_str(&text, "the demo's configuration").map_err(self::text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Records a second, over about the last second.
#[derive(Default)]
struct Rate {
    since: Duration,
    records: u64,
    shown: u64,
}

impl Rate {
    fn of(&mut self, records: u64, at: Duration) -> u64 {
        let seconds = at.saturating_sub(self.since).as_secs_f64();
        if seconds >= 1.0 {
            self.shown = ((records - self.records) as f64 / seconds) as u64;
            (self.since, self.records) = (at, records);
        }
        self.shown
    }
}
