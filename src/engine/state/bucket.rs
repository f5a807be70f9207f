/// One local day of one subscriber. Counts hold at their largest value instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Outgoing calls, 0..255.
    pub outgoing: u8,
    /// Incoming calls, 0..255.
    pub incoming: u8,
    /// Messages both ways, 0..255.
    pub messages: u8,
    /// Data sessions, 0..255.
    pub sessions: u8,
    /// Calls that dropped, 0..255.
    pub dropped: u8,
    // Bytes, so that a bucket takes 9 bytes and no padding.
    voice_seconds: [u8; 2],
    data_mebibytes: [u8; 2],
}

/// The two channels whose activity is compared with a baseline (behaviour: Expectation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum UsageChannel {
    /// Calls both ways and messages both ways.
    Voice,
    /// Data sessions.
    Data,
}

impl UsageChannel {
    /// Both channels, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Voice, Self::Data];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The name used where the state is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Data => "data",
        }
    }
}

impl Bucket {
    /// Bytes of a bucket, in memory and in an image.
    pub(super) const BYTES: usize = 9;

    /// The bucket's bytes, field by field.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([v0, v1], [d0, d1]) = (self.voice_seconds, self.data_mebibytes);
        let Self {
            outgoing,
            incoming,
            messages,
            sessions,
            dropped,
            ..
        } = self;
        [
            outgoing, incoming, messages, sessions, dropped, v0, v1, d0, d1,
        ]
    }

    /// The bucket of some bytes.
    pub(super) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [
            outgoing,
            incoming,
            messages,
            sessions,
            dropped,
            v0,
            v1,
            d0,
            d1,
        ] = bytes;
        Self {
            outgoing,
            incoming,
            messages,
            sessions,
            dropped,
            voice_seconds: [v0, v1],
            data_mebibytes: [d0, d1],
        }
    }

    /// Talk time in seconds, 0..65,535.
    pub fn voice_seconds(&self) -> u16 {
        u16::from_le_bytes(self.voice_seconds)
    }

    /// Data volume in MiB, 0..65,535.
    pub fn data_mebibytes(&self) -> u16 {
        u16::from_le_bytes(self.data_mebibytes)
    }

    /// Adds talk time.
    pub fn add_voice_seconds(&mut self, seconds: u32) {
        let seconds = u16::try_from(seconds).unwrap_or(u16::MAX);
        self.voice_seconds = self.voice_seconds().saturating_add(seconds).to_le_bytes();
    }

    /// Adds data volume.
    pub fn add_data_mebibytes(&mut self, mebibytes: u64) {
        let mebibytes = u16::try_from(mebibytes).unwrap_or(u16::MAX);
        self.data_mebibytes = self
            .data_mebibytes()
            .saturating_add(mebibytes)
            .to_le_bytes();
    }

    /// Events of a channel.
    pub fn events(&self, channel: UsageChannel) -> u32 {
        match channel {
            UsageChannel::Voice => {
                u32::from(self.outgoing) + u32::from(self.incoming) + u32::from(self.messages)
            }
            UsageChannel::Data => u32::from(self.sessions),
        }
    }

    /// Whether the subscriber used the line, as a line that is suspended cannot be: called somebody, or had data.
    pub fn is_used(&self) -> bool {
        self.outgoing > 0 || self.sessions > 0
    }

    /// Whether the subscriber did anything at all.
    pub fn active(&self) -> bool {
        self.outgoing > 0 || self.incoming > 0 || self.messages > 0 || self.sessions > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_nine_bytes() {
        assert_eq!(size_of::<Bucket>(), Bucket::BYTES);
    }

    #[test]
    fn counts_hold_at_their_ends() {
        let mut bucket = Bucket::default();
        bucket.add_voice_seconds(86_400);
        bucket.add_voice_seconds(1);
        bucket.add_data_mebibytes(u64::MAX);
        assert_eq!(
            (bucket.voice_seconds(), bucket.data_mebibytes()),
            (u16::MAX, u16::MAX)
        );
    }
}
