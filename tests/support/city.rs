//! A simulated city as input: one file in the order of arrival, to be loaded piece by piece.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use churnwatch::files::Lines;
use churnwatch::sim::{CityConfig, Compression, Scenario, write_files};

/// More trouble than in an ordinary city, so that few subscribers give many tasks. And no groups: when shards hear of each other
/// depends on their transactions, and so does whose task a group's is.
const TROUBLE: &str = "churn.scale = 8\nlines.grouped_share = 0";

/// The events of a city in a folder, with every kind of fault.
pub struct City {
    pub events: PathBuf,
    pub lines: u64,
    folder: PathBuf,
    rest: Lines,
    taken: u64,
}

impl City {
    pub fn build(folder: &Path, subscribers: u32, days: u32, seed: u64) -> City {
        let config = CityConfig {
            scenario: Scenario::parse(TROUBLE, "test").unwrap(),
            ..CityConfig::new(subscribers, days, seed)
        };
        let summary = write_files(config, folder, Compression::Zstd, |_| {}).unwrap();
        let events = folder.join(summary.events_file);
        City {
            rest: Lines::open(events.to_str().unwrap()).unwrap(),
            events,
            lines: summary.lines,
            folder: folder.to_owned(),
            taken: 0,
        }
    }

    /// The next lines, at most so many, as a file, in the place of the piece before. `None` at the end.
    pub fn next_piece(&mut self, lines: u64) -> Option<PathBuf> {
        let path = self.folder.join("piece.ndjson");
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let (mut line, begin) = (Vec::new(), self.taken);
        while self.taken - begin < lines && self.rest.next_into(&mut line).unwrap().is_some() {
            line.push(b'\n');
            file.write_all(&line).unwrap();
            self.taken += 1;
        }
        file.flush().unwrap();
        (self.taken > begin).then_some(path)
    }
}
