use super::outgoing::Outgoing;
use crate::model::{Reject, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::borrow::Cow;

/// A refused record as it came in. Not printable: it may hold a subscriber's number in the clear.
#[derive(Clone, Copy)]
pub struct Original<'a> {
    /// Where it came from.
    pub source: &'a Source,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// What the headers that this room adds begin with.
const PREFIX: &str = "errors.";

/// The original with `errors.*` headers. Those of an earlier refusal, should the record be a replayed dead letter,
/// give way.
pub(super) fn outgoing(original: &Original<'_>, reject: &Reject) -> Outgoing {
    let bytes = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let kept = original.headers.iter();
    let kept = kept.filter(|(name, _)| !name.starts_with(PREFIX));
    let kept = kept.map(|(name, value)| (Cow::Owned((*name).to_owned()), bytes(*value)));
    let Source {
        topic,
        partition,
        offset,
    } = original.source;
    let errors = [
        ("errors.topic", topic.to_string()),
        ("errors.partition", partition.to_string()),
        ("errors.offset", offset.to_string()),
        ("errors.reason", reject.reason().to_owned()),
        ("errors.message", reject.to_string()),
    ];
    let errors = errors
        .into_iter()
        .map(|(name, value)| (Cow::Borrowed(name), Some(value.into_bytes())));
    Outgoing {
        key: bytes(original.key),
        value: bytes(original.value),
        headers: kept.chain(errors).collect(),
        subject: String::new(),
    }
}

/// A dead letter in a file. Bytes that are not UTF-8 are in base64 under another name.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    reason: &'static str,
    message: String,
    source: SourceJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl<'a> Line<'a> {
    pub(super) fn new(original: &Original<'a>, reject: &Reject) -> Self {
        let (key, key_base64) = text_or_base64(original.key);
        let (value, value_base64) = text_or_base64(original.value);
        Self {
            reason: reject.reason(),
            message: reject.to_string(),
            source: SourceJson::new(original.source),
            key,
            key_base64,
            value,
            value_base64,
        }
    }
}

fn text_or_base64(bytes: Option<&[u8]>) -> (Option<&str>, Option<String>) {
    match bytes.map(str::from_utf8) {
        None => (None, None),
        Some(Ok(text)) => (Some(text), None),
        Some(Err(_)) => (None, bytes.map(|bytes| STANDARD.encode(bytes))),
    }
}

/// A record's place.
#[derive(Serialize)]
pub(super) struct SourceJson<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
}

impl<'a> SourceJson<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            topic: &source.topic,
            partition: source.partition,
            offset: source.offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_in_padded_base64() {
        assert_eq!(text_or_base64(None), (None, None));
        assert_eq!(text_or_base64(Some(b"foobar")), (Some("foobar"), None));
        for (bytes, text) in [
            (&[0xff][..], "/w=="),
            (&[0xff, 0xfb], "//s="),
            (&[0xff, 0xfb, 0xf0], "//vw"),
        ] {
            assert_eq!(text_or_base64(Some(bytes)), (None, Some(text.to_owned())));
        }
    }
}
