//! What names and values say about the meaning of a column.

use super::moment::{self, TimeFormat};

/// Names that systems use for what a field holds, without blanks, marks and case; the most telling first. The longest that
/// is part of a column's name wins.
pub(super) const NAMES: &[(&str, &[&str])] = &[
    (
        "record_id",
        &[
            "recordid",
            "cdrid",
            "cgrid",
            "uniqueid",
            "uuid",
            "eventid",
            "docno",
            "callid",
            "ticket",
            "reference",
            "sequence",
            "id",
            "流水号",
            "序列号",
        ],
    ),
    (
        "record_type",
        &[
            "recordtype",
            "calltype",
            "eventtype",
            "servicetype",
            "usagetype",
            "cdrtype",
            "doctype",
            "direction",
            "kind",
            "art",
            "业务类型",
            "类型",
        ],
    ),
    (
        "msisdn",
        &[
            "msisdn",
            "servedmsisdn",
            "servednumber",
            "servedparty",
            "subscriber",
            "subscriberno",
            "callingnumber",
            "caller",
            "aparty",
            "anumber",
            "phonenumber",
            "phone",
            "account",
            "src",
            "rufnummer",
            "number",
            "abonent",
            "用户号码",
            "手机号",
            "号码",
        ],
    ),
    (
        "other_number",
        &[
            "othernumber",
            "otherparty",
            "peer",
            "callednumber",
            "called",
            "callee",
            "bparty",
            "bnumber",
            "destination",
            "dst",
            "gegenrufnummer",
            "other",
            "numerb",
            "zielrufnummer",
            "对端号码",
            "被叫号码",
        ],
    ),
    (
        "event_timestamp",
        &[
            "eventtimestamp",
            "timestamp",
            "starttime",
            "start",
            "answertime",
            "begintime",
            "recordopeningtime",
            "eventtime",
            "datetime",
            "calldate",
            "date",
            "datum",
            "开始时间",
            "时间",
        ],
    ),
    (
        "duration_seconds",
        &[
            "duration",
            "billsec",
            "callduration",
            "durationseconds",
            "talktime",
            "dauer",
            "seconds",
            "czas",
            "时长",
        ],
    ),
    (
        "cause_for_termination",
        &[
            "causeforterm",
            "hangupcause",
            "disposition",
            "releasecause",
            "endreason",
            "结束原因",
        ],
    ),
    (
        "uplink_volume_bytes",
        &[
            "uplink",
            "uplinkvolume",
            "bytesup",
            "upload",
            "上行流量",
            "上行",
        ],
    ),
    (
        "downlink_volume_bytes",
        &[
            "downlink",
            "downlinkvolume",
            "bytesdown",
            "download",
            "volume",
            "下行流量",
            "下行",
        ],
    ),
    ("imei", &["imei", "servedimei"]),
    ("charging_id", &["chargingid"]),
    ("amount", &["amount", "total", "sum", "betrag", "金额"]),
    ("period", &["period", "billmonth", "账期"]),
    ("due_on", &["duedate", "dueon", "faellig", "到期日"]),
    (
        "invoice_number",
        &["invoiceno", "invoicenumber", "rechnungsnummer", "发票号"],
    ),
];

/// A column or path with its first values.
pub(super) type Column = (String, Vec<String>);

/// Ways of writing times that a sample is tried with.
const TIMES: &[&str] = &[
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%d.%m.%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S",
    "%Y%m%d",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d/%m/%Y",
];
/// Unix times of this century have so many digits, by their unit.
const EPOCHS: [(usize, &str); 4] = [
    (10, "epoch_s"),
    (13, "epoch_ms"),
    (16, "epoch_us"),
    (19, "epoch_ns"),
];

/// A column that a field is probably made of.
pub(super) struct Chosen<'s> {
    pub(super) field: &'static str,
    pub(super) column: &'s Column,
    /// Its name says nothing.
    pub(super) by_values: bool,
}

/// The columns that fields are made of: by their names, and what every record needs by its values otherwise.
pub(super) fn chosen(columns: &[Column]) -> Vec<Chosen<'_>> {
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    for column in columns {
        if let Some(field) = meant(&column.0)
            && chosen.iter().all(|known| known.field != field)
        {
            chosen.push(Chosen {
                field,
                column,
                by_values: false,
            });
        }
    }
    for (field, fits) in BY_VALUES {
        if chosen.iter().any(|known| known.field == *field) {
            continue;
        }
        let is_free = |column: &&Column| chosen.iter().all(|known| known.column.0 != column.0);
        let found = columns
            .iter()
            .filter(is_free)
            .find(|(_, values)| !values.is_empty() && fits(values));
        chosen.extend(found.map(|column| Chosen {
            field,
            column,
            by_values: true,
        }));
    }
    chosen
}

