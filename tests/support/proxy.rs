//! A TCP proxy before a broker that knows just enough of Kafka's protocol to disturb chosen requests.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Kinds of requests, by Kafka's `api_key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    Produce = 0,
    Fetch = 1,
    FindCoordinator = 10,
    JoinGroup = 11,
    Heartbeat = 12,
    SyncGroup = 14,
    InitProducerId = 22,
    AddPartitionsToTxn = 24,
    AddOffsetsToTxn = 25,
    EndTxn = 26,
    TxnOffsetCommit = 28,
}

/// What happens to a request. The connection of one that got lost is silent from then on, as after a cut cable, until it
/// is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// It arrives so much later, even if its sender has gone meanwhile, and what follows on its connection behind it.
    Delay(Duration),
    /// It never arrives.
    DropRequest {
        /// Until the connection is closed.
        silence: Duration,
    },
    /// It arrives, but its answer gets lost.
    DropResponse {
        /// Until the connection is closed.
        silence: Duration,
    },
    /// The connection is closed instead.
    Close,
}

/// Which of the requests of a kind a rule disturbs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Often {
    /// All of them.
    Always,
    /// So many, from the next on.
    Times(u32),
    /// Each with this probability, 0 to 1.
    Chance(f64),
}

/// A running proxy on a port of its own. Dropping it closes everything.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy before this port of the loopback interface.
    pub fn before(broker_port: u16) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            broker_port,
            state: Mutex::new(State {
                random: ChaCha8Rng::seed_from_u64(0),
                rules: Vec::new(),
                seen: BTreeMap::new(),
                disturbed: BTreeMap::new(),
                links: Vec::new(),
                refused: 0,
                severed: false,
                ended: false,
            }),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Proxy { port, shared }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address, as `bootstrap.servers` takes it.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What [`Often::Chance`] draws from.
    pub fn seed(&self, seed: u64) {
        self.shared.state().random = ChaCha8Rng::seed_from_u64(seed);
    }

    /// Adds a rule. Of several that fit a request the first decides.
    pub fn disturb(&self, api: Api, disturbance: Disturbance, often: Often) {
        self.shared.state().rules.push(Rule {
            api,
            disturbance,
            often,
        });
    }

    /// Forgets all rules. What is being disturbed stays so.
    pub fn calm(&self) {
        self.shared.state().rules.clear();
    }

    /// Requests of a kind that came to it so far, disturbed ones included.
    pub fn seen(&self, api: Api) -> u64 {
        let state = self.shared.state();
        state.seen.get(&(api as i16)).copied().unwrap_or_default()
    }

    /// Requests of a kind that it disturbed so far.
    pub fn disturbed(&self, api: Api) -> u64 {
        let state = self.shared.state();
        state.disturbed.get(&api).copied().unwrap_or_default()
    }

    /// Begins anew: no rules, counts from 0, connections pass.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.seen.clear();
        state.disturbed.clear();
        state.refused = 0;
        state.severed = false;
    }

    /// Connections that it closed at once, because they were severed or the broker was down.
    pub fn refused(&self) -> u64 {
        self.shared.state().refused
    }

    /// Closes all connections, and every new one at once, until [`Proxy::mend`].
    pub fn sever(&self) {
        let mut state = self.shared.state();
        state.severed = true;
        close_all(&mut state);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.shared.state().severed = false;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        close_all(&mut state);
        drop(state);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

struct Shared {
    broker_port: u16,
    state: Mutex<State>,
}

struct State {
    random: ChaCha8Rng,
    rules: Vec<Rule>,
    seen: BTreeMap<i16, u64>,
    disturbed: BTreeMap<Api, u64>,
    links: Vec<Weak<Link>>,
    refused: u64,
    severed: bool,
    ended: bool,
}

struct Rule {
    api: Api,
    disturbance: Disturbance,
    often: Often,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to happen to a request of this kind.
    fn decide(&self, api: i16) -> Option<Disturbance> {
        let State {
            random,
            rules,
            seen,
            disturbed,
            ..
        } = &mut *self.state();
        *seen.entry(api).or_default() += 1;
        let mut of_kind = rules.iter_mut().filter(|rule| rule.api as i16 == api);
        let rule = of_kind.find_map(|rule| {
            let fits = match &mut rule.often {
                Often::Always => true,
                Often::Times(0) => false,
                Often::Times(left) => {
                    *left -= 1;
                    true
                }
                Often::Chance(chance) => {
                    f64::from(random.next_u32()) < *chance * f64::from(u32::MAX)
                }
            };
            fits.then_some(rule)
        })?;
        *disturbed.entry(rule.api).or_default() += 1;
        Some(rule.disturbance)
    }
}

fn close_all(state: &mut State) {
    for link in state.links.drain(..) {
        if let Some(link) = link.upgrade() {
            link.close();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((client, _)) = listener.accept() {
        let mut state = shared.state();
        if state.ended {
            return;
        }
        if state.severed {
            state.refused += 1;
            continue;
        }
        // A broker that is down: its client is sent away as well.
        let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.broker_port)) else {
            state.refused += 1;
            continue;
        };
        for stream in [&client, &broker] {
            stream.set_nodelay(true).expect("a TCP socket");
        }
        let link = Arc::new(Link {
            client,
            broker,
            traffic: Mutex::new(Traffic {
                awaited: BTreeMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(&link));
        drop(state);
        let (answering, shared) = (Arc::clone(&link), Arc::clone(shared));
        thread::spawn(move || {
            let _ = link.forward(&shared);
            link.close();
        });
        thread::spawn(move || {
            let _ = answering.answer();
            answering.close();
        });
    }
}

/// One client's connection, and ours to the broker on its behalf.
struct Link {
    client: TcpStream,
    broker: TcpStream,
    traffic: Mutex<Traffic>,
    changed: Condvar,
}

struct Traffic {
    /// Requests on their way, by correlation id; with a time if the answer is to get lost.
    awaited: BTreeMap<i32, Option<Duration>>,
    closed: bool,
}

/// How long a client that has gone is stood in for, until its last requests are answered.
const LINGER: Duration = Duration::from_secs(10);

impl Link {
    /// Passes requests on.
    fn forward(&self, shared: &Shared) -> io::Result<()> {
        // Until the client has gone.
        while let Ok(frame) = read_frame(&self.client) {
            let number = |at: usize| i16::from_be_bytes([frame[at], frame[at + 1]]);
            let correlation = i32::from_be_bytes([frame[8], frame[9], frame[10], frame[11]]);
            let mut lost = None;
            match shared.decide(number(4)) {
                None => {}
                Some(Disturbance::Delay(late)) => self.pause(late),
                Some(Disturbance::DropRequest { silence }) => {
                    self.pause(silence);
                    return Ok(());
                }
                Some(Disturbance::DropResponse { silence }) => lost = Some(silence),
                Some(Disturbance::Close) => return Ok(()),
            }
            self.traffic().awaited.insert(correlation, lost);
            (&self.broker).write_all(&frame)?;
        }
        // What it sent last is to arrive all the same.
        let unanswered = |traffic: &mut Traffic| !traffic.awaited.is_empty() && !traffic.closed;
        let waited = self
            .changed
            .wait_timeout_while(self.traffic(), LINGER, unanswered);
        drop(waited);
        Ok(())
    }

    /// Passes answers back.
    fn answer(&self) -> io::Result<()> {
        loop {
            let frame = read_frame(&self.broker)?;
            let correlation = i32::from_be_bytes([frame[4], frame[5], frame[6], frame[7]]);
            let lost = self.traffic().awaited.remove(&correlation);
            self.changed.notify_all();
            if let Some(Some(silence)) = lost {
                self.pause(silence);
                return Ok(());
            }
            // A client that has gone needs no answer, but what it sent is still stood in for.
            let _ = (&self.client).write_all(&frame);
        }
    }

    /// Lets time pass, or less if the connection is closed.
    fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut traffic = self.traffic();
        while !traffic.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(traffic, left);
            traffic = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn close(&self) {
        self.traffic().closed = true;
        self.changed.notify_all();
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.broker.shutdown(Shutdown::Both);
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request or an answer with the length before it.
fn read_frame(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    stream.read_exact(&mut frame)?;
    let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    frame.resize(4 + length, 0);
    stream.read_exact(&mut frame[4..])?;
    Ok(frame)
}
