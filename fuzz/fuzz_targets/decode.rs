//! Records as the schemas say: anything is an event or a reject.
#![no_main]

use churnwatch::decode::{DecodeSettings, Decoder};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(DecodeSettings::default()).unwrap());

fuzz_target!(|bytes: &[u8]| {
    let _ = DECODER.decode(bytes);
    let _ = DECODER.feed_of(bytes);
});
