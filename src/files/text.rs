use flate2::bufread::GzDecoder;
use std::char::{REPLACEMENT_CHARACTER, decode_utf16};
use std::io::{self, BufRead, BufReader, Read};

const BUFFER_BYTES: usize = 1 << 17;

/// Larger windows than the default of `zstd -d` are read too: `zstd --long=31` writes them.
const ZSTD_WINDOW_LOG: u32 = 31;

/// How a file is stored, by its first bytes.
enum Storage {
    Plain,
    Gzip,
    Zstd,
    /// As something that is not read here: what it is, and the tool that unpacks it.
    Other(&'static str, &'static str),
}

impl Storage {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, which parallel compressors write first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Other("xz", "xz -dc"),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Other("bzip2", "bzip2 -dc"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Other("lz4", "lz4 -dc"),
            [0x1f, 0x9d, ..] => Self::Other("compress", "gzip -dc"),
            [b'P', b'K', 3, 4, ..] => Self::Other("zip", "unzip -p"),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Other("7z", "7z x -so"),
            _ => Self::Plain,
        }
    }
}

/// The text of a file, unpacked, in UTF-8.
pub(super) fn open(path: &str, mut raw: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    let unpacked: Box<dyn BufRead> = match Storage::of(raw.fill_buf()?) {
        Storage::Plain => raw,
        Storage::Gzip => buffered(GzipMembers::new(raw)),
        Storage::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(raw)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            buffered(decoder)
        }
        Storage::Other(format, tool) => {
            return Err(io::Error::other(format!(
                "it is compressed with {format}; unpack it first: {tool} {path} | churnwatch ... -"
            )));
        }
    };
    in_utf8(unpacked)
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

fn in_utf8(mut text: Box<dyn BufRead>) -> io::Result<Box<dyn BufRead>> {
    Ok(match text.fill_buf()? {
        [0xff, 0xfe, ..] => buffered(Utf16::new(text, u16::from_le_bytes)),
        [0xfe, 0xff, ..] => buffered(Utf16::new(text, u16::from_be_bytes)),
        _ => text,
    })
}

/// The members of a gzip file, one after the other. Zeros behind one are passed over: tapes and block devices pad files.
struct GzipMembers {
    /// Nothing at the end.
    member: Option<GzDecoder<Box<dyn BufRead>>>,
}

impl GzipMembers {
    fn new(raw: Box<dyn BufRead>) -> Self {
        Self {
            member: Some(GzDecoder::new(raw)),
        }
    }
}

impl Read for GzipMembers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut raw) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            match pass_zeros(&mut raw)? {
                [] => break,
                // One byte alone may be what the buffer had left of it.
                [0x1f] | [0x1f, 0x8b, ..] => self.member = Some(GzDecoder::new(raw)),
                _ => {
                    return Err(io::Error::other(
                        "behind the compressed data comes something that is not gzip; unpack the file first, or take it \
                         apart",
                    ));
                }
            }
        }
        Ok(0)
    }
}

/// What follows zeros.
fn pass_zeros(raw: &mut Box<dyn BufRead>) -> io::Result<&[u8]> {
    loop {
        let available = raw.fill_buf()?;
        let zeros = available.iter().take_while(|byte| **byte == 0).count();
        if zeros < available.len() || available.is_empty() {
            raw.consume(zeros);
            return raw.fill_buf();
        }
        raw.consume(zeros);
    }
}

/// UTF-16, as some editors and shells write text, as UTF-8.
struct Utf16 {
    text: Box<dyn BufRead>,
    unit: fn([u8; 2]) -> u16,
    /// Read and not handed out.
    utf8: Vec<u8>,
    handed: usize,
    /// The first half of a character that the next units complete.
    half: Option<u16>,
    /// The last byte was half a unit.
    torn: bool,
}

/// Units read at a time.
const UNITS: usize = 1 << 15;

impl Utf16 {
    fn new(text: Box<dyn BufRead>, unit: fn([u8; 2]) -> u16) -> Self {
        Self {
            text,
            unit,
            utf8: Vec::new(),
            handed: 0,
            half: None,
            torn: false,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other(
                "its UTF-16 ends in the middle of a character; is it cut short?",
            ));
        }
        let mut bytes = Vec::new();
        (&mut self.text)
            .take(2 * UNITS as u64)
            .read_to_end(&mut bytes)?;
        let ended = bytes.len() < 2 * UNITS;
        let pairs = bytes.chunks_exact(2);
        self.torn = !pairs.remainder().is_empty();
        let units = pairs.map(|pair| (self.unit)([pair[0], pair[1]]));
        let mut units: Vec<u16> = self.half.take().into_iter().chain(units).collect();
        if !ended
            && units
                .last()
                .is_some_and(|last| (0xd800..0xdc00).contains(last))
        {
            self.half = units.pop();
        }
        let text: String = decode_utf16(units)
            .map(|character| character.unwrap_or(REPLACEMENT_CHARACTER))
            .collect();
        (self.utf8, self.handed) = (text.into_bytes(), 0);
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed == self.utf8.len() {
            self.refill()?;
        }
        let read = (&self.utf8[self.handed..]).read(buffer)?;
        self.handed += read;
        Ok(read)
    }
}
