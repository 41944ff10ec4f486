//! Writes traces for tests, byte by byte as the document of the format describes them, and shares nothing
//! with what reads them.

/// A file as it is written.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    pub(super) bytes: Vec<u8>,
}

/// An event, or a description of a kind if its own kind is 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) kind: u32,
    pub(super) thread: u64,
    pub(super) sequence: u32,
    pub(super) stack: u32,
    pub(super) activity: Option<[u8; 16]>,
    pub(super) ticks: u64,
    pub(super) payload: Vec<u8>,
}

impl Encoder {
    /// "Nettrace", the header of the serializer and the trace object.
    pub(super) fn new(frequency: u64) -> Encoder {
        let mut bytes = vec![0x4e, 0x65, 0x74, 0x74, 0x72, 0x61, 0x63, 0x65];
        bytes.extend(20_u32.to_le_bytes());
        bytes.extend(b"!FastSerialization.1");
        let mut encoder = Encoder { bytes };
        encoder.begin("Trace", 4, 4);
        // Thursday, 26 November 2026, 02:12:50.653.
        for part in [2026_u16, 11, 4, 26, 2, 12, 50, 653] {
            encoder.bytes.extend(part.to_le_bytes());
        }
        for long in [26_983_000_000_000, frequency] {
            encoder.bytes.extend(long.to_le_bytes());
        }
        // Size of a pointer, process, processors, sampling rate.
        for int in [8_u32, 2550, 2, 1_000_000] {
            encoder.bytes.extend(int.to_le_bytes());
        }
        encoder.bytes.push(6);
        encoder
    }

    /// The tags and the type that every object begins with.
    pub(super) fn begin(&mut self, name: &str, version: u32, oldest_reader: u32) {
        self.bytes.extend([5, 5, 1]);
        self.bytes.extend(version.to_le_bytes());
        self.bytes.extend(oldest_reader.to_le_bytes());
        self.bytes.extend((name.len() as u32).to_le_bytes());
        self.bytes.extend(name.as_bytes());
        self.bytes.push(6);
    }

    /// An object whose content has a length and is at a multiple of four in the file.
    pub(super) fn block(&mut self, name: &str, content: &[u8]) {
        self.begin(name, 2, 2);
        self.bytes.extend((content.len() as u32).to_le_bytes());
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        self.bytes.extend(content);
        self.bytes.push(6);
    }

    pub(super) fn kinds(&mut self, described: &[(u32, &str, u32)]) {
        let blobs: Vec<Written> = described
            .iter()
            .map(|(kind, provider, id)| Written {
                payload: description(*kind, provider, *id),
                ..Written::default()
            })
            .collect();
        self.block("MetadataBlock", &compressed(&blobs));
    }

    pub(super) fn end(&mut self) {
        self.bytes.push(1);
    }
}

/// What a blob of kind 0 says of another kind.
pub(super) fn description(kind: u32, provider: &str, id: u32) -> Vec<u8> {
    let mut payload = kind.to_le_bytes().to_vec();
    let text = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16().chain([0]);
        units.flat_map(u16::to_le_bytes).collect()
    };
    payload.extend(text(provider));
    payload.extend(id.to_le_bytes());
    payload.extend(text("Name"));
    payload.extend(1_u64.to_le_bytes()); // keywords
    for int in [1_u32, 4, 0] {
        payload.extend(int.to_le_bytes()); // version, level, fields
    }
    payload
}

/// The header of a block: its size, flags, and the first and last time in it.
fn header(flags: u16, blobs: &[Written]) -> Vec<u8> {
    let mut block = 20_u16.to_le_bytes().to_vec();
    block.extend(flags.to_le_bytes());
    let ticks = || blobs.iter().map(|blob| blob.ticks);
    block.extend(ticks().min().unwrap_or(0).to_le_bytes());
    block.extend(ticks().max().unwrap_or(0).to_le_bytes());
    block
}

/// A block in the format *header compression*.
pub(super) fn compressed(blobs: &[Written]) -> Vec<u8> {
    let mut block = header(1, blobs);
    let mut last = Written::default();
    for blob in blobs {
        let counted = last.sequence.wrapping_add(u32::from(blob.kind != 0));
        let mut flags = 0;
        let mut body = Vec::new();
        if blob.kind != last.kind {
            flags |= 1;
            variable(&mut body, blob.kind.into());
        }
        if blob.sequence != counted || blob.thread != last.thread {
            flags |= 2;
            variable(&mut body, blob.sequence.wrapping_sub(counted).into());
            variable(&mut body, blob.thread);
            variable(&mut body, 1);
        }
        if blob.thread != last.thread {
            flags |= 4;
            variable(&mut body, blob.thread);
        }
        if blob.stack != last.stack {
            flags |= 8;
            variable(&mut body, blob.stack.into());
        }
        variable(&mut body, blob.ticks.wrapping_sub(last.ticks));
        for (flag, activity) in [(16, blob.activity), (32, blob.activity)] {
            if let Some(id) = activity {
                flags |= flag;
                body.extend(id);
            }
        }
        if blob.payload.len() != last.payload.len() {
            flags |= 128;
            variable(&mut body, blob.payload.len() as u64);
        }
        block.push(flags);
        block.extend(body);
        block.extend(&blob.payload);
        last = blob.clone();
    }
    block
}

/// A block of uncompressed blobs.
pub(super) fn uncompressed(blobs: &[Written]) -> Vec<u8> {
    let mut block = header(0, blobs);
    for blob in blobs {
        let mut body = (blob.kind | 1 << 31).to_le_bytes().to_vec();
        body.extend(blob.sequence.to_le_bytes());
        body.extend(blob.thread.to_le_bytes());
        body.extend(blob.thread.to_le_bytes());
        body.extend(1_u32.to_le_bytes());
        body.extend(blob.stack.to_le_bytes());
        body.extend(blob.ticks.to_le_bytes());
        for _ in 0..2 {
            body.extend(blob.activity.unwrap_or_default());
        }
        body.extend((blob.payload.len() as u32).to_le_bytes());
        body.extend(&blob.payload);
        block.extend((body.len() as u32).to_le_bytes());
        block.extend(&body);
        block.resize(block.len().next_multiple_of(4), 0);
    }
    block
}

/// A number of variable length.
pub(super) fn variable(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}
