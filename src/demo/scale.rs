/// Partitions of every topic.
pub const PARTITIONS: i32 = 4;
/// Days in which the detector learns what is usual. They run at full speed, and their tasks are not judged.
pub const WARM_UP_DAYS: u32 = 28;
