//! The bytes of a part, version 1. Numbers are little-endian, checksums XXH3.
//!
//! | what | bytes |
//! |---|---|
//! | magic | `CWSP` |
//! | version | u16 |
//! | header | u32 length, the manifest as JSON with the parts before this one, u64 checksum of the JSON |
//! | frames | each: u32 raw length, u32 compressed length, u64 checksum of the compressed bytes, those bytes (zstd) |
//! | trailer | u32 frames, u32 sections, u64 checksum of all bytes before it, u64 checksum of these 16, `CWSE` |
//!
//! A frame's raw bytes are sections: u8 kind, u32 index, u32 length, the bytes. A frame gathers several sections,
//! because zstd compresses long frames better than single pages.

use crate::engine::Section;
use crate::journal::{Manifest, SnapshotPart};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};
use zstd::bulk::{Compressor, Decompressor};

/// The version of the bytes around the sections.
pub const CONTAINER_VERSION: u16 = 1;

const MAGIC: &[u8; 4] = b"CWSP";
const END_MAGIC: &[u8; 4] = b"CWSE";
/// A part's first bytes: magic, version, length of the header.
const HEAD: usize = 10;
/// A frame's bytes before its compressed ones.
const FRAME_HEAD: usize = 16;
/// A section's bytes before its content.
const SECTION_HEAD: usize = 9;
const TRAILER: usize = 28;

/// A frame is closed when it holds this much. Measured with 200,000 subscribers: single pages take 4 % more room, and
/// longer frames are not smaller.
const FRAME_RAW: usize = 64 << 10;
/// The longest raw frame that is written or read: no length in a part makes us take more memory than this.
const FRAME_RAW_MAX: usize = 64 << 20;
/// The longest header.
const HEADER_MAX: usize = 16 << 20;
/// zstd's fastest regular level: a snapshot must not take a core away from the worker for long.
const LEVEL: i32 = 1;

/// Why bytes are no part, or none for this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// Somebody else's object.
    #[error("is no churnwatch snapshot")]
    Foreign,
    /// A version this program does not know.
    #[error(
        "was written by a newer version of churnwatch (snapshot version {0}, this program reads {CONTAINER_VERSION}); run that version, or a later one"
    )]
    Newer(u16),
    /// A part of ours, but not as it was written.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
    /// A section that no part can hold.
    #[error("would hold a section of {0} bytes, and at most {FRAME_RAW_MAX} fit")]
    TooLong(usize),
    /// zstd refused.
    #[error("could not be compressed: {0}")]
    Compress(String),
}

/// What a part says of itself, after all its checksums were found right.
#[derive(Debug, Clone, PartialEq)]
pub struct PartInfo {
    /// Version of the container.
    pub version: u16,
    /// What the part was written for. Its `parts` are those before this one: none if this one is full.
    pub manifest: Manifest,
    /// Frames in it.
    pub frames: u32,
    /// Sections in it.
    pub sections: u32,
    /// Its length.
    pub bytes: u64,
    /// Length of its sections before compression.
    pub raw_bytes: u64,
    /// XXH3 of its bytes, as a manifest states it.
    pub digest: u64,
}

impl PartInfo {
    /// The snapshot that ends with this part, which lies under `key`.
    pub fn into_snapshot(self, key: &str) -> Manifest {
        let mut manifest = self.manifest;
        manifest.parts.push(SnapshotPart {
            key: key.to_owned(),
            bytes: self.bytes,
            digest: self.digest,
        });
        manifest
    }
}

/// Makes a part piece by piece; the pieces one after the other are the part.
pub struct PartWriter {
    compressor: Compressor<'static>,
    raw: Vec<u8>,
    frames: u32,
    sections: u32,
    hasher: Xxh3,
    bytes: u64,
}

impl PartWriter {
    /// Starts a part and returns its first piece.
    ///
    /// # Errors
    /// [`PartError`] if zstd has no memory, or the manifest is absurdly long.
    pub fn start(manifest: &Manifest) -> Result<(Self, Vec<u8>), PartError> {
        let compressor = Compressor::new(LEVEL).map_err(refused)?;
        let header = serde_json::to_vec(manifest).map_err(refused)?;
        if header.len() > HEADER_MAX {
            return Err(PartError::TooLong(header.len()));
        }
        let mut piece = MAGIC.to_vec();
        piece.extend(CONTAINER_VERSION.to_le_bytes());
        piece.extend((header.len() as u32).to_le_bytes());
        piece.extend(&header);
        piece.extend(xxh3_64(&header).to_le_bytes());
        let mut writer = Self {
            compressor,
            raw: Vec::with_capacity(FRAME_RAW * 2),
            frames: 0,
            sections: 0,
            hasher: Xxh3::new(),
            bytes: 0,
        };
        writer.note(&piece);
        Ok((writer, piece))
    }

