//! The built program as a child process.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::wait_for;

/// What a test sends to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Asks it to stop cleanly.
    Term,
    /// Asks it to read its configuration again.
    Hup,
    /// Ends it on the spot.
    Kill,
    /// Freezes it.
    Stop,
    /// Lets it go on after [`Signal::Stop`].
    Cont,
}

impl Signal {
    /// As the shell's `kill` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hup => "HUP",
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Cont => "CONT",
        }
    }
}

/// A running `churnwatch`. Dropping it kills it; when that happens because a test fails, what it wrote is shown.
pub struct Process {
    child: Child,
    output: TempDir,
    called: String,
}

impl Process {
    /// Starts the program with these arguments.
    pub fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Process {
        Process::start_with(args, &[])
    }

    /// Starts the program with these arguments, and these variables added to its environment.
    pub fn start_with<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        environment: &[(&str, &str)],
    ) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
        command.args(args).envs(environment.iter().copied());
        Process::spawn(command)
    }

    /// Starts any command in the same way.
    pub fn spawn(mut command: Command) -> Process {
        let output = tempfile::Builder::new()
            .prefix("churnwatch-out-")
            .tempdir()
            .expect("a folder");
        let file =
            |name| File::create(output.path().join(name)).expect("a file for the program's output");
        let called = format!("{command:?}");
        let child = command
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("starting {called}: {error}"));
        Process {
            child,
            output,
            called,
        }
    }

    /// All it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.written("stdout")
    }

    /// All it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.written("stderr")
    }

    /// The file that takes its standard output.
    pub fn stdout_path(&self) -> PathBuf {
        self.output.path().join("stdout")
    }

    pub fn signal(&self, signal: Signal) {
        // The shell's own `kill`: slim systems have no program of that name.
        let sent = Command::new("sh")
            .args([
                "-c",
                r#"kill -s "$0" "$1""#,
                signal.name(),
                &self.child.id().to_string(),
            ])
            .status()
            .expect("a shell");
        assert!(
            sent.success(),
            "{signal:?} could not be sent to {}",
            self.called
        );
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory of its own that it uses now, as the system counts it.
    pub fn memory_kilobytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut lines = status.lines();
        let rest = lines.find_map(|line| line.strip_prefix("RssAnon:"));
        let number = rest.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok());
        number.unwrap_or_else(|| panic!("{path} does not say:\n{status}"))
    }

    /// Whether it has ended, and how.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of a child")
    }

    /// Waits until it ends.
    ///
    /// # Panics
    ///
    /// When it goes on longer than [`super::PATIENCE`].
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.called);
        wait_for(&what, || self.exit_status())
    }

    /// Waits until it ends, however long it takes.
    pub fn wait_long(&mut self) -> ExitStatus {
        self.child.wait().expect("the state of a child")
    }

    /// Asks `probe` until it gives a value, as [`wait_for`] does, and fails at once when the program ends meanwhile.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, mut probe: impl FnMut(&Process) -> Option<T>) -> T {
        wait_for(what, || {
            // Its state first: what it did just before its end still counts.
            let ended = self.exit_status();
            let value = probe(self);
            if let (None, Some(status)) = (&value, ended) {
                panic!(
                    "{} ended ({status}) while the test waited until {what}",
                    self.called
                );
            }
            value
        })
    }

    fn written(&self, name: &str) -> String {
        String::from_utf8_lossy(
            &fs::read(self.output.path().join(name)).expect("the program's output"),
        )
        .into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "{}\n--- its standard output:\n{}\n--- its standard error:\n{}\n---",
                self.called,
                self.stdout(),
                self.stderr()
            );
        }
    }
}
