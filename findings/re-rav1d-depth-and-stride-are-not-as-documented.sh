#!/bin/sh
# re_rav1d 0.1.3 (crates.io): of 10-bit video `bit_depth()` is 10, documented as 8 or 16, and `stride()` is in bytes,
# documented as pixels.
#
# Both are what one needs to take a picture out of its planes: how large a sample is, and where the next row begins. The
# documentation of `Picture::bit_depth` promises the size of the integers that hold the samples ("8 or 16"), and
# `bits_per_component` the bits that are used. In fact both give the bits that are used, so `bit_depth() / 8` is 1 byte a
# sample where there are 2, and rows of `stride()` pixels are twice as long as the plane. With 8-bit video everything is
# right, so a program that was tried with that alone fails, or writes half of each row, when the first 10-bit file comes.
#
# Seen 2026-11-30, of a picture of 176 x 144:
#   8 bits: bit_depth 8, stride 256, plane of 36864 bytes
#   10 bits: bit_depth 10, stride 512, plane of 73728 bytes
# Why it matters here: examples/transcode/decoder, the candidate of a trial, has to write 10-bit frames.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
for tool in cargo python3; do
    command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 2; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env || exit 2
env/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 || { echo "cannot install it" >&2; exit 2; }
ffmpeg=$(env/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
export SVT_LOG=1
for pixels in yuv420p yuv420p10le; do
    "$ffmpeg" -nostdin -v error -y -f lavfi -i testsrc2=size=176x144:rate=25 -frames:v 3 -pix_fmt $pixels \
        -c:v libsvtav1 $pixels.ivf || { echo "libsvtav1 does not encode here" >&2; exit 2; }
done
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "seen"
version = "0.1.0"
edition = "2021"
[dependencies]
# Without assembly, which would need nasm.
re_rav1d = { version = "=0.1.3", default-features = false, features = ["bitdepth_8", "bitdepth_16"] }
T
cat > src/main.rs <<'R'
use re_rav1d::{Decoder, PlanarImageComponent::Y, Settings};
fn main() {
    let file = std::env::args().nth(1).unwrap();
    let bytes = std::fs::read(file).unwrap();
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    let mut decoder = Decoder::with_settings(&settings).unwrap();
    // IVF: 32 bytes, then frames with a head of 12 whose first 4 are the length.
    let mut at = 32;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let frame = bytes[at + 12..at + 12 + length].to_vec();
        at += 12 + length;
        decoder.send_data(frame, None, None, None).unwrap();
        if let Ok(picture) = decoder.get_picture() {
            let bits = picture.bits_per_component().unwrap().0;
            let plane = picture.plane(Y);
            println!("{bits} bits: bit_depth {}, stride {}, plane of {} bytes", picture.bit_depth(), picture.stride(Y), plane.len());
            return;
        }
    }
}
R
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$dir/build"
cargo build --quiet 2>build.log || { cat build.log >&2; exit 2; }
for pixels in yuv420p yuv420p10le; do
    build/debug/seen $pixels.ivf
done | tee seen.txt
[ "$(cat seen.txt)" = "8 bits: bit_depth 8, stride 256, plane of 36864 bytes
10 bits: bit_depth 10, stride 512, plane of 73728 bytes" ]