    /// Takes a section; returns the next piece if a frame is full.
    ///
    /// # Errors
    /// [`PartError`] if the section is absurdly long or zstd fails.
    pub fn section(&mut self, section: &Section) -> Result<Option<Vec<u8>>, PartError> {
        let length = section.bytes.len();
        if self.raw.len() + SECTION_HEAD + length > FRAME_RAW_MAX {
            return Err(PartError::TooLong(length));
        }
        self.raw.push(section.kind);
        self.raw.extend(section.index.to_le_bytes());
        self.raw.extend((length as u32).to_le_bytes());
        self.raw.extend(&section.bytes);
        self.sections += 1;
        if self.raw.len() < FRAME_RAW {
            return Ok(None);
        }
        self.frame().map(Some)
    }

    /// The last piece, the part's length and its digest.
    ///
    /// # Errors
    /// [`PartError`] if zstd fails.
    pub fn finish(mut self) -> Result<(Vec<u8>, u64, u64), PartError> {
        let mut piece = Vec::new();
        if !self.raw.is_empty() {
            piece = self.frame()?;
        }
        let mut trailer = Vec::with_capacity(TRAILER);
        trailer.extend(self.frames.to_le_bytes());
        trailer.extend(self.sections.to_le_bytes());
        trailer.extend(self.hasher.digest().to_le_bytes());
        trailer.extend(xxh3_64(&trailer).to_le_bytes());
        trailer.extend(END_MAGIC);
        self.note(&trailer);
        piece.extend(trailer);
        Ok((piece, self.bytes, self.hasher.digest()))
    }

    fn frame(&mut self) -> Result<Vec<u8>, PartError> {
        let compressed = self.compressor.compress(&self.raw).map_err(refused)?;
        let mut piece = Vec::with_capacity(FRAME_HEAD + compressed.len());
        piece.extend((self.raw.len() as u32).to_le_bytes());
        piece.extend((compressed.len() as u32).to_le_bytes());
        piece.extend(xxh3_64(&compressed).to_le_bytes());
        piece.extend(compressed);
        self.raw.clear();
        self.frames += 1;
        self.note(&piece);
        Ok(piece)
    }

    fn note(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
    }
}

fn refused(error: impl ToString) -> PartError {
    PartError::Compress(error.to_string())
}

/// A part whose lengths and checksums are right, and whose frames can be taken apart.
pub struct PartReader<'a> {
    /// What it was written for, with the parts before it.
    pub manifest: Manifest,
    /// XXH3 of all its bytes.
    pub digest: u64,
    frames: u32,
    sections: u32,
    body: &'a [u8],
}

impl<'a> PartReader<'a> {
    /// Looks at a whole part, whatever the bytes are.
    ///
    /// # Errors
    /// [`PartError`] unless every byte is as it was written.
    pub fn new(bytes: &'a [u8]) -> Result<Self, PartError> {
        let damaged = PartError::Damaged;
        let head = bytes.strip_prefix(MAGIC).ok_or(PartError::Foreign)?;
        let (version, _) = head
            .split_first_chunk()
            .ok_or(damaged("it ends in its first bytes"))?;
        let version = u16::from_le_bytes(*version);
        if version > CONTAINER_VERSION {
            return Err(PartError::Newer(version));
        }
        if version == 0 {
            return Err(damaged("its version is none"));
        }
        let split = bytes.len().checked_sub(TRAILER).filter(|at| *at >= HEAD);
        let (body, trailer) = bytes.split_at(split.ok_or(damaged("it is cut short"))?);
        let mut trailer = Bytes(trailer);
        let (frames, sections) = (trailer.u32()?, trailer.u32()?);
        let (digest, own_digest) = (trailer.u64()?, trailer.u64()?);
        if trailer.0 != END_MAGIC {
            return Err(damaged("it is cut short, or something was added to it"));
        }
        if xxh3_64(&bytes[body.len()..body.len() + 16]) != own_digest {
            return Err(damaged("the checksum of its trailer is wrong"));
        }
        let mut hasher = Xxh3::new();
        hasher.update(body);
        if hasher.digest() != digest {
            return Err(damaged("the checksum of its bytes is wrong"));
        }
        hasher.update(&bytes[body.len()..]);

        let mut body = Bytes(&body[MAGIC.len() + 2..]);
        let length = body.u32()? as usize;
        if length > HEADER_MAX {
            return Err(damaged("its header is absurdly long"));
        }
        let header = body.take(length)?;
        if xxh3_64(header) != body.u64()? {
            return Err(damaged("the checksum of its header is wrong"));
        }
        let manifest = serde_json::from_slice(header);
        Ok(Self {
            manifest: manifest.map_err(|_| damaged("its header cannot be read"))?,
            digest: hasher.digest(),
            frames,
            sections,
            body: body.0,
        })
    }

