//! The numbering plans of countries, with numbers that people there have.

use churnwatch::config::Config;
use churnwatch::decode::{COUNTRIES, Decoder};
use churnwatch::model::Number;
use proptest::prelude::*;

/// A country, how its mobile numbers look behind the country code, how all others do, and what is dialled before another
/// country's code and inside the country.
struct Plan {
    country: &'static str,
    code: &'static str,
    mobile: &'static str,
    other: &'static str,
    international: &'static [&'static str],
    trunk: &'static [&'static str],
}

const PLANS: [Plan; 15] = [
    plan(
        "BR",
        "55",
        "(1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])9[0-9]{8}",
        "(11|21|31|41|51|61|71|81|91)[2-5][0-9]{7}",
        &["00"],
        &["0"],
    ),
    plan(
        "CA",
        "1",
        "[2-9][0-9]{2}[2-9][0-9]{6}",
        "[2-9][0-9]{2}[2-9][0-9]{6}",
        &["011", "00"],
        &["1"],
    ),
    plan(
        "CN",
        "86",
        "1[3-9][0-9]{9}",
        "(10|2[0-57-9])[2-8][0-9]{7}|[3-7][1-9]{2}[2-8][0-9]{7}",
        &["00"],
        &["0"],
    ),
    plan(
        "DE",
        "49",
        "15[0-9]{9}|16[023][0-9]{7,8}|17[0-9]{8,9}",
        "[2-9][0-9]{5,10}",
        &["00"],
        &["0"],
    ),
    plan("ES", "34", "[67][0-9]{8}", "[89][0-9]{8}", &["00"], &[""]),
    plan(
        "FR",
        "33",
        "[67][0-9]{8}",
        "[1-589][0-9]{8}",
        &["00"],
        &["0"],
    ),
    plan(
        "GB",
        "44",
        "7[0-9]{9}",
        "[12389][0-9]{8,9}|8001111",
        &["00"],
        &["0"],
    ),
    plan(
        "HU",
        "36",
        "([237]0|[23]1|50)[0-9]{7}",
        "(1[0-9]|2[2-9]|[3-6][2-9]|7[2-9]|8[02-9])[0-9]{6}",
        &["00"],
        &["06"],
    ),
    plan(
        "IN",
        "91",
        "[6-9][0-9]{9}",
        "[1-5][0-9]{9}",
        &["00"],
        &["0"],
    ),
    plan(
        "IT",
        "39",
        "3[1-9][1-9][0-9]{6,7}",
        "0[1-9][0-9]{4,9}",
        &["00"],
        &[""],
    ),
    plan(
        "JP",
        "81",
        "[6789]0[0-9]{8}",
        "[1-9][1-9][0-9]{7}",
        &["010"],
        &["0"],
    ),
    plan(
        "MX",
        "52",
        "[2-9][0-9]{9}",
        "[2-9][0-9]{9}",
        &["00"],
        &["", "01", "044", "045"],
    ),
    plan(
        "PL",
        "48",
        "(45|5[0137]|6[069]|7[2389]|88)[0-9]{7}",
        "(12|22|32|4[123]|5[26]|6[15]|71|8[15]|91)[0-9]{7}",
        &["00"],
        &[""],
    ),
    plan(
        "RU",
        "7",
        "9[0-9]{9}|7(0[0-8]|47|7[1-8])[0-9]{7}",
        "[348][1-9][0-9]{8}",
        &["810", "00"],
        &["8"],
    ),
    plan(
        "US",
        "1",
        "[2-9][0-9]{2}[2-9][0-9]{6}",
        "[2-9][0-9]{2}[2-9][0-9]{6}",
        &["011", "00"],
        &["1"],
    ),
];

const fn plan(
    country: &'static str,
    code: &'static str,
    mobile: &'static str,
    other: &'static str,
    international: &'static [&'static str],
    trunk: &'static [&'static str],
) -> Plan {
    Plan {
        country,
        code,
        mobile,
        other,
        international,
        trunk,
    }
}

fn decoder(country: &str) -> Decoder {
    let text = format!(
        "decode.country = '{country}'\noperator.name = 'own'\noperator.numbers.own.hotlines = ['1234567']"
    );
    let config = Config::from_toml_str(&text, country);
    config
        .unwrap_or_else(|problems| panic!("{problems}"))
        .decoder
}

impl Plan {
    /// Every way of writing a number that says which country it is of.
    fn marked(&self, national: &str) -> Vec<String> {
        let code = self.code;
        let mut ways = vec![
            format!("+{code}{national}"),
            format!("+{code} {}-{}", &national[..3], &national[3..]),
            format!("tel:+{code}{national}"),
            format!("sip:{national}@ims.example;phone-context=+{code}"),
        ];
        for prefix in self.international {
            ways.push(format!("{prefix}{code}{national}"));
        }
        for trunk in self.trunk {
            ways.push(format!("+{code}{trunk}{national}"));
        }
        ways
    }

