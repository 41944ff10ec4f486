//! Decodes AV1 with rav1d as `dav1d -q -i CLIP.ivf -o OUT.y4m --threads N` does: a clip in IVF to frames in YUV4MPEG2.

use re_rav1d::pixel::ChromaLocation;
use re_rav1d::{
    Decoder, Error as Av1, Picture, PixelLayout, PlanarImageComponent as Component, Settings,
};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (mut input, mut output, mut threads) = (None, None, 0);
    while let Some(flag) = args.next() {
        let mut value = || args.next().ok_or(format!("{flag} needs a value"));
        match flag.as_str() {
            "-q" => {}
            "-i" => input = Some(value()?),
            "-o" => output = Some(value()?),
            "--threads" => threads = value()?.parse()?,
            _ => return Err(format!("unknown option {flag}").into()),
        }
    }
    let (input, output) = (
        input.ok_or("-i is missing")?,
        output.ok_or("-o is missing")?,
    );
    let mut clip = Clip::open(BufReader::new(File::open(input)?))?;
    let mut frames = Frames {
        out: BufWriter::with_capacity(1 << 20, File::create(output)?),
        rate: clip.rate,
        begun: false,
    };

    let mut settings = Settings::new();
    settings.set_n_threads(threads);
    let mut decoder = Decoder::with_settings(&settings)?;
    while let Some(data) = clip.next()? {
        let mut sent = decoder.send_data(data, None, None, None);
        // It takes no more before what it has decoded is taken away.
        while matches!(sent, Err(Av1::Again)) {
            frames.take(&mut decoder)?;
            sent = decoder.send_pending_data();
        }
        sent?;
        frames.take(&mut decoder)?;
    }
    // What it still holds comes without more data.
    frames.take(&mut decoder)?;
    frames.out.flush()?;
    Ok(())
}

/// An IVF file: a header of 32 bytes, then frames of a length (4 bytes), a time (8 bytes) and data.
struct Clip<R> {
    from: R,
    /// Frames per second as a fraction.
    rate: (u32, u32),
}

impl<R: Read> Clip<R> {
    fn open(mut from: R) -> Result<Self, Box<dyn Error>> {
        let mut header = [0; 32];
        from.read_exact(&mut header)?;
        if !header.starts_with(b"DKIF") || &header[8..12] != b"AV01" {
            return Err("not an IVF file with AV1".into());
        }
        let word = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Ok(Clip {
            rate: (word(16), word(20)),
            from,
        })
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        let mut head = [0; 12];
        match self.from.read(&mut head[..1])? {
            0 => return Ok(None),
            _ => self.from.read_exact(&mut head[1..])?,
        }
        let length = u64::from(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
        let mut data = Vec::new();
        if (&mut self.from).take(length).read_to_end(&mut data)? as u64 != length {
            return Err("the last frame is cut off".into());
        }
        Ok(Some(data))
    }
}

struct Frames<W> {
    out: W,
    rate: (u32, u32),
    begun: bool,
}

impl<W: Write> Frames<W> {
    /// Writes all frames that are decoded.
    fn take(&mut self, decoder: &mut Decoder) -> Result<(), Box<dyn Error>> {
        loop {
            match decoder.get_picture() {
                Ok(picture) => self.write(&picture)?,
                Err(Av1::Again) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write(&mut self, picture: &Picture) -> Result<(), Box<dyn Error>> {
        let bits = picture.bit_depth();
        if !self.begun {
            let chroma = match (picture.pixel_layout(), bits) {
                (PixelLayout::I400, 8) => "mono".to_owned(),
                (PixelLayout::I400, _) => format!("mono{bits}"),
                (PixelLayout::I420, 8) => match picture.chroma_location() {
                    ChromaLocation::Left => "420mpeg2",
                    ChromaLocation::TopLeft => "420",
                    _ => "420jpeg",
                }
                .to_owned(),
                (PixelLayout::I420, _) => format!("420p{bits}"),
                (PixelLayout::I422, 8) => "422".to_owned(),
                (PixelLayout::I422, _) => format!("422p{bits}"),
                (PixelLayout::I444, 8) => "444".to_owned(),
                (PixelLayout::I444, _) => format!("444p{bits}"),
            };
            let (width, height, (n, d)) = (picture.width(), picture.height(), self.rate);
            writeln!(
                self.out,
                "YUV4MPEG2 W{width} H{height} F{n}:{d} Ip A1:1 C{chroma}"
            )?;
            self.begun = true;
        }
        self.out.write_all(b"FRAME\n")?;
        let planes: &[Component] = match picture.pixel_layout() {
            PixelLayout::I400 => &[Component::Y],
            _ => &[Component::Y, Component::U, Component::V],
        };
        for &component in planes {
            let (plane, stride) = (picture.plane(component), picture.stride(component) as usize);
            let (_, height) = picture.plane_data_geometry(component);
            let width = match (component, picture.pixel_layout()) {
                (Component::Y, _) | (_, PixelLayout::I444) => picture.width(),
                _ => picture.width().div_ceil(2),
            };
            let line = width as usize * bits.div_ceil(8);
            for row in plane.chunks(stride).take(height as usize) {
                self.out.write_all(&row[..line])?;
            }
        }
        Ok(())
    }
}
