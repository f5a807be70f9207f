//! Layouts themselves, and a record through those that are none with mistakes. A NUL separates the two.
#![no_main]

use churnwatch::decode::{DecodeSettings, Decoder, LayoutText, Layouts, Scratch, suggest};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(DecodeSettings::default()).unwrap());

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(text), record) = (parts.next(), parts.next().unwrap_or_default()) else {
        return;
    };
    let _ = suggest("fuzz", &[record.to_vec()]);
    let Ok(text) = str::from_utf8(text) else { return };
    let text = LayoutText {
        name: "fuzz".to_owned(),
        text: text.to_owned(),
    };
    if let Ok(layouts) = Layouts::new(&[text]) {
        let form = layouts.of_topic("x");
        let _ = DECODER.decode_as(form, record, &mut Scratch::default());
    }
});
