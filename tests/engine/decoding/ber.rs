//! Records in BER, brought into form by layouts.

use crate::support::ber::{all, call_made, constructed, session};
use churnwatch::decode::{
    DecodeSettings, Decoder, Framing, LayoutText, Layouts, READY, Scratch, suggest,
};
use proptest::prelude::*;
use serde_json::Value;

const HEAD: &str = "format = \"ber\"\n[fields]\nrecord_id = { hash = \"record\" }\nrecord_type = { value = \"mo_call\" }\n\
                    msisdn = { from = \"0.3\", read = \"address\" }\nevent_timestamp = { from = \"0.23\", time = \"3gpp\" }\n";

fn decoder(layout: &str) -> Result<Decoder, String> {
    let text = LayoutText {
        name: "layout.toml".to_owned(),
        text: layout.to_owned(),
    };
    let layouts = Layouts::new(&[text]).map_err(|problems| {
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        problems.join("\n")
    })?;
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    Ok(decoder.with_layouts(layouts))
}

/// A field that a layout makes of a record.
fn value(field: &str, of: &str, record: &[u8]) -> Option<String> {
    let decoder = decoder(&format!("{HEAD}{field}")).unwrap();
    let form = decoder.layouts().of_topic("any");
    let mut out = Vec::new();
    let _ = decoder.rewrite(form, record, &mut Scratch::default(), &mut out);
    let made: Value = serde_json::from_slice(&out).unwrap();
    made.get(of).map(ToString::to_string)
}

fn ready() -> Decoder {
    let (_, text) = READY.iter().find(|(name, _)| *name == "3gpp-ber").unwrap();
    decoder(text).unwrap()
}

