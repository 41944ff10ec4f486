//! Decodes an IVF file with rav1d on one thread and prints the MD5 of its pictures: what `dav1d --muxer md5` prints.
//!
//!     rav1d-md5 -i FILE

use md5::{Digest, Md5};
use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dSettings};
use rav1d::include::dav1d::headers::{DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I444};
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_default_settings, dav1d_get_picture, dav1d_open, dav1d_picture_unref,
    dav1d_send_data,
};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::{fs, slice};

/// What the decoder answers when it wants data, or has no room for more.
const AGAIN: i32 = -11;
const FILE_HEADER: usize = 32;
const FRAME_HEADER: usize = 12;

struct Decoder {
    context: Option<Dav1dContext>,
    md5: Md5,
}

impl Decoder {
    fn new() -> Result<Decoder, String> {
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        let mut context = None;
        // SAFETY: the settings are written before they are read; both pointers are to values that live here.
        let result = unsafe {
            dav1d_default_settings(NonNull::from(&mut settings).cast());
            let mut settings = settings.assume_init();
            settings.n_threads = 1;
            dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings)))
        };
        match result.0 {
            0 => Ok(Decoder { context, md5: Md5::new() }),
            code => Err(format!("cannot open the decoder ({code})")),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut data = Dav1dData::default();
        // SAFETY: the decoder makes room for as many bytes as are copied there.
        unsafe {
            let room = dav1d_data_create(Some(NonNull::from(&mut data)), bytes.len());
            let room = NonNull::new(room).ok_or("no memory")?;
            room.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        while data.sz > 0 {
            // SAFETY: the context is open, and the data is from `dav1d_data_create`.
            match unsafe { dav1d_send_data(self.context, Some(NonNull::from(&mut data))) }.0 {
                0 | AGAIN => self.take()?,
                code => return Err(format!("cannot decode ({code})")),
            }
        }
        Ok(())
    }

    /// Takes the pictures that are ready.
    fn take(&mut self) -> Result<(), String> {
        loop {
            let mut picture = Dav1dPicture::default();
            let at = NonNull::from(&mut picture);
            // SAFETY: the context is open; the picture is valid until it is given back.
            match unsafe { dav1d_get_picture(self.context, Some(at)) }.0 {
                0 => {
                    add(&mut self.md5, &picture);
                    // SAFETY: it is from `dav1d_get_picture` and is not used afterwards.
                    unsafe { dav1d_picture_unref(Some(at)) };
                }
                AGAIN => return Ok(()),
                code => return Err(format!("cannot decode ({code})")),
            }
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context is open and is not used afterwards.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.context))) };
    }
}

fn add(md5: &mut Md5, picture: &Dav1dPicture) {
    let (width, height) = (picture.p.w as usize, picture.p.h as usize);
    let wide = usize::from(picture.p.bpc > 8);
    let layout = picture.p.layout;
    let half_width = usize::from(layout != DAV1D_PIXEL_LAYOUT_I444);
    let half_height = usize::from(layout == DAV1D_PIXEL_LAYOUT_I420);
    let planes = if layout == DAV1D_PIXEL_LAYOUT_I400 { 1 } else { 3 };
    for (index, data) in picture.data.iter().take(planes).enumerate() {
        let (columns, rows) = match index {
            0 => (width, height),
            _ => ((width + half_width) >> half_width, (height + half_height) >> half_height),
        };
        let Some(data) = data else { continue };
        for row in 0..rows {
            // SAFETY: a plane has `rows` rows of at least `columns` pixels, `stride` bytes apart.
            md5.update(unsafe {
                let start = data.as_ptr().cast::<u8>().offset(row as isize * picture.stride[index.min(1)]);
                slice::from_raw_parts(start, columns << wide)
            });
        }
    }
}

fn run(path: &str) -> Result<String, String> {
    let file = fs::read(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let mut rest = file.get(FILE_HEADER..).filter(|_| file.starts_with(b"DKIF")).ok_or("not an IVF file")?;
    let mut decoder = Decoder::new()?;
    while let Some((header, frames)) = rest.split_at_checked(FRAME_HEADER) {
        let size = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let (frame, after) = frames.split_at_checked(size).ok_or("the file is cut off")?;
        decoder.send(frame)?;
        rest = after;
    }
    decoder.take()?;
    Ok(decoder.md5.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [option, path] = arguments.as_slice() else {
        return Err("usage: rav1d-md5 -i FILE".to_owned());
    };
    if option != "-i" {
        return Err(format!("unknown option {option}"));
    }
    println!("{}", run(path)?);
    Ok(())
}