/// What values are like, by the fields that every record needs.
type Fits = fn(&[String]) -> bool;
const BY_VALUES: &[(&str, Fits)] = &[
    ("event_timestamp", |values| time_of(values).is_some()),
    ("msisdn", |values| {
        most(values, |value| (9..=15).contains(&digits(value)))
    }),
    ("other_number", |values| {
        most(values, |value| (5..=15).contains(&digits(value)))
    }),
    ("record_type", |values| {
        let mut known: Vec<&String> = values.iter().collect();
        known.sort_unstable();
        known.dedup();
        (2..=12).contains(&known.len())
            && known.len() * 4 <= values.len()
            && known
                .iter()
                .all(|value| value.len() <= 24 && !value.contains(DECIMALS))
    }),
    ("record_id", |values| {
        let mut known: Vec<&String> = values.iter().collect();
        known.sort_unstable();
        known.dedup();
        let is_name = |value: &&String| !value.contains(DECIMALS) && value.len() >= 4;
        known.len() == values.len()
            && values.len() >= IDS_MIN
            && known.iter().all(is_name)
            && time_of(values).is_none()
    }),
];
/// Amounts and the like have these.
const DECIMALS: [char; 2] = ['.', ','];
/// So many values are not all different by chance.
const IDS_MIN: usize = 10;

/// Whether more than half are so: some values of every sample are faulty.
fn most(values: &[String], is: impl Fn(&String) -> bool) -> bool {
    values.iter().filter(|value| is(value)).count() * 2 > values.len()
}

/// Digits of a text of digits, perhaps behind a `+`; none of any other.
fn digits(text: &str) -> usize {
    let digits = text.strip_prefix('+').unwrap_or(text);
    match digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.len(),
        false => 0,
    }
}

/// Whether all values are times of a pattern.
pub(super) fn all(values: &[String], pattern: &str) -> bool {
    let format = TimeFormat::parse(pattern);
    !values.is_empty()
        && format.is_ok_and(|format| values.iter().all(|value| moment::reads(&format, value)))
}

/// The unit that a column's name ends with.
pub(super) fn unit_of(field: &str, column: &str) -> Option<&'static str> {
    let plain = column.to_lowercase();
    let units: &[(&str, &str)] = match field {
        "duration_seconds" => &[("ms", "ms"), ("min", "min"), ("ds", "ds")],
        "uplink_volume_bytes" | "downlink_volume_bytes" => {
            &[("kb", "KiB"), ("mb", "MiB"), ("gb", "GiB")]
        }
        "amount" => &[
            ("cents", "cents"),
            ("cent", "cents"),
            ("grosze", "cents"),
            ("fen", "cents"),
        ],
        _ => &[],
    };
    let mut parts = plain.split(|c: char| !c.is_alphanumeric());
    parts
        .find_map(|part| units.iter().find(|(name, _)| *name == part))
        .map(|(_, unit)| *unit)
}

/// The field that a column's name means.
fn meant(column: &str) -> Option<&'static str> {
    let plain: String = column
        .rsplit('.')
        .next()
        .unwrap_or(column)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let fits = NAMES
        .iter()
        .flat_map(|(field, names)| names.iter().map(move |name| (*field, *name)));
    // Short names are meant only where they are the whole of it, and the shortest only of the record itself.
    let is_inner = column.contains('.');
    let fits = fits.filter(|(_, name)| {
        plain == *name && (name.len() > 2 || !is_inner)
            || name.chars().count() > 4 && plain.contains(name)
            || !name.is_ascii() && plain.contains(name)
    });
    fits.max_by_key(|(_, name)| (plain == *name, name.len()))
        .map(|(field, _)| field)
}

/// The way in which all of these are written.
pub(super) fn time_of(values: &[String]) -> Option<&'static str> {
    let digits = values
        .iter()
        .all(|value| value.bytes().all(|b| b.is_ascii_digit()));
    let length = values.first().map_or(0, String::len);
    let epoch = EPOCHS.iter().find(|(known, _)| digits && *known == length);
    let fits = |text: &&&str| {
        let format = TimeFormat::parse(text);
        !values.is_empty()
            && format.is_ok_and(|format| values.iter().all(|value| moment::reads(&format, value)))
    };
    let named = moment::NAMES
        .iter()
        .filter(|name| !name.starts_with("epoch"))
        .find(fits);
    epoch
        .map(|(_, name)| *name)
        .or(named.copied())
        .or_else(|| TIMES.iter().find(fits).copied())
}
