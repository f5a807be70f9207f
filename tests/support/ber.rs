//! Charging records of 3GPP TS 32.298 in BER, and files of TS 32.297 with them. Who and what is in them is made up.

/// A value with a context-specific tag.
fn value(number: u8, constructed: bool, content: &[u8]) -> Vec<u8> {
    let class = if constructed { 0xa0 } else { 0x80 };
    let mut bytes = match number {
        0..31 => vec![class | number],
        _ => vec![class | 0x1f, number],
    };
    match content.len() {
        length @ 0..128 => bytes.push(length as u8),
        length @ 128..256 => bytes.extend([0x81, length as u8]),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}

fn primitive(number: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    value(number, false, content.as_ref())
}

/// A constructed value.
pub fn constructed(number: u8, content: &[Vec<u8>]) -> Vec<u8> {
    value(number, true, &content.concat())
}

/// A `SEQUENCE OF SEQUENCE`.
fn list(number: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let entries = entries.iter().map(|entry| {
        let mut bytes = vec![0x30, entry.len() as u8];
        bytes.extend(entry);
        bytes
    });
    value(number, true, &entries.collect::<Vec<_>>().concat())
}

fn tbcd(digits: &str) -> Vec<u8> {
    let digits = digits.as_bytes().chunks(2);
    let octet = |pair: &[u8]| match pair {
        [first, second] => (second - b'0') << 4 | (first - b'0'),
        [first] => 0xf0 | (first - b'0'),
        _ => 0xff,
    };
    digits.map(octet).collect()
}

/// A number behind its type and plan: 0x91 is international, 0xa1 national.
fn number(kind: &[u8], digits: &str) -> Vec<u8> {
    [kind, &tbcd(digits)].concat()
}

fn integer(whole: i64) -> Vec<u8> {
    let bytes = whole.to_be_bytes();
    let needless = |pair: &&[u8]| {
        matches!(pair, [0, next] if *next < 0x80) || matches!(pair, [0xff, next] if *next >= 0x80)
    };
    let skip = bytes.windows(2).take_while(needless).count();
    bytes[skip..].to_vec()
}

/// A time of 2 March 2026 in China.
fn time(hour: u8, minute: u8, second: u8) -> Vec<u8> {
    vec![0x26, 0x03, 0x02, hour, minute, second, 0x2b, 0x08, 0x00]
}

const SUBSCRIBER: &str = "8613800138003";
const MSC: &str = "8613900001";

/// `MOCallRecord`.
pub fn call_made() -> Vec<u8> {
    constructed(
        0,
        &[
            primitive(0, [0]),
            primitive(1, tbcd("460001234567890")),
            primitive(2, tbcd("3520990017614820")),
            primitive(3, number(&[0x91], SUBSCRIBER)),
            primitive(5, number(&[0xa1], "10010")),
            primitive(9, number(&[0x91], MSC)),
            constructed(12, &[primitive(0, [0x1a, 0x2b]), primitive(1, [0, 7])]),
            primitive(22, time(0x09, 0x15, 0x02)),
            primitive(23, time(0x09, 0x15, 0x07)),
            primitive(24, time(0x09, 0x17, 0x07)),
            primitive(25, integer(120)),
            primitive(30, integer(0)),
            primitive(32, [0x1a, 0x2b]),
            primitive(33, integer(1)),
        ],
    )
}

/// `MTCallRecord` of an attempt, whose calling number has presentation and screening.
pub fn call_received() -> Vec<u8> {
    constructed(
        1,
        &[
            primitive(0, [1]),
            primitive(1, tbcd("460001234567890")),
            primitive(3, number(&[0x91], SUBSCRIBER)),
            primitive(4, number(&[0x11, 0x81], "8613900139003")),
            primitive(6, number(&[0x91], MSC)),
            primitive(19, time(0x10, 0x00, 0x00)),
            primitive(22, integer(25)),
            primitive(27, integer(3)),
            primitive(29, [0x1a, 0x2c]),
        ],
    )
}

/// `MOSMSRecord`.
pub fn message_sent() -> Vec<u8> {
    constructed(
        6,
        &[
            primitive(0, [6]),
            primitive(1, tbcd("460001234567890")),
            primitive(3, number(&[0x91], SUBSCRIBER)),
            primitive(5, number(&[0x91], "8613800100500")),
            primitive(6, number(&[0x91], MSC)),
            primitive(8, [0x2a]),
            primitive(9, time(0x10, 0x03, 0x00)),
            primitive(12, number(&[0x91], "8613900139003")),
        ],
    )
}

/// `MTSMSRecord`.
pub fn message_received() -> Vec<u8> {
    constructed(
        7,
        &[
            primitive(0, [7]),
            primitive(1, number(&[0x91], "8613800100500")),
            primitive(2, tbcd("460001234567890")),
            primitive(4, number(&[0x91], SUBSCRIBER)),
            primitive(6, number(&[0x91], MSC)),
            primitive(8, time(0x10, 0x05, 0x00)),
        ],
    )
}

/// `PGWRecord` with these volumes, up and down, as `listOfTrafficVolumes`.
pub fn session(sequence: i64, volumes: &[(i64, i64)]) -> Vec<u8> {
    let volumes = volumes.iter().map(|(up, down)| {
        [
            primitive(3, integer(*up)),
            primitive(4, integer(*down)),
            primitive(5, [2]),
            primitive(6, time(0x11, 0x30, 0x00)),
        ]
        .concat()
    });
    session_with(sequence, list(12, &volumes.collect::<Vec<_>>()))
}

/// `PGWRecord` of flow-based charging, with a list of services.
pub fn session_of_services(sequence: i64, volumes: &[(i64, i64)]) -> Vec<u8> {
    let services = volumes.iter().map(|(up, down)| {
        [
            primitive(1, integer(10)),
            primitive(8, [4, 0, 0, 0, 2]),
            primitive(12, integer(*up)),
            primitive(13, integer(*down)),
            primitive(14, time(0x11, 0x30, 0x00)),
        ]
        .concat()
    });
    session_with(sequence, list(34, &services.collect::<Vec<_>>()))
}

fn session_with(sequence: i64, volumes: Vec<u8>) -> Vec<u8> {
    constructed(
        79,
        &[
            primitive(0, integer(85)),
            primitive(3, tbcd("460001234567890")),
            constructed(4, &[primitive(0, [192, 0, 2, 1])]),
            primitive(5, integer(4_000_000_000)),
            constructed(
                6,
                &[primitive(0, [192, 0, 2, 7]), primitive(0, [192, 0, 2, 8])],
            ),
            primitive(7, "internet"),
            volumes,
            primitive(13, time(0x11, 0x00, 0x00)),
            primitive(14, integer(1_800)),
            primitive(15, integer(0)),
            primitive(17, integer(sequence)),
            primitive(18, "pgw1"),
            primitive(22, number(&[0x91], SUBSCRIBER)),
            primitive(29, tbcd("3520990017614820")),
        ],
    )
}

/// A record of each kind.
pub fn all() -> Vec<Vec<u8>> {
    vec![
        call_made(),
        call_received(),
        message_sent(),
        message_received(),
        session(2, &[(100, 2_000), (11, 345)]),
        session_of_services(3, &[(5, 5_000_000_000)]),
    ]
}

/// A file of TS 32.297: a header, and one before each record.
pub fn file(records: &[Vec<u8>]) -> Vec<u8> {
    const HEADER: usize = 54;
    const RELEASE_15: [u8; 3] = [0xe0, 0x20 | 7, 5];
    let body = records.iter().flat_map(|record| {
        let length = (record.len() as u16).to_be_bytes();
        [&length, &RELEASE_15[..], record].concat()
    });
    let body: Vec<u8> = body.collect();
    let mut bytes = Vec::new();
    bytes.extend(((HEADER + body.len()) as u32).to_be_bytes());
    bytes.extend((HEADER as u32).to_be_bytes());
    // Releases and versions; opened and last written on 2 March at 12:00 of +08:00.
    bytes.extend([0xe0, 0xe0]);
    let opened = 3_u32 << 28 | 2 << 23 | 12 << 18 | 1 << 11 | 8 << 6;
    bytes.extend([opened.to_be_bytes(), opened.to_be_bytes()].concat());
    bytes.extend((records.len() as u32).to_be_bytes());
    // The first file, closed normally, of a node at 192.0.2.1, with nothing lost.
    bytes.extend(1_u32.to_be_bytes());
    bytes.push(0);
    bytes.extend([&[0xff; 4][..], &[0; 10], &[0xff, 0xff], &[192, 0, 2, 1]].concat());
    bytes.push(0);
    // No filter and no extension, and the releases: 15 is the fifth behind 10.
    bytes.extend([0, 0, 0, 0, 5, 5]);
    assert_eq!(bytes.len(), HEADER);
    bytes.extend(body);
    bytes
}
