#!/bin/sh
# uvicorn 0.54.0: `uvicorn` and `uvicorn[standard]`, the same version and the same application, answer differently.
#
# The extra brings httptools, and uvicorn takes that for its parser when it can be imported; without it the parser is h11.
# Nothing in the command or the log says which one it is. A method that nobody knows reaches the application by h11 (405 of
# FastAPI) and is refused by httptools, which closes the connection (400); HTTP/1.1 without Host is refused by h11 and
# served by httptools.
#
# Seen 2026-11-30, Python 3.11.7 (fastapi 0.165.0, h11 0.16.0, httptools 0.9.0):
#   plain: FOO 405, no Host 400
#   standard: FOO 400, no Host 200
# Why it matters here: an image that leaves the extra out, or brings httptools by another dependency, is another candidate;
# `understudy trial --edges` tells the two apart, recorded traffic hardly ever.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried.
set -eu
command -v python3 >/dev/null || { echo "python3 is missing" >&2; exit 2; }
dir=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$dir"' EXIT
cd "$dir"
cat > app.py <<'PY'
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{number}")
def read(number: int):
    return {"id": number}
PY
cat > ask.py <<'PY'
import socket
import sys
import time

port = int(sys.argv[1])


def status(*lines):
    head = "".join(f"{line}\r\n" for line in (*lines, ""))
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(head.encode())
                return connection.recv(64).split()[1].decode()
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit(2)


unknown, hostless = status("FOO /items/1 HTTP/1.1", "Host: a"), status("GET /items/1 HTTP/1.1")
print(f"FOO {unknown}, no Host {hostless}")
PY
out=
for extra in "" "[standard]"; do
    python3 -m venv "env$extra" || exit 2
    "env$extra/bin/pip" install --quiet --disable-pip-version-check fastapi==0.165.0 "uvicorn$extra==0.54.0" h11==0.16.0 \
        ${extra:+httptools==0.9.0} || { echo "cannot install it" >&2; exit 2; }
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "env$extra/bin/uvicorn" --port "$port" --log-level error app:app >/dev/null 2>&1 &
    server=$!
    said=$(python3 ask.py "$port") || exit 2
    kill "$server"
    wait "$server" 2>/dev/null || :
    server=
    name=${extra:-plain}
    out="$out$(echo "$name" | tr -d '[]'): $said
"
done
printf '%s' "$out"
case $out in
"plain: FOO 405, no Host 400
standard: FOO 400, no Host 200
") exit 0 ;;
*) exit 1 ;;
esac
