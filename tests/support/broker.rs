//! A real Kafka broker on loopback: one JVM that is both broker and controller.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// How long a broker may take until it answers; it needs 2 to 3 s on an idle machine with two cores.
const START_UP: Duration = Duration::from_secs(90);

/// How many times to start it again when another process took one of its ports in between.
const ATTEMPTS: usize = 3;

/// Every cluster has an identity; nothing here ever compares two.
const CLUSTER_ID: &str = "Y2h1cm53YXRjaC10ZXN0cw";

/// Runs the broker and makes sure of its end. It reads its standard input, a pipe whose other end only the test process
/// holds: however that process ends, SIGKILL included, the pipe closes, the broker is killed and its folder removed.
/// `$1` is the folder, the rest the broker's command. Signals meant for the test process must not end it early. When the
/// broker ends by itself, `exit-status` says so.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
folder=$1; shift
exec 3<&0
"$@" >"$folder/log" 2>&1 3<&- &
broker=$!
( read -r _ <&3; kill -9 "$broker" ) 2>/dev/null &
reader=$!
wait "$broker"
echo $? >"$folder/exit-status"
kill -9 "$reader" 2>/dev/null
read -r _ <&3
rm -rf "$folder"
"#;

/// A running broker. Dropping it kills it and removes its data.
pub struct Broker {
    bootstrap: String,
    watchdog: Child,
}

impl Broker {
    /// The broker that all tests of this process share, started by the first that asks.
    ///
    /// # Panics
    ///
    /// When it cannot be started; the message says why and what to do.
    pub fn shared() -> &'static Broker {
        static SHARED: LazyLock<Result<Broker, String>> = LazyLock::new(Broker::try_start);
        SHARED
            .as_ref()
            .unwrap_or_else(|reason| panic!("no Kafka broker for this test: {reason}"))
    }

    /// A broker of one's own, for tests that hurt it.
    ///
    /// # Panics
    ///
    /// As [`Broker::shared`].
    pub fn start() -> Broker {
        Broker::try_start()
            .unwrap_or_else(|reason| panic!("no Kafka broker for this test: {reason}"))
    }

    /// Its address, as `bootstrap.servers` takes it.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn try_start() -> Result<Broker, String> {
        let libs = libs()?;
        let mut attempt = 1;
        loop {
            match Broker::launch(&libs) {
                Err(reason) if attempt < ATTEMPTS && reason.contains("Address already in use") => {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn launch(libs: &Path) -> Result<Broker, String> {
        let folder = tempfile::Builder::new()
            .prefix("churnwatch-kafka-")
            .tempdir()
            .map_err(|error| format!("cannot make a folder for its data: {error}"))?;
        let [port, controller_port] = free_ports();
        let properties = folder.path().join("server.properties");
        let settings = settings(&folder.path().join("data"), port, controller_port);
        fs::write(&properties, settings)
            .map_err(|error| format!("cannot write {}: {error}", properties.display()))?;

        let format = java(libs, "kafka.tools.StorageTool")
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

        let command = java(libs, "kafka.Kafka");
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
            bootstrap: format!("127.0.0.1:{port}"),
            watchdog,
        };
        match broker.await_metadata(port, &folder.join("exit-status")) {
            Ok(()) => Ok(broker),
            Err(reason) => Err(format!(
                "{reason}; the end of its log:\n{}",
                tail(&folder.join("log"))
            )),
        }
    }

    /// Waits until the broker names itself in its own metadata: then it is registered and serves clients.
    fn await_metadata(&self, port: u16, exit_status: &Path) -> Result<(), String> {
        let start = Instant::now();
        // The client backs off from a port that refuses it, so it is not asked before the port is open.
        let mut client = None;
        loop {
            if client.is_none() && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                let made: BaseConsumer = ClientConfig::new()
                    .set("bootstrap.servers", &self.bootstrap)
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
            if let Ok(status) = fs::read_to_string(exit_status) {
                return Err(format!("its JVM ended with status {}", status.trim()));
            }
            if start.elapsed() > START_UP {
                return Err(format!("it did not answer within {} s", START_UP.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// `java` with the broker's class path and what a broker for tests needs: little memory and a quick start, for which the
/// first compiler and the serial collector are the best.
fn java(libs: &Path, class: &str) -> Command {
    let mut java = Command::new("java");
    java.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .arg("-cp")
        .arg(libs.join("*"))
        .arg(class);
    java
}

fn settings(data: &Path, port: u16, controller_port: u16) -> String {
    format!(
        "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={data}

# One broker cannot replicate.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# A quick start: few internal partitions to create and load, no waiting for more members of a group.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0

# A test that kills a process need not wait long for the group and the transaction that it left behind.
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500

# A misspelt topic must be an error.
auto.create.topics.enable=false
",
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

/// Ports of the loopback interface that nobody listens on, all different.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
