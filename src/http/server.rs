use super::pages;
use crate::config::HttpSettings;
use crate::health::Health;
use crate::telemetry::Telemetry;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Time for answers under way when the server stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept; out of file handles, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HEADERS_MAX: usize = 64;

/// The admin server on its own thread. Stops when dropped.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// Why the admin server could not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be had.
    #[error(
        "cannot listen on {address}: {error}; free the address or choose another: `listen` in [http], or --listen of the demo"
    )]
    Bind {
        /// The address wanted.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The system refuses a thread, or what the runtime needs.
    #[error("cannot start the admin server: {0}")]
    Start(io::Error),
}

impl Server {
    /// Starts to serve.
    ///
    /// # Errors
    /// If the address is taken or not ours, or the thread cannot be started.
    pub fn start(
        settings: &HttpSettings,
        telemetry: Telemetry,
        health: Health,
    ) -> Result<Self, HttpError> {
        let bind = |error| HttpError::Bind {
            address: settings.listen,
            error,
        };
        let listener = TcpListener::bind(settings.listen).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        listener.set_nonblocking(true).map_err(HttpError::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(HttpError::Start)?;
        let (stop, stopped) = watch::channel(false);
        let limits = Limits::new(settings);
        let router = pages::router(telemetry, health, settings.hosts.clone());
        let serve = move || {
            if let Err(error) = runtime.block_on(serve(listener, limits, router, stopped)) {
                tracing::error!(%error, "the admin server has ended");
            }
        };
        let thread = std::thread::Builder::new().name("http".into()).spawn(serve);
        Ok(Self {
            address,
            stop,
            thread: Some(thread.map_err(HttpError::Start)?),
        })
    }

    /// The address it listens on, with the port the system chose for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// Accepts nothing more, and gives the answers under way a moment.
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the admin server has panicked");
        }
    }
}

struct Limits {
    http: http1::Builder,
    connections_max: usize,
    connection_life: Duration,
}

impl Limits {
    fn new(settings: &HttpSettings) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(settings.header_seconds.into()))
            .max_buf_size(settings.header_bytes_max.max(8192) as usize)
            .max_headers(HEADERS_MAX);
        Self {
            http,
            connections_max: settings.connections_max.into(),
            connection_life: Duration::from_secs(settings.connection_seconds.into()),
        }
    }
}

async fn serve(
    listener: TcpListener,
    limits: Limits,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let service = TowerToHyperService::new(router);
    let mut connections = JoinSet::new();
    let mut oldest: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = connections.join_next() => continue,
        };
        match stream {
            Ok((stream, _)) => {
                let http = limits.http.clone();
                let answer = connection(
                    http,
                    stream,
                    service.clone(),
                    limits.connection_life,
                    stopped.clone(),
                );
                // Clients that keep their connections must not keep whoever asks for our health out.
                oldest.retain(|connection| !connection.is_finished());
                if oldest.len() >= limits.connections_max
                    && let Some(connection) = oldest.pop_front()
                {
                    connection.abort();
                }
                oldest.push_back(connections.spawn(answer));
            }
            Err(error) => {
                tracing::warn!(%error, "the admin server cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done then is cut off.
    let _ = tokio::time::timeout(GRACE, rest).await;
    Ok(())
}

/// Serves one client until it leaves, breaks a limit, or its time is up.
async fn connection(
    http: http1::Builder,
    stream: TcpStream,
    service: TowerToHyperService<axum::Router>,
    life: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = tokio::time::sleep(life) => None,
        _ = stopped.wait_for(|stopped| *stopped) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an admin connection broke");
    }
}
