//! A small mail server, with certificates that are made for the test.

use crate::support::wait_for;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server does with a mail.
#[derive(Clone, Copy)]
pub enum Does {
    Takes,
    Says(&'static str),
    Breaks,
}

/// How the server encrypts.
#[derive(Clone)]
pub enum Encryption {
    None,
    Starttls(Arc<ServerConfig>),
    Tls(Arc<ServerConfig>),
}

/// A mail that came, with those it is for.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: Vec<String>,
    pub text: String,
    pub taken: bool,
}

#[derive(Default)]
struct Seen {
    letters: Mutex<Vec<Letter>>,
    /// Commands that came without encryption, and with it.
    plain: Mutex<Vec<String>>,
    secret: Mutex<Vec<String>>,
}

pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

impl Server {
    /// Does with the first mails as is stated, and takes all others.
    pub fn start(first: &'static [Does], encryption: Encryption) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Seen> = Arc::default();
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that ends early is none of ours.
                let _ = serve(stream, &all, first, &encryption);
            }
        });
        Self { address, seen }
    }

    /// All mails that came.
    pub fn letters(&self) -> Vec<Letter> {
        self.seen.letters.lock().unwrap().clone()
    }

    /// Commands that came without encryption.
    pub fn plain(&self) -> Vec<String> {
        self.seen.plain.lock().unwrap().clone()
    }

    /// Commands that came with encryption.
    pub fn secret(&self) -> Vec<String> {
        self.seen.secret.lock().unwrap().clone()
    }

    pub fn taken(&self) -> Vec<Letter> {
        let letters = self.letters();
        letters.into_iter().filter(|letter| letter.taken).collect()
    }

    pub fn wait_taken(&self, count: usize) -> Vec<Letter> {
        wait_for(&format!("the mail server has taken {count} mails"), || {
            Some(self.taken()).filter(|taken| taken.len() >= count)
        })
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Seen,
    first: &[Does],
    encryption: &Encryption,
) -> io::Result<()> {
    match encryption {
        Encryption::None => {
            stream.write_all(b"220 test\r\n")?;
            talk(BufReader::new(stream), false, seen, first, &seen.plain).map(drop)
        }
        Encryption::Starttls(config) => {
            stream.write_all(b"220 test\r\n")?;
            match talk(BufReader::new(stream), true, seen, first, &seen.plain)? {
                Some(stream) => {
                    let stream = encrypted(config, stream);
                    talk(BufReader::new(stream), false, seen, first, &seen.secret).map(drop)
                }
                None => Ok(()),
            }
        }
        Encryption::Tls(config) => {
            let mut stream = encrypted(config, stream);
            stream.write_all(b"220 test\r\n")?;
            talk(BufReader::new(stream), false, seen, first, &seen.secret).map(drop)
        }
    }
}

fn encrypted(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream)
}

/// Talks until the client ends, or wants TLS: then its stream is returned.
fn talk<S: Read + Write>(
    mut stream: BufReader<S>,
    offers_tls: bool,
    seen: &Seen,
    first: &[Does],
    commands: &Mutex<Vec<String>>,
) -> io::Result<Option<S>> {
    let mut to = Vec::new();
    loop {
        let Some(line) = line(&mut stream)? else {
            return Ok(None);
        };
        commands.lock().unwrap().push(line.clone());
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" if offers_tls => "250-test\r\n250 STARTTLS",
            "EHLO" => "250-test\r\n250 AUTH PLAIN",
            "AUTH" => "235 come in",
            "STARTTLS" if offers_tls => {
                stream.get_mut().write_all(b"220 go on\r\n")?;
                return Ok(Some(stream.into_inner()));
            }
            "STARTTLS" => "502 no",
            "RCPT" => {
                to.push(line);
                "250 fine"
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n")?;
                let mut text = Vec::new();
                while let Some(line) = line_of_text(&mut stream)? {
                    text.push(line);
                }
                let mut all = seen.letters.lock().unwrap();
                let does = first.get(all.len()).copied().unwrap_or(Does::Takes);
                all.push(Letter {
                    to: std::mem::take(&mut to),
                    text: text.join("\n"),
                    taken: matches!(does, Does::Takes),
                });
                match does {
                    Does::Takes => "250 taken",
                    Does::Says(text) => text,
                    Does::Breaks => return Ok(None),
                }
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        stream
            .get_mut()
            .write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

/// The next line, without its end.
fn line(stream: &mut impl io::BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    let length = stream.read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim_end().to_owned()))
}

/// The next line of a mail, up to the full stop that ends it.
fn line_of_text(stream: &mut impl io::BufRead) -> io::Result<Option<String>> {
    Ok(line(stream)?.filter(|line| line != "."))
}

/// A certificate authority and the certificate of a server at 127.0.0.1, made by `openssl`.
pub struct Certificates {
    pub ca: PathBuf,
    pub server: Arc<ServerConfig>,
}

impl Certificates {
    /// Makes them in a folder.
    pub fn make(folder: &Path, address: &str) -> Self {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        std::fs::write(
            folder.join("names"),
            format!("subjectAltName=IP:{address}\n"),
        )
        .unwrap();
        for command in [
            format!("req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=test-authority -days 2"),
            format!("req {key} -keyout server.key -out server.csr -subj /CN=test-server"),
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem"
                .to_owned(),
        ] {
            let run = Command::new("openssl")
                .args(command.split(' '))
                .current_dir(folder)
                .output()
                .expect("openssl; tests/setup says how to install it");
            assert!(run.status.success(), "openssl {command}: {run:?}");
        }
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self {
            ca: folder.join("ca.pem"),
            server: Arc::new(server),
        }
    }
}
