#!/bin/sh
# FFmpeg 9 (imageio-ffmpeg 0.8.1): of its AV1 encoders only librav1e writes the aspect of the pixels into the stream.
#
# AV1 says how a picture is to be shown by its render size (section 5.9.6 of the bitstream specification), and a raw
# stream or an IVF file has no other place for it. The three encoders get the same frames with pixels of 2/1. What
# libsvtav1 and libaom-av1 write reads back as 1/1, so a player shows half the width. In a container that has a place of
# its own (here Matroska) it is right with all three, so a test with one of these does not see it.
#
# Seen 2026-11-30, aspect after decoding:
#   libsvtav1.ivf: 1/1
#   libsvtav1.mkv: 2/1
#   librav1e.ivf: 2/1
#   librav1e.mkv: 2/1
#   libaom-av1.ivf: 1/1
#   libaom-av1.mkv: 2/1
# Why it matters here: `understudy trial` with `as = "media"` compares the aspect of IVF files, and examples/transcode
# found it in one of its four clips.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv env || exit 2
env/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 || { echo "cannot install it" >&2; exit 2; }
ffmpeg=$(env/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
export SVT_LOG=1
for encoder in libsvtav1 librav1e libaom-av1; do
    for file in $encoder.ivf $encoder.mkv; do
        "$ffmpeg" -nostdin -v error -y -f lavfi -i testsrc2=size=176x144:rate=25 -frames:v 10 -vf setsar=2/1 \
            -pix_fmt yuv420p -c:v $encoder "$file" || { echo "$encoder does not encode here" >&2; exit 2; }
        # A filter says what the decoder hands on.
        read=$("$ffmpeg" -nostdin -v info -i "$file" -vf showinfo -f null - 2>&1 |
            sed -n 's/.* sar:\([0-9]*\/[0-9]*\) .*/\1/p' | head -n 1)
        echo "$file: $read"
    done
done | tee seen
[ "$(cat seen)" = "libsvtav1.ivf: 1/1
libsvtav1.mkv: 2/1
librav1e.ivf: 2/1
librav1e.mkv: 2/1
libaom-av1.ivf: 1/1
libaom-av1.mkv: 2/1" ]
