//! The board: people see tasks, take them and answer them.
//!
//! `feed` reads the topics into the `store`, `web` shows it and changes it, `courier` sends what people did. Nothing that a
//! person did lives in the store alone: answers go to the outcome feed, everything else to the board's own topic.

mod actions;
mod alerts;
mod courier;
mod desk;
mod feed;
mod people;
mod record;
mod session;
mod shared;
mod status;
mod store;
mod task;
mod web;
mod when;
mod words;

pub use people::{hash, secret};

use crate::config::Config;
use crate::http::{HttpError, Server, ServerSettings, metrics_page};
use crate::runtime::Stop;
use crate::telemetry::BoardTelemetry;
use alerts::{Figures, Herald, Means};
use courier::Courier;
use feed::Feed;
use record::Reader;
use session::Sessions;
use shared::Shared;
use status::Status;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use store::{Store, StoreError, Topics};
use tokio::sync::Semaphore;

/// Exports at a time.
const EXPORTS_MAX: usize = 4;
/// Time for a file that is being taken when its connection's life is over: a large one takes long on a slow line. A reader who
/// takes nothing is cut off sooner.
const FILE: Duration = Duration::from_secs(3_600);
/// Overviews worked out at a time.
const ROLLUPS_MAX: usize = 2;

/// The board at work. It ends when dropped.
pub struct Board {
    address: SocketAddr,
    /// Gone once the board ends: it serves no longer than the store is read and sent.
    server: Option<Server>,
    metrics: Server,
    stop: Stop,
    /// Ends first: what it writes down on leaving is sent yet.
    herald: Option<(Stop, JoinHandle<()>)>,
    threads: Vec<JoinHandle<()>>,
}

/// Why the board could not start.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The store cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be had.
    #[error(transparent)]
    Server(#[from] HttpError),
    /// The system refuses a thread, or randomness.
    #[error("cannot start the board: {0}")]
    System(String),
}

impl Board {
    /// Starts to read, to serve and to send. `by_events`: time is that of the records, as for recorded or simulated events.
    ///
    /// # Errors
    /// The store, the address or a thread cannot be had.
    pub fn start(config: &Config, by_events: bool) -> Result<Self, BoardError> {
        let name = secret().map_err(BoardError::System)?;
        let store = Store::open(&config.board.store, &name[..8])?;
        let topics = Topics::of(config);
        let status = Arc::new(Status::new(by_events));
        let stop = Stop::default();
        let telemetry =
            BoardTelemetry::new().map_err(|error| BoardError::System(error.to_string()))?;
        let figures = Arc::new(Figures::new(&config.board.alerts, telemetry.clone()));
        let shared = Arc::new(Shared {
            config: config.clone(),
            topics: topics.clone(),
            store: store.clone(),
            status: Arc::clone(&status),
            alerts: Arc::clone(&figures),
            telemetry: telemetry.clone(),
            sessions: Sessions::default(),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            rollups: Arc::new(Semaphore::new(ROLLUPS_MAX)),
        });
        let settings = ServerSettings {
            name: "board",
            key: "`listen` in [board]",
            listen: config.board.listen,
            connections_max: config.board.connections_max,
            answer: FILE,
            ..ServerSettings::of(&config.http)
        };
        let server = Server::serve(&settings, web::router(Arc::clone(&shared)))?;
        let settings = ServerSettings {
            name: "board-metrics",
            key: "`metrics_listen` in [board]",
            listen: config.board.metrics_listen,
            ..ServerSettings::of(&config.http)
        };
        let metrics = metrics_page(&config.http.hosts, move || shared.metrics());
        let metrics = Server::serve(&settings, metrics)?;
        let reader = Reader::new(config).map_err(BoardError::System)?;
        let feed = Feed {
            config: config.clone(),
            topics,
            store: store.clone(),
            status: Arc::clone(&status),
            telemetry,
            stop: stop.clone(),
        };
        let herald = Herald {
            means: Means {
                config: config.clone(),
                topics: Topics::of(config),
                store: store.clone(),
                status: Arc::clone(&status),
                figures,
            },
            stop: Stop::default(),
        };
        let courier = Courier {
            config: config.clone(),
            store,
            status,
            stop: stop.clone(),
        };
        let mut board = Self {
            address: server.address(),
            server: Some(server),
            metrics,
            stop,
            herald: None,
            threads: Vec::new(),
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let failed = |error: std::io::Error| BoardError::System(error.to_string());
        let started = thread("board-feed").spawn(move || feed.run(reader));
        board.threads.push(started.map_err(failed)?);
        let started = thread("board-courier").spawn(move || courier.run());
        board.threads.push(started.map_err(failed)?);
        if !config.board.alerts.receivers.is_empty() {
            let stop = herald.stop.clone();
            let started = thread("board-herald").spawn(move || herald.run());
            board.herald = Some((stop, started.map_err(failed)?));
        }
        Ok(board)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of its metrics.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics.address()
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.server = None;
        let ended = |thread: JoinHandle<()>| {
            if thread.join().is_err() {
                tracing::error!("a thread of the board has panicked");
            }
        };
        if let Some((stop, herald)) = self.herald.take() {
            stop.ask();
            ended(herald);
        }
        self.stop.ask();
        self.threads.drain(..).for_each(ended);
    }
}
