//! A real Kafka broker on loopback: one JVM that is both broker and controller.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::process::Signal;
use super::proxy::Proxy;
use super::wait_for;

/// How long a broker may take until it answers; it needs 2 to 3 s on an idle machine with two cores.
const START_UP: Duration = Duration::from_secs(90);

/// How many times to start it again when another process took one of its ports in between.
const ATTEMPTS: usize = 3;

/// Every cluster has an identity; nothing here ever compares two.
const CLUSTER_ID: &str = "Y2h1cm53YXRjaC10ZXN0cw";

/// Runs the broker and makes sure of its end. It takes orders from its standard input, a pipe whose other end only the
/// test process holds: however that process ends, SIGKILL included, the pipe closes, the broker is killed and its folder
/// removed. `$1` is the folder, the rest the broker's command; an order is `START` or the name of a signal. Signals meant
/// for the test process must not end it early. When the broker ends, `exit-status` says how.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
folder=$1; shift
launch() {
  rm -f "$folder/exit-status"
  broker=$(
    {
      "$@" </dev/null >>"$folder/log" 2>&1 &
      echo $!
      exec </dev/null >/dev/null
      wait $!
      echo $? >"$folder/exit-status.new"
      mv "$folder/exit-status.new" "$folder/exit-status"
    } &
  )
}
launch "$@"
while read -r order; do
  case $order in
    START) launch "$@" ;;
    *) kill -s "$order" "$broker" ;;
  esac
done
[ -e "$folder/exit-status" ] || kill -s KILL "$broker"
until [ -e "$folder/exit-status" ]; do sleep 0.01; done
rm -rf "$folder"
"#;

/// Proxies before the broker that tests share: so many of its tests that disturb their requests run side by side.
const SHARED_PROXIES: usize = 4;

/// A broker. Dropping it kills it and removes its data.
pub struct Broker {
    port: u16,
    folder: PathBuf,
    proxies: Vec<Proxy>,
    watchdog: Child,
}

/// How a broker is run.
#[derive(Clone, Copy)]
pub enum Manner {
    /// For tests: it starts quickly, and a group does not wait for more members.
    Quick,
    /// As Kafka's own scripts and defaults have it: what is measured should not depend on short cuts.
    Usual,
}

