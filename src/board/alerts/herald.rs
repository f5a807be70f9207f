//! From records and the time to carriers, and back to the group's offsets.

use super::alert::{Alert, Kind};
use super::book::{Book, Means, of_store};
use super::track::Track;
use crate::board::task::Task;
use crate::kafka::{Followed, GroupReader, Turn, partition_of};
use crate::model::Timestamp;
use crate::runtime::Stop;
use crate::runtime::clock::{self, Stopwatch};
use crate::telemetry::troubles;
use std::collections::BTreeMap;
use std::thread::park_timeout;
use std::time::Duration;

/// How long one look for a record takes while none comes.
const LOOK: Duration = Duration::from_millis(5);
/// How often the group is told how far all is done.
const COMMIT: Duration = Duration::from_millis(100);
/// How often the time is looked at.
const TIME: Duration = Duration::from_secs(2);
/// How often what was said of closed tasks is forgotten.
const TIDY: Duration = Duration::from_secs(600);
/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(1);
/// How long what is on its way is waited for before partitions are given up.
const SETTLE: Duration = Duration::from_secs(5);
/// How long the brokers are waited for then.
const BROKERS: Duration = Duration::from_secs(3);
/// How often it is looked whether partitions are ours.
const ASK: Duration = Duration::from_millis(100);
/// How long the board's topic is waited for at most: what compaction took from its end is not read.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Tells receivers of tasks.
pub struct Herald {
    /// What it works with.
    pub means: Means,
    /// When to end.
    pub stop: Stop,
}

impl Herald {
    /// Runs until it is told to stop. What goes wrong is logged and tried again.
    pub fn run(&self) {
        while !self.stop.asked() {
            if let Err(problem) = self.tell() {
                troubles::warn("alerts", &format!("no alerts are sent: {problem}"));
                self.stop.wait(PAUSE);
            }
        }
    }

    fn tell(&self) -> Result<(), String> {
        let config = &self.means.config;
        let group = match config.board.alerts.group.as_str() {
            "" => format!("{}-alerts", config.kafka.group),
            group => group.to_owned(),
        };
        let reader = GroupReader::join(config, &group, &self.means.topics.tasks)?;
        let mut round = Round {
            means: &self.means,
            stop: &self.stop,
            book: Book::open(&self.means)?,
            partitions: reader.partitions()?,
            reader,
            given: None,
            held: false,
        };
        round.run()
    }
}

/// Partitions that the group gave us. They are ours once the store has read what was written before.
struct Given {
    partitions: Vec<i32>,
    /// How far the board's topic must be read; nothing while that is not known.
    ends: Option<Vec<i64>>,
    since: Stopwatch,
    asked: Stopwatch,
}

/// Membership of the group until something goes wrong.
struct Round<'a> {
    means: &'a Means,
    stop: &'a Stop,
    book: Book<'a>,
    reader: GroupReader,
    /// Of the tasks' topic.
    partitions: i32,
    given: Option<Given>,
    /// Whether no more is read for now.
    held: bool,
}

