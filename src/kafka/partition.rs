/// How producers find the partition of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Partitioner {
    /// murmur2, without its sign.
    Murmur2,
    /// CRC-32.
    Crc32,
    /// FNV-1a, its absolute value.
    Fnv1a,
    /// FNV-1a, without its sign.
    Fnv1aReference,
}

impl Partitioner {
    /// All that are told apart.
    pub const ALL: [Self; 4] = [
        Self::Murmur2,
        Self::Crc32,
        Self::Fnv1a,
        Self::Fnv1aReference,
    ];

    /// Its name, and who uses it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Murmur2 => {
                "murmur2 (the Java client; librdkafka with partitioner=murmur2_random)"
            }
            Self::Crc32 => "CRC-32 (librdkafka's default, consistent_random)",
            Self::Fnv1a => "FNV-1a (Sarama's default; librdkafka with partitioner=fnv1a_random)",
            Self::Fnv1aReference => "FNV-1a (Sarama's reference partitioner)",
        }
    }

    /// The partition of a key; `partitions` below 1 counts as 1.
    pub fn partition(self, key: &[u8], partitions: i32) -> i32 {
        let partitions = partitions.max(1).unsigned_abs();
        let hash = match self {
            Self::Murmur2 => murmur2(key) & 0x7fff_ffff,
            Self::Crc32 => crc32(key),
            Self::Fnv1a => (fnv1a(key) as i32).unsigned_abs(),
            Self::Fnv1aReference => fnv1a(key) & 0x7fff_ffff,
        };
        (hash % partitions) as i32
    }
}

/// The partition of a key as our own producers find it; `partitions` below 1 counts as 1.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    Partitioner::Murmur2.partition(key, partitions)
}

/// CRC-32 of IEEE 802.3, bit by bit: only samples are hashed so.
fn crc32(key: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    !key.iter()
        .fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// FNV-1a, 32 bits.
fn fnv1a(key: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    key.iter().fold(0x811c_9dc5, step)
}

/// Kafka's variant of MurmurHash2, 32 bits.
fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let (words, rest) = key.as_chunks::<4>();
    let mut hash = SEED ^ key.len() as u32;
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_as_java_does() {
        let hash = |key: &str| murmur2(key.as_bytes()) as i32;
        assert_eq!(hash("21"), -973_932_308);
        assert_eq!(hash("foobar"), -790_332_482);
        assert_eq!(hash("a-little-bit-long-string"), -985_981_536);
        assert_eq!(hash("a-little-bit-longer-string"), -1_486_304_829);
        assert_eq!(
            hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"),
            -58_897_971
        );
        assert_eq!(hash("abc"), 479_470_107);
    }

    /// The check values of the two standards.
    #[test]
    fn hashes_as_other_clients_do() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
        assert_eq!(fnv1a(b""), 0x811c_9dc5);
        // 0xbf9c_f968 is negative as a signed number: its absolute value is 0x4063_0698, without the sign 0x3f9c_f968.
        assert_eq!(Partitioner::Fnv1a.partition(b"foobar", 7), 0x4063_0698 % 7);
        let reference = Partitioner::Fnv1aReference.partition(b"foobar", 7);
        assert_eq!(reference, 0x3f9c_f968 % 7);
    }

    #[test]
    fn partitions_are_in_range() {
        for partitions in [1, 2, 7, 50] {
            for key in ["", "1", "13800138000", "p-0001"] {
                for partitioner in Partitioner::ALL {
                    let partition = partitioner.partition(key.as_bytes(), partitions);
                    assert!((0..partitions).contains(&partition));
                }
            }
        }
        assert_eq!(partition_of(b"foobar", 0), 0);
    }
}