#[test]
fn octets_become_values_as_the_layout_says() {
    let call = call_made();
    let session = session(7, &[(256, 1), (-1, 255)]);
    for (field, of, record, expected) in [
        (
            r#"msisdn = { from = "0.3", read = "address" }"#,
            "msisdn",
            &call,
            Some(r#""+8613800138003""#),
        ),
        (
            r#"imei = { from = "0.2", read = "tbcd" }"#,
            "imei",
            &call,
            Some(r#""3520990017614820""#),
        ),
        (
            r#"duration_seconds = { from = "0.25", read = "integer", unit = "ds" }"#,
            "duration_seconds",
            &call,
            Some("12"),
        ),
        (
            r#"brand = { from = "0.12.0" }"#,
            "brand",
            &call,
            Some(r#""1a2b""#),
        ),
        (r#"brand = { from = "0.12" }"#, "brand", &call, None),
        (
            r#"brand = { from = "0.30", read = "integer", values = { 0 = "zero" } }"#,
            "brand",
            &call,
            Some(r#""zero""#),
        ),
        (
            r#"brand = { from = "0.25", when = { from = "0.0", in = "00" } }"#,
            "brand",
            &call,
            Some(r#""78""#),
        ),
        (
            r#"brand = { from = "0.25", when = { from = "0.0", in = 0 } }"#,
            "brand",
            &call,
            None,
        ),
        (
            r#"brand = { from = ["79.6.0[0]", "79.6.0"] }"#,
            "brand",
            &session,
            Some(r#""c0000207""#),
        ),
        (
            r#"brand = { from = ["0.12.0[0]", "0.12.0"] }"#,
            "brand",
            &call,
            Some(r#""1a2b""#),
        ),
        // What is not written so is no value: digits of octets could pass for a number.
        (
            r#"duration_seconds = { from = "0.23", read = "integer" }"#,
            "duration_seconds",
            &call,
            None,
        ),
        (
            r#"imei = { from = "0.23", read = "tbcd" }"#,
            "imei",
            &call,
            Some(r#""623020905170#28000""#),
        ),
        (
            r#"brand = { from = "0.32", read = "address" }"#,
            "brand",
            &call,
            None,
        ),
        (
            r#"brand = { from = "79.18", read = "utf8" }"#,
            "brand",
            &session,
            Some(r#""pgw1""#),
        ),
        (
            r#"brand = { from = "79.6.0[1]" }"#,
            "brand",
            &session,
            Some(r#""c0000208""#),
        ),
        (
            r#"brand = { from = "79.12.u16[1].3", read = "integer" }"#,
            "brand",
            &session,
            Some(r#""-1""#),
        ),
        (
            r#"uplink_volume_bytes = { from = "79.12.u16[*].3", read = "integer" }"#,
            "uplink_volume_bytes",
            &session,
            Some("255"),
        ),
        (
            r#"downlink_volume_bytes = { from = "79.12.u16[*].4", read = "integer", unit = "KiB" }"#,
            "downlink_volume_bytes",
            &session,
            Some("262144"),
        ),
    ] {
        // The field of the head gives way.
        let field = match field.starts_with("msisdn") {
            true => "",
            false => field,
        };
        assert_eq!(value(field, of, record).as_deref(), expected, "{field}");
    }
}

#[test]
fn a_damaged_record_says_where_and_nothing_else() {
    let decoder = ready();
    let form = decoder.layouts().of_topic("cdr-ber-1");
    let call = call_made();
    let two = [call.clone(), call.clone()].concat();
    let mut long = call.clone();
    long[1] += 1;
    let mut inside = call.clone();
    inside[6] = 0x70;
    for (record, expected) in [
        (&call[..40], "at octet 0: a value goes beyond the end"),
        (&long, "at octet 0: a value goes beyond the end"),
        (&inside, "at octet 5: a value goes beyond the end"),
        (&two, "octet 107: something follows the record"),
        (b"{}", "at octet 0: a value goes beyond the end"),
        (b"OK", "at octet 0: a value goes beyond the end"),
        (&[], "at octet 0: a value goes beyond the end"),
    ] {
        let mut scratch = Scratch::default();
        let reject = decoder.decode_as(form, record, &mut scratch).unwrap_err();
        assert_eq!(reject.reason(), "not_ber");
        let said = reject.to_string();
        assert!(
            said.starts_with("layout `3gpp-ber`: the record is damaged BER: "),
            "{said}"
        );
        assert!(said.ends_with(expected), "{said}");
    }
    for (octets, said) in [
        (
            &[0x91, 0xab],
            "msisdn looks like a number with something wrong in it",
        ),
        (&[0x91, 0xff], "field `msisdn` is missing"),
    ] {
        let number = [&[0x83, 0x02], &octets[..]].concat();
        let record = constructed(0, &[vec![0x80, 0x01, 0x00], number]);
        let mut scratch = Scratch::default();
        let reject = decoder.decode_as(form, &record, &mut scratch);
        let message = reject.unwrap_err().to_string();
        assert!(message.contains(said), "{message}");
        assert!(
            message.ends_with("(`0.3` is like 99aa), variant `calls made`"),
            "{message}"
        );
    }
}

#[test]
fn mistakes_of_a_layout_are_named() {
    let head = HEAD.replace(
        "[fields]",
        "encoding = \"gb18030\"\n[ber]\nblock = 0\nfile_header = \"ts32297\"\n[fields]",
    );
    let problems = decoder(&head).unwrap_err();
    for said in [
        "encoding: does not go with BER",
        "ber.block: must be above 0",
        "does not go with `file_header",
    ] {
        assert!(problems.contains(said), "{said}: {problems}");
    }
    let problems = decoder(&HEAD.replace("address", "adress")).unwrap_err();
    assert!(
        problems.contains("tbcd") && problems.contains("utf8"),
        "{problems}"
    );
    let problems =
        decoder(&HEAD.replace("[fields]", "[ber]\nfile_header = \"yes\"\n[fields]")).unwrap_err();
    assert!(problems.contains("ts32297"), "{problems}");
}

#[test]
fn a_draft_names_values_by_their_tags() {
    let draft = suggest("cdr", &all());
    for said in [
        "format = \"ber\"",
        "event_timestamp = { from = \"0.22\", time = \"3gpp\" }",
        "msisdn = { from = \"0.3\", read = \"address\" }",
        "other_number = { from = \"0.5\", read = \"address\" }",
        "#   79.12.u16[*].3: 99 | 9a",
    ] {
        assert!(draft.contains(said), "{said}: {draft}");
    }
}

/// A record with something done to it, or anything.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let changed = (
        proptest::sample::select(all()),
        any::<Vec<(prop::sample::Index, u8)>>(),
        any::<prop::sample::Index>(),
    );
    let changed = changed.prop_map(|(mut record, changes, end)| {
        for (place, octet) in changes.iter().take(4) {
            let place = place.index(record.len());
            record[place] = *octet;
        }
        // Half of them are whole.
        record.truncate(2 * end.index(record.len() + 1));
        record
    });
    prop_oneof![changed, any::<Vec<u8>>()]
}

proptest! {
    #[test]
    fn no_octets_break_a_layout(record in nearly()) {
        let decoder = ready();
        let form = decoder.layouts().of_topic("cdr-ber-1");
        let mut scratch = Scratch::default();
        let mut out = Vec::new();
        let read = decoder.rewrite(form, &record, &mut scratch, &mut out);
        if matches!(read, Ok(Some(_))) {
            prop_assert!(decoder.decode(&out).is_ok());
        }
        let _ = form.trace(&record, &mut scratch);
        let _ = suggest("any", &[record]);
    }

    #[test]
    fn every_octet_of_a_file_is_cut_off_or_waits(file in nearly(), header in any::<Option<bool>>(), block in any::<Option<u8>>()) {
        let header = header.map_or(String::new(), |header| {
            format!("file_header = {:?}\n", if header { "ts32297" } else { "none" })
        });
        let block = block.filter(|_| !header.contains("ts32297"));
        let block = block.map_or(String::new(), |block| format!("block = {}\n", u64::from(block) + 1));
        let layout = HEAD.replace("[fields]", &format!("[ber]\n{header}{block}[fields]"));
        let decoder = decoder(&layout).unwrap();
        let Framing::Ber(mut cutter) = decoder.framing("any", &file) else {
            panic!("it is BER");
        };
        let mut at = 0;
        for _ in 0..=file.len() + 1 {
            let Some(cut) = cutter.cut(&file[at..], true) else { break };
            at += cut.skip + cut.record;
            at = at.saturating_add(usize::try_from(cut.lost).unwrap_or(usize::MAX)).min(file.len());
        }
        prop_assert_eq!(at, file.len());
    }
}