impl Round<'_> {
    fn run(&mut self) -> Result<(), String> {
        let (mut committed, mut looked, mut tidied) =
            (Stopwatch::start(), Stopwatch::start(), Stopwatch::start());
        self.book.look()?;
        while !self.stop.asked() {
            self.book.take_reports()?;
            self.turn()?;
            if let Some(record) = self.reader.next(LOOK)? {
                let (partition, offset) = (record.partition(), record.offset());
                let alert = alert_of(&record);
                self.book.read(partition, offset, alert);
            }
            if committed.reached(COMMIT) {
                self.book.release()?;
                self.commit()?;
                committed = Stopwatch::start();
            }
            if looked.reached(TIME) {
                self.book.look()?;
                self.resend()?;
                self.hold()?;
                self.time()?;
                looked = Stopwatch::start();
            }
            if tidied.reached(TIDY) && self.means.status.caught_up() {
                let before = clock::now().0 - TIDY.as_millis() as i64;
                let tidy = self.means.store.tidy_alerts(&self.means.topics, before);
                tidy.map_err(of_store)?;
                tidied = Stopwatch::start();
            }
        }
        self.settle()
    }

    /// Goes on with what an admin has sent again.
    fn resend(&mut self) -> Result<(), String> {
        let partitions: Vec<i32> = self.book.tracks.keys().copied().collect();
        let store = &self.means.store;
        let resent = store.waiting_alerts(&partitions, true).map_err(of_store)?;
        resent
            .into_iter()
            .try_for_each(|waiting| self.book.resume(waiting))
    }

    fn commit(&mut self) -> Result<(), String> {
        let progress = self.book.tracks.iter_mut();
        let progress =
            progress.filter_map(|(partition, track)| Some((*partition, track.progress()?)));
        let progress: BTreeMap<i32, i64> = progress.collect();
        match progress.is_empty() {
            true => Ok(()),
            false => self.reader.commit(&progress),
        }
    }

    /// Answers changes of our partitions.
    fn turn(&mut self) -> Result<(), String> {
        match self.reader.turn() {
            None => {}
            Some(Turn::Given(partitions)) => {
                self.given = Some(Given {
                    partitions,
                    ends: None,
                    since: Stopwatch::start(),
                    asked: Stopwatch::start(),
                });
            }
            Some(Turn::Taken) => {
                self.given = None;
                self.settle()?;
                self.reader.give_up()?;
            }
        }
        let Some(mut given) = self.given.take() else {
            return Ok(());
        };
        if !self.knows(&mut given) {
            self.given = Some(given);
            return Ok(());
        }
        let starts = self.reader.take(&given.partitions)?;
        self.book.tracks = starts
            .into_iter()
            .map(|(partition, start)| (partition, Track::new(start)))
            .collect();
        self.held = false;
        troubles::over("alerts", "alerts are sent again");
        for waiting in self
            .means
            .store
            .waiting_alerts(&given.partitions, false)
            .map_err(of_store)?
        {
            self.book.resume(waiting)?;
        }
        Ok(())
    }

    /// Whether the store has all that was written before partitions were given to us.
    fn knows(&self, given: &mut Given) -> bool {
        if !given.asked.reached(ASK) {
            return false;
        }
        given.asked = Stopwatch::start();
        let board = &self.means.topics.board;
        if given.ends.is_none() {
            // The board's feed creates the topic, and says what is wrong if it cannot.
            given.ends = self.reader.ends(board).ok();
        }
        let reached = |(partition, end): (i32, &i64)| {
            let position = self.means.store.position(board, partition);
            position.ok().flatten().unwrap_or(0) >= *end
        };
        let all = |ends: &Vec<i64>| (0..).zip(ends).all(reached) || given.since.reached(CATCH_UP);
        self.means.status.caught_up() && given.ends.as_ref().is_some_and(all)
    }

    /// Lets what is on its way arrive, writes down what does not, and tells the group.
    fn settle(&mut self) -> Result<(), String> {
        let waited = Stopwatch::start();
        while !self.book.is_settled() && !waited.reached(SETTLE) {
            park_timeout(LOOK);
            self.book.take_reports()?;
            self.book.release()?;
        }
        self.book.note_all()?;
        let waited = Stopwatch::start();
        while !self.book.release()? && !waited.reached(BROKERS) {
            park_timeout(LOOK);
        }
        self.commit()?;
        let waited = Stopwatch::start();
        while !self.reader.is_committed() && !waited.reached(BROKERS) {
            // What comes along is not taken in: whoever has the partition next reads it.
            self.reader.next(LOOK)?;
        }
        self.book.clear();
        Ok(())
    }

    /// Reads no further while there is much on its way.
    fn hold(&mut self) -> Result<(), String> {
        let hold = self.book.is_full();
        if hold != self.held && !self.book.tracks.is_empty() {
            let partitions: Vec<i32> = self.book.tracks.keys().copied().collect();
            self.reader.hold(&partitions, hold)?;
            self.held = hold;
        }
        Ok(())
    }

    /// Says of which tasks time has passed. Each task is of one partition by its name, so one board says it.
    fn time(&mut self) -> Result<(), String> {
        if self.book.tracks.is_empty() || self.held || !self.means.status.caught_up() {
            return Ok(());
        }
        let settings = &self.means.config.board.alerts;
        let soon = i64::from(settings.due_soon_hours) * Timestamp::HOUR_MS;
        let late = i64::from(settings.late_hours) * Timestamp::HOUR_MS;
        let now = self.means.status.now();
        let partition = |id: &str| partition_of(id.as_bytes(), self.partitions);
        let is_ours = |id: &str| self.book.tracks.contains_key(&partition(id));
        let due = self
            .means
            .store
            .tasks_due(now, now - late, now + soon, is_ours);
        for (row, is_over) in due.map_err(of_store)? {
            let (kind, at) = match is_over {
                true => (Kind::Overdue, row.due_at),
                false => (Kind::DueSoon, row.due_at - soon),
            };
            // Whoever hears of a task now need not hear that little time was given.
            if kind == Kind::Overdue || row.opened_at <= at {
                let partition = partition_of(row.id.as_bytes(), self.partitions);
                self.book.say_time(Alert::of_row(kind, &row, at), partition);
            }
        }
        Ok(())
    }
}

fn alert_of(record: &Followed<'_>) -> Option<Alert> {
    // What does not read, the board's feed counts and logs.
    let task: Task = serde_json::from_slice(record.value()?).ok()?;
    Alert::of_record(&task)
}
