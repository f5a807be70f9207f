use super::Shard;
use xxhash_rust::xxh3::Xxh3;

impl Shard {
    /// A figure that almost certainly differs between shards that were not given the same input: of counts, clocks,
    /// watermarks, the sweep's position and the population's sums. Its cost does not grow with the shard.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Xxh3::new();
        let counts = self.counts.figures();
        let sizes = [
            u64::from(self.store.len()),
            self.accounts.items() as u64,
            self.taskbook.open_tasks() as u64,
            self.taskbook.contact_histories() as u64,
            self.taskbook.waiting() as u64,
            self.stats.day_closes,
            self.stats.forgotten,
        ];
        let times = [self.now, self.clock].map(|at| at.0 as u64);
        let unknown = self.stats.outage_days;
        let in_shadow = self.rules.shadow.as_ref().map(|_| self.shadow.len() as u64);
        let groups = self.groups.figures();
        let figures = counts.into_iter().chain(sizes).chain(groups).chain(times);
        for figure in figures.chain(unknown).chain(in_shadow) {
            hasher.update(&figure.to_le_bytes());
        }
        for watermark in &self.watermarks {
            let until = watermark.complete_until().map_or(i64::MIN, |until| until.0);
            hasher.update(&watermark.at().0.to_le_bytes());
            hasher.update(&until.to_le_bytes());
        }
        hasher.update(&self.closed.0.to_le_bytes());
        if let Some(closing) = &self.closing {
            closing.digest(&mut hasher);
        }
        self.population.digest(&mut hasher);
        hasher.digest()
    }
}
