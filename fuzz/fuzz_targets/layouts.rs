//! Records of other systems, through every layout that comes with the program. The first byte chooses one.
#![no_main]

use churnwatch::decode::{DecodeSettings, Decoder, LayoutText, Layouts, READY, Scratch};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(DecodeSettings::default()).unwrap());
static LAYOUTS: LazyLock<Vec<Layouts>> = LazyLock::new(|| {
    let layouts = READY.iter().map(|(name, text)| {
        let text = LayoutText {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        Layouts::new(&[text]).unwrap()
    });
    layouts.collect()
});

fuzz_target!(|bytes: &[u8]| {
    let [choice, lines @ ..] = bytes else { return };
    let layouts = &LAYOUTS[usize::from(*choice) % LAYOUTS.len()];
    let mut scratch = Scratch::default();
    let mut form = layouts.of_file("x", lines.split(|byte| *byte == b'\n').next().unwrap_or_default());
    for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
        if form.is_heading(line, number == 0) != Ok(false) {
            continue;
        }
        let mut out = Vec::new();
        let read = DECODER.rewrite(&form, line, &mut scratch, &mut out);
        if matches!(read, Ok(Some(_))) && form.name().is_some() {
            assert!(DECODER.decode(&out).is_ok(), "what can be read can be read in its new form");
        }
        let _ = form.trace(line, &mut scratch);
    }
});