    /// Every way of writing a number inside the country.
    fn at_home(&self, national: &str, is_mobile: bool) -> Vec<String> {
        let code = self.code;
        let mut ways = self.marked(national);
        let international = self.international.iter();
        ways.extend(international.map(|prefix| format!("+{prefix}{code}{national}")));
        ways.push(format!("{code}{national}"));
        ways.extend(self.trunk.iter().map(|trunk| format!("{trunk}{national}")));
        if is_mobile {
            ways.push(national.to_owned());
            ways.push(format!("{national}.0"));
            ways.push(format!("{national}F"));
            ways.push(format!("{code}{code}{national}"));
            ways.push(format!("+{code}{code}{national}"));
        }
        ways
    }
}

/// A number of every country: its plan, the digits behind the country code, whether it is a mobile number.
fn numbers() -> impl Strategy<Value = Vec<(usize, String, bool)>> {
    let of = |(place, plan): (usize, &Plan)| {
        let mobile = plan.mobile.prop_map(move |digits| (place, digits, true));
        let other = plan.other.prop_map(move |digits| (place, digits, false));
        prop_oneof![mobile, other]
    };
    PLANS.iter().enumerate().map(of).collect::<Vec<_>>()
}

#[test]
fn every_known_country_is_tried() {
    let known: Vec<_> = COUNTRIES.iter().map(|(country, _)| *country).collect();
    let tried: Vec<_> = PLANS.iter().map(|plan| plan.country).collect();
    assert_eq!(tried, known);
}

#[test]
fn one_subscriber_has_one_identity_in_every_country() {
    let decoders = PLANS.map(|plan| decoder(plan.country));
    proptest!(|(numbers in numbers())| {
        for (place, national, is_mobile) in numbers {
            let plan = &PLANS[place];
            let whole = format!("{}{national}", plan.code);
            for way in plan.at_home(&national, is_mobile) {
                let msisdn = decoders[place].msisdn(&way);
                let found = msisdn.as_ref().map(|msisdn| msisdn.as_str());
                prop_assert_eq!(found, Ok(whole.as_str()), "{}: {}", plan.country, way);
            }
            let other = Number::from_digits(national.as_bytes());
            for way in &plan.marked(&national) {
                prop_assert_eq!(decoders[place].number(way), other, "{}: {}", plan.country, way);
            }
        }
    });
}

#[test]
fn a_foreign_number_stays_one_in_every_country() {
    let decoders = PLANS.map(|plan| decoder(plan.country));
    proptest!(|(numbers in numbers())| {
        for (place, national, _) in numbers {
            let (plan, whole) = (&PLANS[place], format!("{}{national}", PLANS[place].code));
            for (home, decoder) in PLANS.iter().zip(&decoders) {
                if home.code == plan.code {
                    continue;
                }
                let mut ways = vec![format!("+{whole}")];
                ways.extend(home.international.iter().map(|prefix| format!("{prefix}{whole}")));
                for way in ways {
                    let msisdn = decoder.msisdn(&way);
                    let found = msisdn.as_ref().map(|msisdn| msisdn.as_str());
                    prop_assert_eq!(found, Ok(whole.as_str()), "{} in {}", way, home.country);
                    prop_assert!(msisdn.is_ok_and(|msisdn| decoder.is_foreign(&msisdn)));
                }
            }
        }
    });
}

/// What was cut short or has too many digits is nobody, above all not another subscriber.
#[test]
fn a_damaged_mobile_number_is_refused_in_every_country() {
    for (plan, mobile) in PLANS.iter().zip([
        "11912345678",
        "4165550123",
        "13800138000",
        "15112345678",
        "612345678",
        "612345678",
        "7700900123",
        "201234567",
        "9812345678",
        "3471234567",
        "9012345678",
        "5512345678",
        "601234567",
        "9161234567",
        "2125550123",
    ]) {
        let decoder = decoder(plan.country);
        let whole = format!("+{}{mobile}", plan.code);
        assert_eq!(
            decoder.msisdn(&whole).unwrap().as_str(),
            &whole[1..],
            "{}",
            plan.country
        );
        for damaged in [&whole[..whole.len() - 3], &format!("{whole}123")] {
            assert!(
                decoder.msisdn(damaged).is_err(),
                "{}: {damaged}",
                plan.country
            );
        }
    }
}

#[test]
fn carriers_and_marks_of_mobile_numbers_are_dropped() {
    for (country, written, whole) in [
        ("BR", "01511912345678", "5511912345678"),
        ("BR", "015912345678", "5515912345678"),
        ("MX", "+5215512345678", "525512345678"),
        ("MX", "5215512345678", "525512345678"),
        ("FR", "+337001234567890", "337001234567890"),
    ] {
        assert_eq!(
            decoder(country).msisdn(written).unwrap().as_str(),
            whole,
            "{country}: {written}"
        );
    }
    let brazil = decoder("BR");
    assert_eq!(
        brazil.number("01511912345678"),
        brazil.number("11912345678")
    );
    assert_eq!(brazil.number("01532123456"), brazil.number("1532123456"));
}
