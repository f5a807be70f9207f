//! A record in Protobuf, by a schema with every type; and a schema of its own.
#![no_main]

use churnwatch::registry::Protobuf;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static PROTOBUF: LazyLock<Protobuf> = LazyLock::new(|| {
    let schema = r#"syntax = "proto3";
        import "google/protobuf/timestamp.proto";
        message M {
            int32 a = 1; sint64 b = 2; fixed32 c = 3; double d = 4; bool e = 5; string f = 6; bytes g = 7; Kind h = 8;
            M i = 9; google.protobuf.Timestamp j = 10; repeated sint32 k = 11; repeated fixed64 l = 12;
            repeated string m = 13; repeated M n = 14; map<string, M> o = 15; map<int32, Kind> p = 16;
            oneof which { int32 q = 17; M r = 18; string s = 19; }
        }
        enum Kind { NONE = 0; SOME = 1; }"#;
    Protobuf::new(schema, []).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let (mut room, mut out) = (Vec::new(), Vec::new());
    let framed = [b"\0", bytes].concat();
    if PROTOBUF.transcode(&framed, &mut room, &mut out).is_ok() {
        serde_json::from_slice::<serde_json::Value>(&out).unwrap();
    }
    if let Ok(schema) = str::from_utf8(bytes)
        && let Ok(protobuf) = Protobuf::new(schema, [])
    {
        let _ = protobuf.transcode(&framed, &mut room, &mut out);
    }
});
