//! The examples of other countries in docs/operations.md, with numbers and hotlines of their own.

use churnwatch::config::Config;
use churnwatch::model::MsisdnError;

/// The example that begins with a comment.
fn example(country: &str) -> Config {
    let text = include_str!("../../../docs/operations.md");
    let head = format!("```toml\n# {country}\n");
    let (_, behind) = text.split_once(&head).unwrap();
    let (toml, _) = behind.split_once("```").unwrap();
    Config::from_toml_str(toml, country).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Each line is one subscriber; the canonical form comes first.
fn same(config: &Config, lines: &[&[&str]]) {
    for line in lines {
        for text in *line {
            let msisdn = config.decoder.msisdn(text).unwrap();
            assert_eq!(msisdn.as_str(), line[0], "{text}");
        }
    }
}

fn refused(config: &Config, texts: &[&str]) {
    for text in texts {
        let refusal = config.decoder.msisdn(text);
        assert_eq!(refusal, Err(MsisdnError::OutOfPlan), "{text}");
    }
}

/// The competitor whose hotline it is, in every form.
fn hotline(config: &Config, forms: &[&str], operator: Option<&str>) {
    for form in forms {
        let number = config.decoder.number(form);
        let competitors = &config.rules.competitors;
        assert_eq!(competitors.hotline(number), operator, "{form}");
    }
}

#[test]
fn germany_has_numbers_of_many_lengths() {
    let germany = example("Germany");
    same(
        &germany,
        &[
            &[
                "491711234567",
                "01711234567",
                "+491711234567",
                "00491711234567",
                "1711234567",
                "+4901711234567",
            ],
            &[
                "4915112345678",
                "015112345678",
                "+4915112345678",
                "15112345678",
            ],
            &["49211123456", "0211123456", "+49211123456", "0049211123456"],
            &["493012345678", "03012345678", "+493012345678"],
            &["48601234567", "+48601234567", "0048601234567"],
            &["8613800138000", "+8613800138000"],
        ],
    );
    refused(&germany, &["17112345", "+4917112", "+49017", "01711"]);
    let free = [
        "08001721212",
        "+498001721212",
        "00498001721212",
        "498001721212",
    ];
    hotline(&germany, &free, Some("vodafone"));
    hotline(&germany, &["1212", "+491212"], Some("vodafone"));
    hotline(
        &germany,
        &["017688855222", "+4917688855222", "17688855222"],
        Some("o2"),
    );
    hotline(
        &germany,
        &["08003302202", "2202", "10010", "10086", "08001721213"],
        None,
    );
}

#[test]
fn the_united_states_dial_what_is_their_country_code() {
    let usa = example("USA");
    same(
        &usa,
        &[
            &[
                "12125550100",
                "2125550100",
                "+12125550100",
                "01112125550100",
                "0012125550100",
            ],
            &[
                "447700900123",
                "+447700900123",
                "011447700900123",
                "447700900123",
            ],
            &["48601234567", "+48601234567", "01148601234567"],
        ],
    );
    refused(
        &usa,
        &["5550100", "1212555010", "+1212555010", "+121255501000"],
    );
    hotline(
        &usa,
        &["8005550120", "18005550120", "+18005550120", "611"],
        Some("south"),
    );
    hotline(&usa, &["8005550110", "+18005550110", "10010"], None);
}

#[test]
fn a_plan_of_ones_own_needs_no_known_country() {
    let norway = example("Norway");
    same(
        &norway,
        &[
            &["4791234567", "91234567", "+4791234567", "004791234567"],
            &["4722123456", "22123456", "+4722123456"],
            &["47580012345678", "580012345678", "+47580012345678"],
            // No address type before a Norwegian number, but a number of India.
            &["914741234567", "+914741234567"],
        ],
    );
    refused(&norway, &["+479123456", "9123456", "+47912345678"]);
    hotline(&norway, &["92405050", "+4792405050"], Some("fjord"));
}

#[test]
fn poland_dials_no_trunk_prefix() {
    let poland = example("Poland");
    same(
        &poland,
        &[
            &["48601234567", "601234567", "+48601234567", "0048601234567"],
            &["48221234567", "221234567", "+48221234567"],
            &[
                "491711234567",
                "+491711234567",
                "00491711234567",
                "491711234567",
            ],
        ],
    );
    refused(
        &poland,
        &["60123456", "+4860123456", "486012345678", "0601234567"],
    );
    hotline(
        &poland,
        &["510100100", "+48510100100", "48510100100", "0048510100100"],
        Some("orange"),
    );
    hotline(&poland, &["601102601", "10010"], None);
    let marketing = poland.decoder.number("+48221234567");
    assert_eq!(poland.rules.competitors.marketing(marketing), Some("play"));
}
