//! The environment over the configuration's file.

use super::config::{complaint, from};
use churnwatch::config::{Config, LogFormat, Problems};
use std::ffi::OsString;

fn with_environment(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("churnwatch.toml");
    std::fs::write(&path, text).unwrap();
    let variables = variables.iter();
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::load_with(Some(&path), variables)
}

#[test]
fn the_environment_goes_over_the_file() {
    let config = with_environment(
        "[window]\ndays = 40\ngrace_hours = 5\n[kafka.properties]\nsasl.username = 'file'\n",
        &[
            ("CHURNWATCH_WINDOW__DAYS", "50"),
            ("CHURNWATCH_KAFKA__BOOTSTRAP", "kafka1:9092,kafka2:9092"),
            ("CHURNWATCH_KAFKA__GROUP", "123"),
            ("CHURNWATCH_KAFKA__PROPERTIES__SASL_PASSWORD", "1e5"),
            ("CHURNWATCH_KAFKA__PROPERTIES__SASL_USERNAME", "'quoted'"),
            ("CHURNWATCH_POLICY__DUE__KEY_HOURS", "12"),
            ("CHURNWATCH_POLICY__CREDIT__STAR_POINTS", "[1, 2, 3, 4, 5]"),
            ("CHURNWATCH_LOG__FORMAT", "\"json\""),
            ("CHURNWATCH_STATE__START_WITHOUT_STATE", "true"),
            ("CHURNWATCH_RUN__WORKERS", "3"),
            // Set by Kubernetes for services called churnwatch and churnwatch-http.
            ("CHURNWATCH_SERVICE_HOST", "10.0.0.1"),
            ("CHURNWATCH_HTTP_PORT", "tcp://10.0.0.1:9464"),
            ("UNRELATED__KEY", "1"),
        ],
    )
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.rules.window.days, 50);
    assert_eq!(config.rules.window.grace_hours, 5);
    assert_eq!(config.kafka.bootstrap, "kafka1:9092,kafka2:9092");
    assert_eq!(config.kafka.group, "123");
    assert_eq!(config.run.workers, 3);
    assert_eq!(config.kafka.properties.get("sasl.password").unwrap(), "1e5");
    assert_eq!(
        config.kafka.properties.get("sasl.username").unwrap(),
        "'quoted'"
    );
    assert_eq!(config.rules.policy.due.key_hours, 12);
    assert_eq!(config.rules.policy.credit.star_points, [1, 2, 3, 4, 5]);
    assert_eq!(config.log.format, LogFormat::Json);
    assert!(config.state.start_without_state);
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    let problems = with_environment(
        "",
        &[
            ("CHURNWATCH_WINDOW__DAYS", "many"),
            ("CHURNWATCH_WINDOW__DAY", "40"),
            ("CHURNWATCH_WINDOW_DAYS", "40"),
            ("CHURNWATCH_RUN__WORKERS", "0"),
        ],
    )
    .unwrap_err();
    insta::assert_snapshot!(problems, @r#"
    the configuration has 4 problems
    environment variable CHURNWATCH_RUN__WORKERS: run.workers: 0 is out of range
        set a number from 1 to 256, or leave the key out for the default, "auto"
    environment variable CHURNWATCH_WINDOW_DAYS: window.days: the parts of a name are separated by two underscores
        did you mean CHURNWATCH_WINDOW__DAYS?
    environment variable CHURNWATCH_WINDOW__DAY: window.day: there is no such key
        did you mean `window.days`?
    environment variable CHURNWATCH_WINDOW__DAYS: window.days: is text, not a whole number
        write it like the default, 35
    "#);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec(vec![b'k', 0xff]);
    let variable = ("CHURNWATCH_KAFKA__GROUP".into(), value);
    let problems = Config::load_with(None, std::iter::once(variable)).unwrap_err();
    insta::assert_snapshot!(problems, @r"
    the configuration has a problem
    environment variable CHURNWATCH_KAFKA__GROUP: is not valid UTF-8
        write the value in UTF-8
    ");
}

#[test]
fn passwords_are_never_shown() {
    let valid = "[kafka.properties]\nsasl.password = 'hunter2'\nssl.key.password = 'hunter2'\n";
    let config = from(valid).unwrap();
    assert_eq!(
        config.kafka.properties.get("sasl.password").unwrap(),
        "hunter2"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    for wrong in [
        "[kafka.properties]\nsasl.password = ['hunter2']\n",
        "[kafka.properties]\ntransactional.id = 'hunter2'\n",
        "[kafka]\nproperties = 'hunter2'\n",
        "[kafka]\npropertys.sasl.password = 'hunter2'\n",
        "[kafka.properties]\nsasl.password = 'hunter2'\nsasl.password = 'hunter2'\n",
    ] {
        let complaint = complaint(wrong);
        assert!(!complaint.contains("hunter2"), "{complaint}");
    }
}