impl Broker {
    /// The broker that all tests of this process share, started by the first that asks.
    ///
    /// # Panics
    ///
    /// When it cannot be started; the message says why and what to do.
    pub fn shared() -> &'static Broker {
        Self::shared_as(Manner::Quick)
    }

    /// The same, run in some manner if nobody has asked before.
    ///
    /// # Panics
    ///
    /// As [`Broker::shared`].
    pub fn shared_as(manner: Manner) -> &'static Broker {
        static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Broker::try_start(SHARED_PROXIES, manner))
            .as_ref()
            .unwrap_or_else(|reason| panic!("no Kafka broker for this test: {reason}"))
    }

    /// Its address, as `bootstrap.servers` takes it.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it on the spot; its data stay.
    fn kill(&self) {
        let ended = self.folder.join("exit-status");
        assert!(!ended.exists(), "the broker had ended by itself");
        self.order("KILL");
        wait_for("the broker is dead", || ended.exists().then_some(()));
    }

    fn restart(&self) {
        let ended = self.folder.join("exit-status");
        self.order("START");
        wait_for("the broker is launched", || (!ended.exists()).then_some(()));
        self.await_metadata()
            .unwrap_or_else(|reason| panic!("the broker does not come back: {reason}"));
    }

    fn order(&self, order: &str) {
        let mut orders = self.watchdog.stdin.as_ref().expect("the watchdog's pipe");
        writeln!(orders, "{order}").expect("a watchdog that takes orders");
    }

    fn try_start(proxies: usize, manner: Manner) -> Result<Broker, String> {
        let libs = libs()?;
        let mut attempt = 1;
        loop {
            match Broker::launch(&libs, proxies, manner) {
                Err(reason) if attempt < ATTEMPTS && reason.contains("Address already in use") => {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn launch(libs: &Path, proxies: usize, manner: Manner) -> Result<Broker, String> {
        let folder = tempfile::Builder::new()
            .prefix("churnwatch-kafka-")
            .tempdir()
            .map_err(|error| format!("cannot make a folder for its data: {error}"))?;
        let [port, controller_port] = free_ports();
        let mut listeners = Listeners::new(port, controller_port);
        let proxies = (0..proxies).map(|index| {
            let [proxied_port] = free_ports();
            let proxy = Proxy::before(proxied_port);
            listeners.add(&format!("PROXIED{index}"), proxied_port, proxy.port());
            proxy
        });
        let proxies: Vec<Proxy> = proxies.collect();
        let properties = folder.path().join("server.properties");
        let data = folder.path().join("data");
        let settings = settings(&data, &listeners, controller_port, manner);
        fs::write(&properties, settings)
            .map_err(|error| format!("cannot write {}: {error}", properties.display()))?;

        let format = java(libs, "kafka.tools.StorageTool", Manner::Quick)
            .args(["format", "-t", CLUSTER_ID, "-c"])
            .arg(&properties)
            .output()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => {
                    "`java` is not installed: run tests/setup, which installs it where it can and \
                                        says what to do where it cannot"
                        .to_owned()
                }
                _ => format!("cannot run java: {error}"),
            })?;
        if !format.status.success() {
            return Err(format!(
                "formatting its storage failed ({}); Kafka 4.1 needs Java 17 or newer (run tests/setup):\n{}",
                format.status,
                String::from_utf8_lossy(&format.stderr)
            ));
        }

        let command = java(libs, "kafka.Kafka", manner);
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh"])
            .arg(folder.path())
            .arg(command.get_program())
            .args(command.get_args())
            .arg(&properties)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: a signal to the test's whole process group must not take the watchdog along.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot run sh: {error}"))?;
        // From here on the watchdog removes the folder.
        let folder = folder.keep();
        let broker = Broker {
            port,
            folder,
            proxies,
            watchdog,
        };
        broker.await_metadata()?;
        Ok(broker)
    }

    /// Waits until the broker names itself in its own metadata: then it is registered and serves clients.
    fn await_metadata(&self) -> Result<(), String> {
        let start = Instant::now();
        // The client backs off from a port that refuses it, so it is not asked before the port is open.
        let mut client = None;
        let reason = loop {
            if client.is_none() && TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                let made: BaseConsumer = ClientConfig::new()
                    .set("bootstrap.servers", self.bootstrap())
                    .set("reconnect.backoff.max.ms", "100")
                    .create()
                    .map_err(|error| format!("cannot make a client: {error}"))?;
                client = Some(made);
            }
            let metadata = client
                .as_ref()
                .and_then(|client| client.fetch_metadata(None, Duration::from_secs(1)).ok());
            if metadata.is_some_and(|metadata| !metadata.brokers().is_empty()) {
                return Ok(());
            }
            if let Ok(status) = fs::read_to_string(self.folder.join("exit-status")) {
                break format!("its JVM ended with status {}", status.trim());
            }
            if start.elapsed() > START_UP {
                break format!("it did not answer within {} s", START_UP.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let log = tail(&self.folder.join("log"));
        Err(format!("{reason}; the end of its log:\n{log}"))
    }
}

/// A broker with a second address behind a [`Proxy`] that can disturb what passes. A client that begins there never learns
/// of the direct one. No other test has this proxy meanwhile.
pub enum ProxiedBroker {
    /// The broker that tests share, and the number of the proxy.
    Shared(usize, MutexGuard<'static, ()>),
    /// A broker that the test may hurt as it likes and leaves running.
    Whole(MutexGuard<'static, Option<Broker>>),
}

impl ProxiedBroker {
    /// A proxy before the broker of [`Broker::shared`].
    ///
    /// # Panics
    ///
    /// As [`Broker::shared`].
    pub fn shared() -> ProxiedBroker {
        static TAKEN: [Mutex<()>; SHARED_PROXIES] = [const { Mutex::new(()) }; SHARED_PROXIES];
        let free = |taken: &'static Mutex<()>| match taken.try_lock() {
            Ok(guard) => Some(guard),
            // A test that failed leaves nothing behind that the next one minds.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        loop {
            let mut all = (0..).zip(&TAKEN);
            if let Some((index, guard)) = all.find_map(|(n, taken)| Some((n, free(taken)?))) {
                let broker = ProxiedBroker::Shared(index, guard);
                broker.proxy().reset();
                return broker;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The broker that tests may hurt, one after the other. After a test that failed there is another one.
    ///
    /// # Panics
    ///
    /// As [`Broker::shared`].
    pub fn to_hurt() -> ProxiedBroker {
        static BROKER: Mutex<Option<Broker>> = Mutex::new(None);
        let mut broker = BROKER.lock().unwrap_or_else(|poisoned| {
            BROKER.clear_poison();
            let mut broker = poisoned.into_inner();
            *broker = None;
            broker
        });
        broker.get_or_insert_with(|| {
            Broker::try_start(1, Manner::Quick)
                .unwrap_or_else(|reason| panic!("no Kafka broker for this test: {reason}"))
        });
        let broker = ProxiedBroker::Whole(broker);
        broker.proxy().reset();
        broker
    }

    /// What stands before its second address.
    pub fn proxy(&self) -> &Proxy {
        match self {
            ProxiedBroker::Shared(index, _) => &self.proxies[*index],
            ProxiedBroker::Whole(_) => &self.proxies[0],
        }
    }

    /// Ends the broker on the spot; its data stay.
    ///
    /// # Panics
    ///
    /// When it had ended already, which is as bad as a test that hurts nothing, and when other tests use it too.
    pub fn kill(&self) {
        self.whole().kill();
    }

    /// Starts the broker again after [`kill`](Self::kill), on the same data and ports, and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it does not come up; the message has the end of its log.
    pub fn restart(&self) {
        self.whole().restart();
    }

    /// Freezes the broker with [`Signal::Stop`] or lets it go on with [`Signal::Cont`].
    ///
    /// # Panics
    ///
    /// When other tests use it too.
    pub fn signal(&self, signal: Signal) {
        self.whole().order(signal.name());
    }

    fn whole(&self) -> &Broker {
        match self {
            ProxiedBroker::Shared(..) => panic!("other tests use this broker too"),
            ProxiedBroker::Whole(broker) => broker.as_ref().expect("a broker"),
        }
    }
}

impl Deref for ProxiedBroker {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        match self {
            ProxiedBroker::Shared(..) => Broker::shared(),
            ProxiedBroker::Whole(_) => self.whole(),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// `java` with the broker's class path. A broker for tests needs little memory and a quick start, for which the first compiler
/// and the serial collector are the best.
fn java(libs: &Path, class: &str, manner: Manner) -> Command {
    let options = match manner {
        Manner::Quick => ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
        Manner::Usual => ["-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"],
    };
    let mut java = Command::new("java");
    java.args(options)
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(class);
    java
}

/// Where a broker listens, and what it tells its clients to call.
struct Listeners {
    protocols: Vec<String>,
    listeners: Vec<String>,
    advertised: Vec<String>,
}

impl Listeners {
    fn new(port: u16, controller_port: u16) -> Listeners {
        let mut listeners = Listeners {
            protocols: vec!["CONTROLLER:PLAINTEXT".into()],
            listeners: vec![format!("CONTROLLER://127.0.0.1:{controller_port}")],
            advertised: Vec::new(),
        };
        listeners.add("DIRECT", port, port);
        listeners
    }

    fn add(&mut self, name: &str, port: u16, advertised: u16) {
        self.protocols.push(format!("{name}:PLAINTEXT"));
        self.listeners.push(format!("{name}://127.0.0.1:{port}"));
        self.advertised
            .push(format!("{name}://127.0.0.1:{advertised}"));
    }
}

fn settings(data: &Path, listeners: &Listeners, controller_port: u16, manner: Manner) -> String {
    let rebalance_delay_ms = match manner {
        Manner::Quick => 0,
        Manner::Usual => 3_000,
    };
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=DIRECT
listener.security.protocol.map={protocols}
listeners={listening}
advertised.listeners={advertised}
log.dirs={data}

# One broker cannot replicate.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# A quick start: few internal partitions to create and load, and in tests no waiting for more members of a group.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms={rebalance_delay_ms}

# Started again, it waits until its former self is given up.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500

# A test that kills a process need not wait long for the group and the transaction that it left behind.
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500

# A misspelt topic must be an error.
auto.create.topics.enable=false
",
        protocols = listeners.protocols.join(","),
        listening = listeners.listeners.join(","),
        advertised = listeners.advertised.join(","),
        data = data.display()
    )
}

/// The folder with the broker's jars, fetched once for all test processes.
fn libs() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock_path = root.join(".kafka/lock");
    let lock = fs::create_dir_all(root.join(".kafka"))
        .and_then(|()| File::create(&lock_path))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|error| format!("cannot lock {}: {error}", lock_path.display()))?;
    let fetched = Command::new(root.join("tests/support/fetch-kafka"))
        .output()
        .map_err(|error| format!("cannot run tests/support/fetch-kafka: {error}"))?;
    drop(lock);
    if !fetched.status.success() {
        return Err(format!(
            "tests/support/fetch-kafka could not fetch it ({}):\n{}",
            fetched.status,
            String::from_utf8_lossy(&fetched.stderr)
        ));
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&fetched.stdout).trim(),
    ))
}

/// Ports of the loopback interface that nobody listens on, all different. They lie below those that the system gives to
/// connections: a client that calls a dead broker again and again would sooner or later be given that port itself.
pub fn free_ports<const N: usize>() -> [u16; N] {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Each process begins elsewhere.
    let begin = std::process::id().wrapping_mul(37);
    let mut candidates = std::iter::repeat_with(|| {
        let next = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        (FIRST + next % PORTS) as u16
    })
    .take(PORTS as usize)
    .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    std::array::from_fn(|_| candidates.next().expect("a free port"))
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
