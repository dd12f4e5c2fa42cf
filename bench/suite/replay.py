"""A program that answers MySQL clients with what was recorded (`recording.py`), as DIRECTORY: a server that costs nothing.

Prints its port, and ends with its standard input. What was recorded as one command's answer is sent whenever that command
comes, on whichever connection; one that was not recorded is answered with an error. Rows go from the page cache into the
socket (sendfile).
"""

import json
import os
import pathlib
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

# Only now: the suite is found by the path.
from suite.commands import GREETING, NUMBER, PREPARE, Speaker, packets  # noqa: E402


class Answers:
    """By command: the file, and where in it."""

    def __init__(self, directory):
        known = json.loads((directory / "answers.json").read_text(encoding="utf-8"))
        files = {name: os.open(directory / name, os.O_RDONLY) for name in {name for name, _, _ in known.values()}}
        self.places = {key.encode("latin-1"): (files[name], began, length) for key, (name, began, length) in known.items()}

    def send(self, client, key):
        file, at, left = self.places[key]
        while left > 0:
            sent = os.sendfile(client.fileno(), file, at, left)
            at, left = at + sent, left - sent

    def small(self, key):
        file, began, length = self.places[key]
        return bytearray(os.pread(file, length, began))


def serve(client, answers):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    speaker, buffer, statements = Speaker(), bytearray(), 0
    answers.send(client, GREETING)
    while chunk := client.recv(1 << 16):
        buffer += chunk
        for sequence, payload in packets(buffer):
            key = speaker.key(sequence, payload)
            if key is None:
                continue
            if key not in answers.places:
                refuse(client, sequence, payload)
            elif sequence == 0 and payload[0] == PREPARE:
                # Numbers were given by several connections: here each statement has one of its own.
                statements += 1
                answer, number = answers.small(key), statements.to_bytes(4, "little")
                if answer[4] == 0:
                    answer[NUMBER] = number
                    speaker.prepared(number, payload)
                client.sendall(answer)
            else:
                answers.send(client, key)


def refuse(client, sequence, payload):
    """ER_UNKNOWN_ERROR, which nobody tries again."""
    words = b"the replay has no answer to this command: " + payload[:300]
    print(f"replay: {words!r}", file=sys.stderr, flush=True)
    error = b"\xff" + (1105).to_bytes(2, "little") + b"#HY000" + words
    client.sendall(len(error).to_bytes(3, "little") + bytes([sequence + 1]) + error)


def served(client, answers):
    with client:
        try:
            serve(client, answers)
        except (BrokenPipeError, ConnectionResetError):
            pass


def end_with_the_bench():
    sys.stdin.read()
    os._exit(0)


def main():
    answers = Answers(pathlib.Path(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=end_with_the_bench, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=served, args=(client, answers), daemon=True).start()


if __name__ == "__main__":
    main()
