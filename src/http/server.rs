use crate::config::HttpSettings;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
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

/// Time for answers under way when the server stops, or when a connection's life is over.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept; out of file handles, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HEADERS_MAX: usize = 64;
/// Threads for what may wait for a disk; further work waits for them.
const BLOCKING_MAX: usize = 32;

/// A server on its own thread. Stops when dropped.
pub struct Server {
    name: &'static str,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// How a server serves.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// What it is called in logs.
    pub name: &'static str,
    /// Where its address is configured.
    pub key: &'static str,
    /// Address and port; port 0 for any free one.
    pub listen: SocketAddr,
    /// Connections at a time.
    pub connections_max: u16,
    /// Size of a request's header.
    pub header_bytes_max: u32,
    /// Time to send a request's header.
    pub header_seconds: u16,
    /// Life of a connection.
    pub connection_seconds: u16,
    /// Time for an answer under way when that is over.
    pub answer: Duration,
}

impl ServerSettings {
    /// Those of the admin pages.
    pub fn of(settings: &HttpSettings) -> Self {
        Self {
            name: "admin",
            key: "`listen` in [http], or --listen of the demo",
            listen: settings.listen,
            connections_max: settings.connections_max,
            header_bytes_max: settings.header_bytes_max,
            header_seconds: settings.header_seconds,
            connection_seconds: settings.connection_seconds,
            answer: GRACE,
        }
    }
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}; free the address or choose another: {key}")]
    Bind {
        /// The address wanted.
        address: SocketAddr,
        /// Where it is configured.
        key: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The system refuses a thread, or what the runtime needs.
    #[error("cannot start a server: {0}")]
    Start(io::Error),
}

impl Server {
    /// Starts to serve.
    ///
    /// # Errors
    /// If the address is taken or not ours, or the thread cannot be started.
    pub fn serve(settings: &ServerSettings, router: axum::Router) -> Result<Self, HttpError> {
        let name = settings.name;
        let bind = |error| HttpError::Bind {
            address: settings.listen,
            key: settings.key,
            error,
        };
        let listener = TcpListener::bind(settings.listen).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        listener.set_nonblocking(true).map_err(HttpError::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_MAX)
            .build();
        let runtime = runtime.map_err(HttpError::Start)?;
        let (stop, stopped) = watch::channel(false);
        let limits = Limits::new(settings);
        let serve = move || {
            if let Err(error) = runtime.block_on(serve(listener, limits, router, stopped)) {
                tracing::error!(server = name, %error, "a server has ended");
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(serve);
        Ok(Self {
            name,
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
            tracing::error!(server = self.name, "a server has panicked");
        }
    }
}

/// The address of whoever asks, among a request's extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

struct Limits {
    http: http1::Builder,
    connections_max: usize,
    connection_life: Duration,
    answer: Duration,
}

impl Limits {
    fn new(settings: &ServerSettings) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(settings.header_seconds.into()))
            .max_buf_size(settings.header_bytes_max.max(8192) as usize)
            .max_headers(HEADERS_MAX);
        Self {
            http,
            connections_max: settings.connections_max.into(),
            connection_life: Duration::from_secs(settings.connection_seconds.into()),
            answer: settings.answer,
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
            Ok((stream, address)) => {
                let http = limits.http.clone();
                let answer = connection(
                    http,
                    (stream, Peer(address)),
                    service.clone(),
                    (limits.connection_life, limits.answer),
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
                tracing::warn!(%error, "a server cannot accept a connection");
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
    (stream, peer): (TcpStream, Peer),
    service: TowerToHyperService<axum::Router>,
    (life, answer): (Duration, Duration),
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
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
            // The answer under way, unless the server stops: then it has a moment.
            let cut = async {
                let stop = stopped.wait_for(|stopped| *stopped);
                if tokio::time::timeout(answer, stop).await.is_ok() {
                    tokio::time::sleep(GRACE).await;
                }
            };
            tokio::select! {
                ended = connection => ended,
                () = cut => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
