//! Records of other systems, brought into form by layouts.

use churnwatch::decode::{DecodeSettings, Decoder, Form, LayoutText, Layouts, READY, Scratch};
use churnwatch::model::Reject;
use proptest::prelude::*;

const HEAD: &str =
    "format = \"json\"\nzone = \"Asia/Shanghai\"\n[fields]\nrecord_id = { from = \"id\" }\n";
const CALL: &str = "record_type = { value = \"mo_call\" }\nmsisdn = { from = \"a\" }\nevent_timestamp = { from = \"at\" }\n";

fn layouts(text: &str) -> Result<Layouts, Vec<String>> {
    let text = LayoutText {
        name: "layout.toml".to_owned(),
        text: text.to_owned(),
    };
    let said = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect();
    Layouts::new(&[text]).map_err(said)
}

fn decoder() -> Decoder {
    Decoder::new(DecodeSettings::default()).unwrap()
}

/// What a layout of calls makes of a record with one field more.
fn made(field: &str, record: &str) -> String {
    let layouts = layouts(&format!("{HEAD}{CALL}{field}")).unwrap();
    rewritten(layouts.of_topic("any"), record)
}

fn rewritten(form: &Form, record: &str) -> String {
    let mut out = Vec::new();
    let _ = decoder().rewrite(form, record.as_bytes(), &mut Scratch::default(), &mut out);
    String::from_utf8(out).unwrap()
}

/// The value that a layout makes of a field.
fn value(field: &str, of: &str, record: &str) -> Option<String> {
    let made: serde_json::Value = serde_json::from_str(&made(field, record)).unwrap();
    made.get(of).map(ToString::to_string)
}

