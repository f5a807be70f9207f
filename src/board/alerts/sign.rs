//! Signatures of messages.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The signature of a webhook after the Standard Webhooks specification; `timestamp` in seconds.
pub fn webhook(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp}.");
    format!("v1,{}", mac(key, &[head.as_bytes(), body]))
}

/// The signature of a message to DingTalk; `timestamp` in milliseconds.
pub fn dingtalk(secret: &str, timestamp: i64) -> String {
    let text = format!("{timestamp}\n{secret}");
    mac(secret.as_bytes(), &[text.as_bytes()])
}

/// The signature of a message to Feishu; `timestamp` in seconds. What others sign is its key, and it signs nothing.
pub fn feishu(secret: &str, timestamp: i64) -> String {
    let text = format!("{timestamp}\n{secret}");
    mac(text.as_bytes(), &[])
}

fn mac(key: &[u8], parts: &[&[u8]]) -> String {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    for part in parts {
        mac.update(part);
    }
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::webhook_key;

    /// The vector that the specification's own libraries are tested with.
    #[test]
    fn a_webhook_is_signed_as_others_sign_it() {
        let key = webhook_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = webhook(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// The first is the vendor's snippet in Python, run; the second is the example of its manual.
    #[test]
    fn bots_are_signed_as_their_vendors_show() {
        assert_eq!(
            dingtalk("this is secret", 1_583_892_000_000),
            "0MYDiqaeuPU6fpl0j36lrzDDFKxN4vQufCC29uwIcpM="
        );
        assert_eq!(
            feishu("demo", 1_599_360_473),
            "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
        );
    }
}
