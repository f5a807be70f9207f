/// The partition of a key: murmur2 as Java's default partitioner and librdkafka's `murmur2_random` compute it.
///
/// `partitions` below 1 counts as 1.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let positive = (murmur2(key) & 0x7fff_ffff) as i32;
    positive % partitions.max(1)
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

    #[test]
    fn partitions_are_in_range() {
        for partitions in [1, 2, 7, 50] {
            for key in ["", "1", "13800138000", "p-0001"] {
                let partition = partition_of(key.as_bytes(), partitions);
                assert!((0..partitions).contains(&partition));
            }
        }
        assert_eq!(partition_of(b"foobar", 0), 0);
    }
}
