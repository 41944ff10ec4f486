#!/usr/bin/env python3
"""A server that misbehaves: bench/faults.py FAULT PORT. Each fault is one that a candidate behind the gateway may have."""
import asyncio, socket, struct, sys


def frame(kind, flags, stream, payload):
    """A frame of HTTP/2 (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


SETTINGS, RST_STREAM, GOAWAY = 4, 3, 7
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def for_ever(writer, piece, pause=0.0):
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


async def swallow(reader):
    while await reader.read(65536):
        pass


async def never_reads(reader, writer):
    writer.transport.pause_reading()
    await asyncio.sleep(3600)


async def one_byte_a_second(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def reset(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def endless(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(CHUNKED)
    await for_ever(writer, b"10000\r\n" + b"x" * 65536 + b"\r\n")


async def malformed(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x00\xff\x13garbage\r\n\r\n")
    await writer.drain()


async def header_bomb(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    await for_ever(writer, b"X-Bomb: x\r\n" * 100)


async def interim_flood(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    await for_ever(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20)


async def shut_window(reader, writer):
    await reader.readexactly(24)
    # SETTINGS_INITIAL_WINDOW_SIZE (4) = 0, and no answer ever.
    writer.write(frame(SETTINGS, 0, 0, bytes([0, 4, 0, 0, 0, 0])) + frame(SETTINGS, 1, 0, b""))
    await swallow(reader)


async def goaway(reader, writer):
    await reader.readexactly(24)
    writer.write(frame(SETTINGS, 0, 0, b"") + frame(GOAWAY, 0, 0, bytes(8)))
    await swallow(reader)


async def resets_streams(reader, writer):
    await reader.readexactly(24)
    writer.write(frame(SETTINGS, 0, 0, b""))
    stream = 1
    while await reader.read(4096):
        writer.write(frame(RST_STREAM, 0, stream, bytes([0, 0, 0, 2])))
        stream += 2


# Name: what serves a connection (nothing where none is served), and whether it is HTTP/2.
FAULTS = {
    "down": (None, False),
    "black-holed": (None, False),
    "never reads": (never_reads, False),
    "one byte a second": (one_byte_a_second, False),
    "reset in a body": (reset, False),
    "endless": (endless, False),
    "malformed": (malformed, False),
    "header bomb": (header_bomb, False),
    "1xx flood": (interim_flood, False),
    "zero window": (shut_window, True),
    "GOAWAY storm": (goaway, True),
    "RST storm": (resets_streams, True),
}


def black_hole(port):
    """A full queue of connections that are never accepted: further ones are neither taken nor refused."""
    listener = socket.create_server(("127.0.0.1", port), backlog=0)
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        waiting.append(client)
    return listener, waiting


async def serve(handler, port):
    async def guarded(reader, writer):
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    fault, port = sys.argv[1], int(sys.argv[2])
    handler, _ = FAULTS[fault]
    held = black_hole(port) if fault == "black-holed" else None
    if handler is None:
        asyncio.run(asyncio.sleep(3600))
    else:
        asyncio.run(serve(handler, port))
