use std::collections::VecDeque;

/// What the live view shows.
#[derive(Debug, Clone, Default)]
pub struct ViewState {
    /// Subscribers of the city.
    pub city: u32,
    /// The simulated date.
    pub date: String,
    /// Simulated days so far.
    pub day: u32,
    /// Simulated days in all.
    pub days: u32,
    /// Records taken in.
    pub events: u64,
    /// Records a second over the last moments.
    pub events_per_second: u64,
    /// Of the applied, those for a closed day.
    pub late: u64,
    /// Records seen before.
    pub duplicates: u64,
    /// Records that could not be used.
    pub dead_lettered: u64,
    /// Days closed, on average over the partitions.
    pub days_closed: u64,
    /// Tasks opened.
    pub tasks_opened: u64,
    /// Tasks closed.
    pub tasks_closed: u64,
    /// Signals by trigger.
    pub signals: Vec<(String, u64)>,
    /// The latest change first, each task once.
    pub tasks: VecDeque<TaskLine>,
    /// Where Kafka clients connect.
    pub bootstrap: String,
    /// Where the metrics are.
    pub metrics: String,
}

/// A task in plain words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskLine {
    /// Which task it is.
    pub task_id: String,
    /// `early`, `at_risk`, `critical`, `lost`.
    pub severity: String,
    /// Local date and time.
    pub opened_at: String,
    /// Masked.
    pub subscriber: String,
    /// `key`, `ordinary`, `small`.
    pub tier: String,
    /// Who gets it.
    pub queue: String,
    /// Local date and time.
    pub due_at: String,
    /// The newest signal's sentence.
    pub reason: String,
}
