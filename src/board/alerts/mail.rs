//! Sending mail.

use super::forms;
use super::lane::{Answer, Packet};
use super::note::Note;
use crate::config::{MailEncryption, MailSettings};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::error::Error as _;
use std::time::Duration;

const UNTRUSTED: &str = "the mail server's certificate is not trusted, or is not for its name";
const UNFIT: &str = "the mail server offers no STARTTLS, or no way to sign in";

/// Sends mail to a receiver's boxes.
pub struct Mail {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    /// For mailboxes of the configuration.
    ///
    /// # Errors
    /// An address is none, or TLS cannot be had.
    pub fn new(settings: &MailSettings, to: &[String], timeout: Duration) -> Result<Self, String> {
        let tls = || tls(&settings.host, &settings.ca_file);
        let encryption = match settings.encryption {
            MailEncryption::None => Tls::None,
            MailEncryption::Starttls => Tls::Required(tls()?),
            MailEncryption::Tls => Tls::Wrapper(tls()?),
        };
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(encryption)
            .timeout(Some(timeout));
        if !settings.user.is_empty() {
            let password = settings.password.reveal().to_owned();
            server = server.credentials(Credentials::new(settings.user.clone(), password));
        }
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|error| error.to_string());
        Ok(Self {
            server: server.build(),
            from: mailbox(&settings.from)?,
            to: to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?,
        })
    }

    /// Sends a message to all boxes at once.
    pub async fn send(&self, packet: &Packet, note: &Note) -> Answer {
        let subject = note.language.fill_of("alert", "subject", &[&note.title]);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            // The same whenever the same is sent, so that a mail program shows it once.
            .message_id(Some(format!("<{}@churnwatch>", packet.name())))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let Ok(message) = message.body(forms::mail(note)) else {
            return Answer::Refused("the mail cannot be written".to_owned());
        };
        match self.server.send(message).await {
            Ok(_) => Answer::Taken,
            // What a server says in words is not ours to repeat.
            Err(error) => match error.status() {
                Some(code) if error.is_permanent() => {
                    Answer::Refused(format!("the mail server says {code}"))
                }
                Some(code) => Answer::Busy(format!("the mail server says {code}"), None),
                None if error.is_timeout() => {
                    Answer::Busy("the mail server does not answer in time".to_owned(), None)
                }
                None if error.is_client() => Answer::Busy(UNFIT.to_owned(), None),
                None if is_untrusted(&error) => Answer::Busy(UNTRUSTED.to_owned(), None),
                None => Answer::Busy("the mail server cannot be reached".to_owned(), None),
            },
        }
    }
}

/// Whether TLS was not agreed on: the client tells it as data that is not valid.
fn is_untrusted(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Whom a connection to a mail server trusts.
fn tls(host: &str, ca_file: &str) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if !ca_file.is_empty() {
        let of_file =
            |what: String| format!("`ca_file` in [board.alerts.mail], `{ca_file}`: {what}");
        let bytes = std::fs::read(ca_file).map_err(|error| of_file(error.to_string()))?;
        let certificates =
            Certificate::from_pem(&bytes).map_err(|error| of_file(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificates);
    }
    parameters.build().map_err(|error| error.to_string())
}
