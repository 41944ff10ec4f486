#!/usr/bin/env python3
"""How many more bits the candidate needs for the same quality (BD-rate): a clip a line, for PSNR of luma and for VMAF.

    ./quality.py [CLIP.y4m ...]

Two encoders are never the same byte for byte, and one setting of one says nothing about the same of the other: each
encodes a clip at several levels, and the curves of quality over the logarithm of the rate are compared where they
overlap, interpolated monotonically (PCHIP). A clip is the unit: there is no sum over clips.
"""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FFMPEG = str(HERE / ".venv/bin/ffmpeg")
LEVELS = [20, 28, 36, 44, 52]
MEASURES = {"PSNR": "psnr_y", "VMAF": "vmaf"}


def encode(side: str, clip: Path, level: int, out: Path) -> None:
    subprocess.run([str(HERE / side / "encode"), str(clip), str(level), str(out)], check=True)


def quality(clip: Path, coded: Path) -> dict[str, float]:
    """The mean over all frames. Both have the same number of them, or the comparison is refused."""
    with tempfile.NamedTemporaryFile(suffix=".json") as log:
        graph = f"[0:v]settb=AVTB,setpts=N[d];[1:v]settb=AVTB,setpts=N[r];[d][r]libvmaf=feature=name=psnr:log_fmt=json:log_path={log.name}"
        command = [FFMPEG, "-nostdin", "-v", "error", "-i", str(coded), "-i", str(clip), "-lavfi", graph, "-f", "null", "-"]
        subprocess.run(command, check=True)
        result = json.loads(Path(log.name).read_text())
    frames = clip.read_bytes().count(b"FRAME\n")
    if len(result["frames"]) != frames:
        sys.exit(f"error: {coded.name} has {len(result['frames'])} frames, {clip.name} has {frames}")
    return {name: result["pooled_metrics"][key]["mean"] for name, key in MEASURES.items()}


def slopes(x: list[float], y: list[float]) -> list[float]:
    """Of a curve that does not overshoot between its points (Fritsch and Carlson 1980)."""
    steps = [(b - a) for a, b in zip(x, x[1:])]
    rises = [(b - a) / step for a, b, step in zip(y, y[1:], steps)]

    def inner(h0: float, h1: float, d0: float, d1: float) -> float:
        if d0 * d1 <= 0:
            return 0.0
        return 3 * (h0 + h1) / ((2 * h1 + h0) / d0 + (h1 + 2 * h0) / d1)

    middle = [inner(*four) for four in zip(steps, steps[1:], rises, rises[1:])]
    return [rises[0], *middle, rises[-1]]


def at(x: list[float], y: list[float], m: list[float], where: float) -> float:
    index = max(i for i in range(len(x) - 1) if x[i] <= where or i == 0)
    step = x[index + 1] - x[index]
    t = (where - x[index]) / step
    first = (1 + 2 * t) * (1 - t) ** 2 * y[index] + t * (1 - t) ** 2 * step * m[index]
    return first + t * t * (3 - 2 * t) * y[index + 1] + t * t * (t - 1) * step * m[index + 1]


def bd_rate(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> float | None:
    """Change of the rate of b against a, in per cent, over the quality that both reach; points of quality and rate."""
    curves = [sorted(points) for points in (a, b)]
    low = max(points[0][0] for points in curves)
    high = min(points[-1][0] for points in curves)
    if low >= high:
        return None
    means = []
    for points in curves:
        x = [quality for quality, _ in points]
        y = [math.log(rate) for _, rate in points]
        m = slopes(x, y)
        steps = 400
        means.append(sum(at(x, y, m, low + (high - low) * (i + 0.5) / steps) for i in range(steps)) / steps)
    return (math.exp(means[1] - means[0]) - 1) * 100


def main() -> None:
    clips = [Path(name) for name in sys.argv[1:]] or sorted((HERE / "clips").glob("*.y4m"))
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips:
            curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
            for side in ["incumbent", "candidate"]:
                curves[side] = {name: [] for name in MEASURES}
                for level in LEVELS:
                    out = Path(folder) / f"{side}-{level}.ivf"
                    encode(side, clip, level, out)
                    for name, value in quality(clip, out).items():
                        curves[side][name].append((value, out.stat().st_size))
                    out.unlink()
            changes = {name: bd_rate(curves["incumbent"][name], curves["candidate"][name]) for name in MEASURES}
            texts = [f"{name} {change:+.1f} %" if change is not None else f"{name}: the curves do not overlap" for name, change in changes.items()]
            print(f"{clip.stem}: {', '.join(texts)} bits for the same quality", flush=True)


if __name__ == "__main__":
    main()
