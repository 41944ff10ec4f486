#!/usr/bin/env python3
"""Writes data/: an access log, source code and a dictionary, as `grep` is used on. Deterministic.

    ./data.py
"""

import random
from pathlib import Path

HERE = Path(__file__).resolve().parent / "data"
PATHS = ["/", "/index.html", "/api/orders/{}", "/api/users/{}/cart", "/static/app.{}.js", "/favicon.ico", "/wp-login.php", "/search?q=caf%C3%A9&p={}"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0", "curl/8.5.0", "Googlebot/2.1 (+http://www.google.com/bot.html)", "-"]
SYLLABLES = "ba ce di fo gu ka le mi no pu ra se ti vo wu xa ye zi stra ung ähn ñor".split()


def access_log(rng: random.Random, lines: int) -> str:
    def line(number: int) -> str:
        address = f"10.{rng.randrange(4)}.{rng.randrange(256)}.{rng.randrange(256)}"
        path = rng.choice(PATHS).format(rng.randrange(10_000))
        status = rng.choices([200, 304, 404, 500, 503], [80, 10, 8, 1, 1])[0]
        method = rng.choices(["GET", "POST", "HEAD"], [85, 14, 1])[0]
        seconds = number // 50
        at = f"30/Nov/2026:{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02} +0000"
        return f'{address} - - [{at}] "{method} {path} HTTP/1.1" {status} {rng.randrange(90_000)} "-" "{rng.choice(AGENTS)}"\n'

    return "".join(line(number) for number in range(lines))


def source(rng: random.Random, functions: int) -> str:
    parts = []
    for number in range(functions):
        name = f"{rng.choice(['read', 'write', 'parse', 'find', 'merge'])}_{rng.choice(['row', 'header', 'index', 'Größe'])}_{number}"
        parts.append(
            f"/* {name}: see {rng.choice(['RFC 9110', 'the manual', 'TODO(anna)', 'FIXME'])} */\n"
            f"static int {name}(struct buffer *in, size_t len)\n{{\n\tif (len > {rng.randrange(4096)})\n\t\treturn -1;\n"
            f"\tfor (size_t i = 0; i < len; i++)\n\t\tsum += in->data[i] * {rng.randrange(100)};\n\treturn sum;\n}}\n\n"
        )
    return "".join(parts)


def words(rng: random.Random, count: int) -> str:
    found = {"".join(rng.choices(SYLLABLES, k=rng.randrange(1, 6))) for _ in range(count)}
    return "".join(f"{word}\n" for word in sorted(found))


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    rng = random.Random(4711)
    texts = {"access.log": access_log(rng, 60_000), "source.c": source(rng, 12_000), "words.txt": words(rng, 200_000)}
    texts["patterns.txt"] = "".join(f"/api/orders/{rng.randrange(10_000)} \n" for _ in range(500))
    for name, text in texts.items():
        (HERE / name).write_bytes(text.encode())
    (HERE / "latin1.txt").write_bytes("Größe: 3\nZürich\nplain\n".encode("latin-1"))
    (HERE / "binary.bin").write_bytes(b"needle one\nhay\n\x00\x01\x02needle two\n" + bytes(range(256)) + b"\nneedle three\n")


if __name__ == "__main__":
    main()
