//! The layouts that come with the program.

macro_rules! ready {
    ($($name:literal,)*) => {
        /// Layouts that come with the program, by their names: a start for an operator's own.
        pub const READY: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../schemas/layouts/", $name, ".toml"))),)*
        ];
    };
}

ready! {
    "3gpp-ber",
    "3gpp-charging",
    "asterisk-cdr",
    "billing-invoices",
    "cgrates-cdrs",
    "china-province-mediation",
    "freeswitch-cdr",
    "germany-calls",
    "usa-usage",
}
