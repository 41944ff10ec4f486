#!/usr/bin/env python3
"""Writes cases/data/: the inputs of the cases that are too large, or not text, for a line of JSON. Deterministic.

    ./data.py

An input of text is made for 20 to 50 ms of work in the slower utilities.
"""

import random
from pathlib import Path

HERE = Path(__file__).resolve().parent / "cases" / "data"
WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one "
    "you were all her she there would their we him been has when who will no more if out so up said what its about than "
    "into them can only other time new some could these two may first then do any like my now over such our man me even "
    "most made after also did many off before must well back through years much where your way down should because long "
    "each just state those people too mr how little good world make very year still see own work men day get here old "
    "naïve café Zürich London Berlin README x86_64 e-mail don't over-all 42 1984 3.14 https://example.org/a?b=c"
).split()


def text(rng: random.Random, size: int) -> str:
    """Lines of up to 16 words; some are empty, some are indented by a tab."""
    lines: list[str] = []
    length = 0
    while length < size:
        line = " ".join(rng.choices(WORDS, k=rng.randrange(17)))
        line = f"\t{line}" if rng.random() < 0.05 else line
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines) + "\n"


def prose(rng: random.Random, size: int) -> str:
    """Paragraphs of long lines that end in full stops."""
    paragraphs: list[str] = []
    length = 0
    while length < size:
        sentences = [" ".join(rng.choices(WORDS, k=rng.randrange(4, 20))).capitalize() + "." for _ in range(rng.randrange(1, 8))]
        paragraphs.append("  ".join(sentences))
        length += len(paragraphs[-1]) + 2
    return "\n\n".join(paragraphs) + "\n"


def row(rng: random.Random, number: int) -> list[str]:
    price = f"{rng.randrange(1, 10**6) / 100:.2f}"
    return [str(number), rng.choice(WORDS), f"customer-{rng.randrange(5000):04}", price, rng.choice(["DE", "FR", "US", "CH"])]


def rows(rng: random.Random, size: int) -> list[list[str]]:
    return [row(rng, number) for number in range(size // 36)]


def numbers(rng: random.Random, count: int) -> str:
    """Numbers of many lengths, some with a fraction or a sign; each occurs about twice."""
    kinds = [lambda: rng.randrange(count // 2), lambda: -rng.randrange(10**4), lambda: rng.randrange(10**5) / 100, lambda: rng.randrange(10**12)]
    return "".join(f"{rng.choice(kinds)()}\n" for _ in range(count))


def ordered(rng: random.Random, count: int) -> str:
    """Sorted lines, as `comm` wants them; about a third occurs more than once."""
    lines = sorted(f"{rng.choice(WORDS)} {rng.randrange(count):06}".encode() for _ in range(count))
    return b"\n".join(lines + lines[-1:]).decode() + "\n"


def keyed(rng: random.Random, count: int) -> str:
    """Lines with a key that one in two keys has, in order."""
    return "".join(f"{key:07} {rng.choice(WORDS)} {rng.randrange(1000)}\n" for key in range(count * 2) if rng.random() < 0.5)


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    rng = random.Random(4711)
    table = rows(rng, 4 << 20)
    texts = {
        "text-4m.txt": text(rng, 4 << 20),
        "prose-1m.txt": prose(rng, 1 << 20),
        "prose-100k.txt": prose(rng, 100 << 10),
        "table-4m.csv": "".join(",".join(cells) + "\n" for cells in table),
        "table-4m.tsv": "".join("\t".join(cells) + "\n" for cells in table),
        "columns-4m.txt": "".join("".join(cell.ljust(24) for cell in cells) + "\n" for cells in table[:34000]),
        "lines-60k.txt": "".join(f"{' '.join(rng.choices(WORDS, k=5))}\n" for _ in range(60_000)),
        "numbers-60k.txt": numbers(rng, 60_000),
        "sorted-a.txt": ordered(rng, 150_000),
        "sorted-b.txt": ordered(rng, 150_000),
        "join-a.txt": keyed(rng, 120_000),
        "join-b.txt": keyed(rng, 120_000),
        "deps.txt": "".join(f"n{a} n{a + 1 + rng.randrange(50)}\n" for a in range(30_000)),
        "factor.txt": "".join(f"{rng.randrange(2, 1 << 52)}\n" for _ in range(2_000)),
    }
    texts["text-16m.txt"] = texts["text-4m.txt"] * 4
    for name, content in texts.items():
        (HERE / name).write_bytes(content.encode())
    (HERE / "bytes-256.bin").write_bytes(bytes(range(256)))
    (HERE / "latin1.txt").write_bytes("Zürich café\nnaïve\n".encode("latin-1"))
    for name, size in {"bytes-512k.bin": 512 << 10, "bytes-8m.bin": 8 << 20, "bytes-32m.bin": 32 << 20}.items():
        (HERE / name).write_bytes(rng.randbytes(size))


if __name__ == "__main__":
    main()