    /// Its frames, decompressed one at a time.
    ///
    /// # Errors
    /// [`PartError`] if zstd has no memory.
    pub fn frames(&self) -> Result<Frames<'a>, PartError> {
        Ok(Frames {
            decompressor: Decompressor::new()
                .map_err(|_| PartError::Damaged("there is no memory to decompress it"))?,
            rest: Bytes(self.body),
            left: self.frames,
        })
    }

    /// Sections in it, as its trailer states.
    pub fn sections(&self) -> u32 {
        self.sections
    }
}

/// The frames of a part; after an error there are no more.
pub struct Frames<'a> {
    decompressor: Decompressor<'static>,
    rest: Bytes<'a>,
    left: u32,
}

impl Frames<'_> {
    fn frame(&mut self) -> Result<Vec<u8>, PartError> {
        let (raw, compressed) = (self.rest.u32()? as usize, self.rest.u32()? as usize);
        let digest = self.rest.u64()?;
        let compressed = self.rest.take(compressed)?;
        if raw > FRAME_RAW_MAX {
            return Err(PartError::Damaged("a frame is absurdly long"));
        }
        if xxh3_64(compressed) != digest {
            return Err(PartError::Damaged("the checksum of a frame is wrong"));
        }
        match self.decompressor.decompress(compressed, raw) {
            Ok(frame) if frame.len() == raw => Ok(frame),
            _ => Err(PartError::Damaged("a frame cannot be decompressed")),
        }
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Vec<u8>, PartError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let rest = std::mem::replace(&mut self.rest, Bytes(&[]));
            let more = PartError::Damaged("there is more in it than its trailer states");
            return (!rest.0.is_empty()).then_some(Err(more));
        }
        self.left -= 1;
        let frame = self.frame();
        if frame.is_err() {
            (self.left, self.rest) = (0, Bytes(&[]));
        }
        Some(frame)
    }
}

/// The sections of a decompressed frame: kind, index and bytes of each.
pub fn sections(frame: &[u8]) -> impl Iterator<Item = Result<(u8, u32, &[u8]), PartError>> {
    let mut rest = Bytes(frame);
    std::iter::from_fn(move || {
        if rest.0.is_empty() {
            return None;
        }
        let section = rest.section();
        if section.is_err() {
            rest = Bytes(&[]);
        }
        Some(section)
    })
}

/// Verifies a part by itself: its lengths, checksums and frames, not what is in the sections.
///
/// # Errors
/// What is wrong, to follow its name.
pub fn verify(bytes: &[u8]) -> Result<PartInfo, PartError> {
    let reader = PartReader::new(bytes)?;
    let (mut found, mut raw_bytes) = (0, 0);
    for frame in reader.frames()? {
        let frame = frame?;
        raw_bytes += frame.len() as u64;
        for section in sections(&frame) {
            section?;
            found += 1;
        }
    }
    if found != reader.sections {
        return Err(PartError::Damaged(
            "it has not as many sections as its trailer states",
        ));
    }
    Ok(PartInfo {
        version: CONTAINER_VERSION,
        manifest: reader.manifest,
        frames: reader.frames,
        sections: reader.sections,
        bytes: bytes.len() as u64,
        raw_bytes,
        digest: reader.digest,
    })
}

/// Bytes still to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], PartError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(PartError::Damaged("a length in it is wrong"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], PartError> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or(PartError::Damaged("a length in it is wrong"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, PartError> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, PartError> {
        self.chunk().map(u64::from_le_bytes)
    }

    fn section(&mut self) -> Result<(u8, u32, &'a [u8]), PartError> {
        let [kind] = self.chunk()?;
        let (index, length) = (self.u32()?, self.u32()? as usize);
        Ok((kind, index, self.take(length)?))
    }
}
