//! Files of BER, cut into records and read by the layout that comes with the program. The first byte chooses what is known of
//! the file.
#![no_main]

use churnwatch::decode::{DecodeSettings, Decoder, Framing, LayoutText, Layouts, READY, Scratch, suggest};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DECODERS: LazyLock<Vec<Decoder>> = LazyLock::new(|| {
    let (_, text) = READY.iter().find(|(name, _)| *name == "3gpp-ber").unwrap();
    let rules = ["", "[ber]\nblock = 64\n", "[ber]\nfile_header = \"ts32297\"\n", "[ber]\nfile_header = \"none\"\n"];
    let decoders = rules.map(|rules| {
        let text = LayoutText {
            name: "ber".to_owned(),
            text: text.replace("[choose]", &format!("{rules}[choose]")),
        };
        let settings = DecodeSettings {
            record_bytes_max: 1024,
            ..DecodeSettings::default()
        };
        let decoder = Decoder::new(settings).unwrap();
        decoder.with_layouts(Layouts::new(&[text]).unwrap())
    });
    decoders.into()
});

fuzz_target!(|bytes: &[u8]| {
    let [choice, file @ ..] = bytes else { return };
    let decoder = &DECODERS[usize::from(*choice) % DECODERS.len()];
    let form = decoder.layouts().of_file("x.ber", file);
    let Framing::Ber(mut cutter) = decoder.framing("x.ber", file) else {
        panic!("the layout is of BER");
    };
    let mut scratch = Scratch::default();
    let mut records = Vec::new();
    let mut left = file;
    while let Some(cut) = cutter.cut(left, true) {
        let (cut_off, rest) = left[cut.skip..].split_at(cut.record);
        let lost = usize::try_from(cut.lost).unwrap_or(usize::MAX);
        left = &rest[lost.min(rest.len())..];
        if cut.record > 0 {
            records.push(cut_off);
        }
    }
    assert!(left.is_empty(), "all of the file is cut");
    records.push(file);
    for record in &records {
        let mut out = Vec::new();
        let read = decoder.rewrite(&form, record, &mut scratch, &mut out);
        if matches!(read, Ok(Some(_))) {
            assert!(decoder.decode(&out).is_ok(), "what can be read can be read in its new form");
        }
        let _ = form.trace(record, &mut scratch);
    }
    let _ = suggest("fuzz", &[file.to_vec()]);
});