#[test]
fn a_value_comes_from_where_the_layout_says() {
    for (field, of, record, expected) in [
        (
            r#"brand = { from = "x" }"#,
            "brand",
            r#"{"x":"one"}"#,
            Some(r#""one""#),
        ),
        (
            r#"brand = { from = ["x", "y.z"] }"#,
            "brand",
            r#"{"x":null,"y":{"z":"two"}}"#,
            Some(r#""two""#),
        ),
        (
            r#"brand = { from = "x[1].y" }"#,
            "brand",
            r#"{"x":[{"y":"no"},{"y":"yes"}]}"#,
            Some(r#""yes""#),
        ),
        (
            r#"brand = { join = ["x", "y"], with = "-" }"#,
            "brand",
            r#"{"x":1,"y":"b"}"#,
            Some(r#""1-b""#),
        ),
        (
            r#"brand = { join = ["x", "y"] }"#,
            "brand",
            r#"{"x":1}"#,
            None,
        ),
        (
            r#"brand = { value = "one" }"#,
            "brand",
            "{}",
            Some(r#""one""#),
        ),
        (
            r#"brand = { from = "x" }"#,
            "brand",
            r#"{"x":{"y":1}}"#,
            None,
        ),
        (
            r#"brand = { from = "x" }"#,
            "brand",
            r#"{"x":"a\"bü"}"#,
            Some(r#""a\"bü""#),
        ),
        (
            r#"region = { list = ["x", "y", "z"] }"#,
            "region",
            r#"{"x":"HQ","z":"Shenzhen"}"#,
            Some(r#"["HQ","Shenzhen"]"#),
        ),
        (
            r#"region = { from = "x" }"#,
            "region",
            r#"{"x":["HQ","44"]}"#,
            Some(r#"["HQ","44"]"#),
        ),
        (
            r#"uplink_volume_bytes = { from = "l[*].up" }"#,
            "uplink_volume_bytes",
            r#"{"l":[{"up":3},{"down":1},{"up":4}]}"#,
            Some("7"),
        ),
        (
            "plan.id = { from = \"x\" }\nplan.data_mb = { from = \"y\", unit = \"GB\" }",
            "plan",
            r#"{"x":"P","y":"1.5"}"#,
            Some(r#"{"data_mb":1500,"id":"P"}"#),
        ),
        (
            r#"vip = { from = "x", values = { Y = true, N = false } }"#,
            "vip",
            r#"{"x":"Y"}"#,
            Some("true"),
        ),
    ] {
        assert_eq!(
            value(field, of, record).as_deref(),
            expected,
            "{field} {record}"
        );
    }
}

#[test]
fn steps_are_done_in_their_order() {
    for (field, of, record, expected) in [
        (
            r#"brand = { from = "x", strip_prefix = ["00", "0"], strip_suffix = "F" }"#,
            "brand",
            r#"{"x":"0012F"}"#,
            Some(r#""12""#),
        ),
        (
            r#"brand = { from = "x", remove = " -" }"#,
            "brand",
            r#"{"x":"1 2-3"}"#,
            Some(r#""123""#),
        ),
        (
            r#"brand = { from = "x", replace = { pattern = "[0-9]{2}$", with = "!" } }"#,
            "brand",
            r#"{"x":"1234"}"#,
            Some(r#""12!""#),
        ),
        (
            r#"brand = { from = "x", values = { a = "A", b = "" }, otherwise = "C" }"#,
            "brand",
            r#"{"x":"a"}"#,
            Some(r#""A""#),
        ),
        (
            r#"brand = { from = "x", values = { a = "A", b = "" }, otherwise = "C" }"#,
            "brand",
            r#"{"x":"b"}"#,
            None,
        ),
        (
            r#"brand = { from = "x", values = { a = "A", b = "" }, otherwise = "C" }"#,
            "brand",
            r#"{"x":"d"}"#,
            Some(r#""C""#),
        ),
        (
            r#"duration_seconds = { from = "x", unit = "ds" }"#,
            "duration_seconds",
            r#"{"x":125}"#,
            Some("13"),
        ),
        (
            r#"duration_seconds = { from = "x", unit = "hh:mm:ss" }"#,
            "duration_seconds",
            r#"{"x":"1:00:01"}"#,
            Some("3601"),
        ),
        (
            r#"duration_seconds = { from = "x", unit = "ds" }"#,
            "duration_seconds",
            r#"{"x":"soon"}"#,
            Some(r#""soon""#),
        ),
        (
            r#"amount = { from = "x", decimal = "," }"#,
            "amount",
            r#"{"x":"12,5"}"#,
            Some("12.5"),
        ),
        (
            r#"amount = { from = "x", unit = "cents" }"#,
            "amount",
            r#"{"x":1250}"#,
            Some("12.5"),
        ),
        (
            r#"due_on = { from = "x", time = "%d/%m/%Y" }"#,
            "due_on",
            r#"{"x":"05/03/2026"}"#,
            Some(r#""2026-03-05""#),
        ),
        (
            r#"period = { from = "x", time = "%Y%m" }"#,
            "period",
            r#"{"x":"202603"}"#,
            Some(r#""2026-03""#),
        ),
        (
            r#"birthday = { from = "x", time = "%d.%m." }"#,
            "birthday",
            r#"{"x":"29.02."}"#,
            Some(r#""02-29""#),
        ),
        // An instant's day is that of the zone.
        (
            r#"due_on = { from = "x", time = "epoch_s" }"#,
            "due_on",
            r#"{"x":1772409600}"#,
            Some(r#""2026-03-02""#),
        ),
    ] {
        assert_eq!(
            value(field, of, record).as_deref(),
            expected,
            "{field} {record}"
        );
    }
}

#[test]
fn moments_are_read_in_every_way_of_writing_them() {
    for (time, text, ms) in [
        (r#""%Y%m%d%H%M%S""#, "20260302091507", 1_772_414_107_000_i64),
        (
            r#"["rfc3339", "%d.%m.%Y %H:%M"]"#,
            "02.03.2026 09:15",
            1_772_414_100_000,
        ),
        (
            r#""rfc3339""#,
            "2026-03-02T09:15:07+08:00",
            1_772_414_107_000,
        ),
        (r#""rfc3339""#, "2026-03-02T09:15:07", 1_772_414_107_000),
        (
            r#""%Y-%m-%d %H:%M:%S %z""#,
            "2026-03-02 01:15:07 +0000",
            1_772_414_107_000,
        ),
        (r#""epoch_s""#, "1772414107.25", 1_772_414_107_250),
        (r#""epoch_us""#, "1772414107250999", 1_772_414_107_250),
        (r#""3gpp""#, "2603020915072B0800", 1_772_414_107_000),
        (r#""3gpp""#, "260301201507-0500", 1_772_414_107_000),
        // Twice on the clock, and never on it.
        (
            r#""%Y-%m-%d %H:%M:%S", zone = "Europe/Berlin""#,
            "2026-10-25 02:30:00",
            1_792_888_200_000,
        ),
        (
            r#""%Y-%m-%d %H:%M:%S", zone = "Europe/Berlin""#,
            "2026-03-29 02:30:00",
            1_774_747_800_000,
        ),
    ] {
        let layout = format!(
            "{HEAD}record_type = {{ value = \"mo_call\" }}\nmsisdn = {{ from = \"a\" }}\nevent_timestamp = {{ from = \"at\", time = {time} }}\n"
        );
        let layouts = layouts(&layout).unwrap();
        let made = rewritten(layouts.of_topic("any"), &format!("{{\"at\":\"{text}\"}}"));
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["event_timestamp"], ms, "{time} {text}");
    }
}

#[test]
fn kinds_of_records_are_told_apart() {
    let layouts = layouts(
        r#"
        format = "json"
        [[skip]]
        from = "kind"
        in = [0]
        [fields]
        record_id = { hash = ["a", "at", "kind"] }
        msisdn = { from = "a" }
        event_timestamp = { from = "at" }
        record_type = { value = "mo_call" }
        [[variants]]
        name = "messages"
        when = [{ from = "kind", in = [2, 3] }, { from = "b", empty = false }]
        fields.record_type = { from = "kind", values = { 2 = "mo_sms", 3 = "mt_sms" } }
        [[variants]]
        name = "calls"
        when = { from = "kind", not_in = [2, 3, 9] }
        "#,
    )
    .unwrap();
    let form = layouts.of_topic("any");
    let kind = |record: &str| {
        let record = format!("{{\"a\":\"13800138000\",\"at\":1772414107000,{record}}}");
        let mut scratch = Scratch::default();
        decoder()
            .decode_as(form, record.as_bytes(), &mut scratch)
            .map(|read| read.is_some())
    };
    assert_eq!(kind(r#""kind":2,"b":"1""#), Ok(true));
    assert_eq!(kind(r#""kind":1"#), Ok(true));
    assert_eq!(kind(r#""kind":0"#), Ok(false));
    let reject = kind(r#""kind":9"#).unwrap_err();
    assert_eq!(reject.reason(), "unknown_variant");
    assert!(reject.to_string().contains("`kind` is like 9"), "{reject}");
}

#[test]
fn a_record_that_cannot_be_mapped_says_why_and_nothing_else() {
    let layouts = layouts(&format!(
        "{HEAD}{CALL}duration_seconds = {{ from = \"d\", required = true }}\n"
    ))
    .unwrap();
    let form = layouts.of_topic("any");
    let reject = |record: &str| -> Reject {
        let mut scratch = Scratch::default();
        decoder()
            .decode_as(form, record.as_bytes(), &mut scratch)
            .unwrap_err()
    };
    let number = reject(r#"{"id":"1","a":"1380013800O","at":1772414107000,"d":1}"#);
    assert_eq!(number.reason(), "invalid_msisdn");
    let said = number.to_string();
    assert!(
        said.starts_with("layout `layout`: ") && said.ends_with("(`a` is like 9999999999a)"),
        "{said}"
    );
    let time = reject(r#"{"id":"1","a":"13800138000","at":"02.03.2026","d":1}"#);
    assert_eq!(time.reason(), "invalid_field");
    assert!(
        time.to_string().ends_with("(`at` is like 99.99.9999)"),
        "{time}"
    );
    let patterned = layouts_of_pattern();
    let mut scratch = Scratch::default();
    let record = r#"{"id":"1","a":"13800138000","at":"02.03.2026"}"#;
    let read = decoder()
        .decode_as(patterned.of_topic("any"), record.as_bytes(), &mut scratch)
        .map(|_| ());
    let time = read.unwrap_err().to_string();
    assert!(
        time.ends_with("(`at` is like 99.99.9999); the layout reads times like `%Y-%m-%d`"),
        "{time}"
    );
    let lacking = reject(r#"{"id":"1","a":"13800138000","at":1772414107000}"#);
    assert_eq!(lacking.reason(), "missing_field");
    assert!(
        lacking
            .to_string()
            .ends_with("field `duration_seconds` is missing (`d` is empty)"),
        "{lacking}"
    );
    // Nor does such a record find its way to another topic.
    let mut out = Vec::new();
    let record = br#"{"id":"1","a":"13800138000","at":1772414107000}"#;
    let way = decoder().address_as(form, record, &mut Scratch::default(), &mut out);
    assert_eq!(way.unwrap_err().reason(), "missing_field");
    assert_eq!(reject("{\"id\"").reason(), "not_json");
}

fn layouts_of_pattern() -> Layouts {
    let call = CALL.replace(
        "{ from = \"at\" }",
        "{ from = \"at\", time = \"%Y-%m-%d\" }",
    );
    layouts(&format!("{HEAD}{call}")).unwrap()
}

#[test]
fn mistakes_of_a_layout_are_named_with_their_lines() {
    for (text, expected) in [
        ("format = \"xml\"", "layout.toml:1: "),
        (
            "format = \"json\"\n[fields]\nmsisdm = { from = \"a\" }",
            "layout.toml:3: fields.msisdm: is no field\n    did you mean `msisdn`?",
        ),
        (
            "format = \"json\"\n[fields]\nmsisdn = { form = \"a\" }",
            "layout.toml:3: unknown field `form`",
        ),
        (
            "format = \"json\"\n[fields]\nmsisdn = { from = \"a\" }",
            "makes no `record_type`, `record_id`, `event_timestamp`",
        ),
        (
            "format = \"json\"\n[fields]\nmsisdn = { required = true }",
            "layout.toml:3: fields.msisdn: has no origin",
        ),
        (
            "format = \"json\"\n[fields]\nbrand = { from = \"a..b\" }",
            "`a..b` is no path",
        ),
        (
            "format = \"json\"\n[fields]\nrecord_type = { value = \"call\" }",
            "`call` is no record_type",
        ),
        (
            "format = \"json\"\n[fields]\ncause_for_termination = { from = \"c\", values = { 41 = \"droped\" } }",
            "`droped` is no cause_for_termination\n    did you mean `dropped`?",
        ),
        (
            "format = \"json\"\n[fields]\nduration_seconds = { from = \"a\", unit = \"kB\" }",
            "cannot be in `kB`\n    choose one of `us`",
        ),
        (
            "format = \"json\"\n[fields]\nbrand = { from = \"a\", unit = \"s\" }",
            "is no quantity",
        ),
        (
            "format = \"json\"\n[fields]\nevent_timestamp = { from = \"a\", time = \"%Y-%m-%d\" }",
            "no time zone is stated",
        ),
        (
            "format = \"json\"\nzone = \"Mars\"",
            "layout.toml:2: zone: `Mars` is no time zone",
        ),
        (
            "format = \"json\"\n[fields]\nbrand = { from = \"a\", time = \"rfc3339\" }",
            "the field is no time",
        ),
        (
            "format = \"json\"\n[fields]\nbrand = { from = \"a\", replace = { pattern = \"(\", with = \"\" } }",
            "is no regular expression",
        ),
        (
            "format = \"json\"\n[fields]\nbrand = { from = \"a\", otherwise = \"b\" }",
            "would take the place of every value",
        ),
        (
            "format = \"csv\"\ncsv.columns = [\"aa\"]\n[fields]\nbrand = { from = \"ab\" }",
            "there is no column `ab`; choose one of `aa`",
        ),
        (
            "format = \"csv\"\ncsv.header = true\nchoose.topic = \"x\"",
            "a topic has no first line",
        ),
        (
            "format = \"csv\"\ncsv.delimiter = \"ab\"",
            "is not one ASCII character",
        ),
        ("format = \"csv\"\nencoding = \"klingon\"", "is no encoding"),
        (
            "format = \"fixed\"\n[fixed.columns]\na = [0, 1]\n[fields]\nbrand = { from = \"a\" }",
            "layout.toml:3: fixed.columns.a: is no place",
        ),
        (
            "format = \"json\"\n[[variants]]\nname = \"a\"\nwhen = { from = \"a\" }",
            "needs `in`, `not_in` or `empty`",
        ),
    ] {
        let problems = layouts(text).unwrap_err();
        assert!(
            problems.iter().any(|problem| problem.contains(expected)),
            "{text}\n{problems:#?}"
        );
    }
}

#[test]
fn columns_are_found_by_a_files_first_line() {
    let text = "format = \"csv\"\ncsv.header = true\n[fields]\nrecord_id = { hash = \"record\" }\n"
        .to_owned()
        + CALL;
    let layouts = layouts(&text).unwrap();
    let mut form = layouts.of_file("calls.csv", b"at,x,a");
    assert_eq!(form.is_heading(b"at,x,a", true), Ok(true));
    assert_eq!(
        form.is_heading(b"1772414107000,,13800138000", false),
        Ok(false)
    );
    // Files that were joined have it again.
    assert_eq!(form.is_heading(b"at,x,a", false), Ok(true));
    assert!(rewritten(&form, "1772414107000,,13800138000").contains(r#""msisdn":"13800138000""#));
    let mut scratch = Scratch::default();
    let short = decoder()
        .decode_as(&form, b"1772414107000,13800138000", &mut scratch)
        .unwrap_err();
    assert_eq!(short.reason(), "not_a_row");
    let lacking = layouts
        .of_file("calls.csv", b"at,x")
        .is_heading(b"at,x", true)
        .unwrap_err();
    assert!(lacking.contains("there is no column `a`"), "{lacking}");
}

#[test]
fn a_layout_is_chosen_by_topic_file_and_header() {
    let text = |name: &str, choose: &str| LayoutText {
        name: name.to_owned(),
        text: format!(
            "name = {name:?}\n{choose}\nformat = \"csv\"\ncsv.columns = [\"id\", \"a\", \"at\"]\n[fields]\nrecord_id = {{ from = \"id\" }}\n{CALL}"
        ),
    };
    let layouts = Layouts::new(&[
        text("one", "choose = { topic = \"one-*\", file = \"one*.csv\" }"),
        text("two", "choose = { file = [\"two*\"], header = [\"zz\"] }"),
    ])
    .unwrap();
    let topic = |name: &str| layouts.of_topic(name).name().map(str::to_owned);
    let file = |path: &str, first: &str| {
        layouts
            .of_file(path, first.as_bytes())
            .name()
            .map(str::to_owned)
    };
    assert_eq!(topic("one-calls").as_deref(), Some("one"));
    assert_eq!(topic("two"), None);
    assert_eq!(file("/in/one-1.csv", "").as_deref(), Some("one"));
    assert_eq!(file("two", "a,zz").as_deref(), Some("two"));
    assert_eq!(file("two", "a,b"), None);
    assert_eq!(file("one.csv.gz", "").as_deref(), Some("one"));
    assert_eq!(file("-", "").as_deref(), Some("one"));
    assert_eq!(file("three", "x"), None);
    let for_all = [text("one", ""), text("two", "")];
    let problem = Layouts::new(&for_all).unwrap_err()[0].to_string();
    assert!(
        problem.contains("two: choose: the layout is never used: `one` before it"),
        "{problem}"
    );
}

/// The layouts that come with the program.
fn ready() -> Vec<Layouts> {
    let texts = READY.iter().map(|(name, text)| LayoutText {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    });
    texts.map(|text| Layouts::new(&[text]).unwrap()).collect()
}

/// Bytes that are nearly a record: a sample's line with something done to it.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let samples = std::fs::read_dir("schemas/layouts/samples").unwrap();
    let lines: Vec<Vec<u8>> = samples
        .flat_map(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    let line = proptest::sample::select(lines);
    (
        line,
        any::<Vec<(prop::sample::Index, u8)>>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(mut line, changes, end)| {
            for (place, byte) in changes.iter().take(4) {
                if !line.is_empty() {
                    let place = place.index(line.len());
                    line[place] = *byte;
                }
            }
            line.truncate(end.index(line.len() + 1));
            line
        })
}

proptest! {
    #[test]
    fn no_bytes_break_a_layout(bytes in prop_oneof![nearly(), any::<Vec<u8>>()]) {
        let decoder = decoder();
        for layouts in ready() {
            let mut form = layouts.of_file("x", &bytes);
            let _ = form.is_heading(&bytes, true);
            let mut scratch = Scratch::default();
            let mut out = Vec::new();
            let read = decoder.rewrite(&form, &bytes, &mut scratch, &mut out);
            // What can be read can be read in its new form.
            if matches!(read, Ok(Some(_))) {
                let record = if form.name().is_some() { &out } else { &bytes };
                prop_assert!(decoder.decode(record).is_ok());
            }
        }
    }
}
