//! How many messages a receiver takes.

/// Tokens that come back with time, one for each message. Bursts and what comes back within a minute stay below the limit
/// together, so that no minute has more messages, wherever it begins.
#[derive(Debug, Clone)]
pub struct Bucket {
    burst: f64,
    per_ms: f64,
    tokens: f64,
    at: i64,
}

impl Bucket {
    /// So many messages in any minute, so many of them at once.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        let burst = burst.clamp(1, per_minute.saturating_sub(1).max(1));
        let back = per_minute.saturating_sub(burst).max(1);
        Self {
            burst: f64::from(burst),
            per_ms: f64::from(back) / 60_000.0,
            tokens: f64::from(burst),
            at: i64::MIN,
        }
    }

    /// Whole messages that may go now.
    pub fn free(&mut self, now: i64) -> usize {
        if self.at != i64::MIN {
            let gone = now.saturating_sub(self.at).max(0) as f64;
            self.tokens = (self.tokens + gone * self.per_ms).min(self.burst);
        }
        self.at = now;
        // A token that lacks the rounding of its parts is one.
        (self.tokens + 1e-9) as usize
    }

    /// Takes one that is free.
    pub fn take(&mut self) {
        self.tokens -= 1.0;
    }

    /// When the next one is free, if none is.
    pub fn next(&self, now: i64) -> i64 {
        let lack = (1.0 - self.tokens).max(0.0);
        now.saturating_add((lack / self.per_ms).ceil() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_has_more_than_the_limit() {
        for (per_minute, burst) in [(20, 5), (100, 3), (60, 1), (1, 1), (2, 9)] {
            let mut bucket = Bucket::new(per_minute, burst);
            let mut sent: Vec<i64> = Vec::new();
            // Idle now and then, so that bursts happen.
            for now in (0..600_000).step_by(50).filter(|now| now % 90_000 > 20_000) {
                while bucket.free(now) > 0 {
                    bucket.take();
                    sent.push(now);
                }
            }
            for first in &sent {
                let within = sent
                    .iter()
                    .filter(|at| (*first..first + 60_000).contains(at));
                assert!(
                    within.count() <= per_minute as usize,
                    "{per_minute} {burst}"
                );
            }
            assert!(
                sent.len() >= per_minute as usize * 5,
                "{} of {per_minute}",
                sent.len()
            );
        }
    }

    #[test]
    fn it_says_when_the_next_one_is_free() {
        let mut bucket = Bucket::new(20, 5);
        while bucket.free(1_000) > 0 {
            bucket.take();
        }
        let next = bucket.next(1_000);
        assert_eq!(next, 5_000);
        assert_eq!(bucket.clone().free(next - 1), 0);
        assert_eq!(bucket.free(next), 1);
    }
}
