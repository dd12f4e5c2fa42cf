"""A proxy in front of MariaDB that writes down what the server answers to each command."""

import json
import os
import socket
import threading

from suite.commands import GREETING, NUMBER, PREPARE, Speaker, packets

CHUNK = 1 << 18


class Recording:
    """One connection: the server's bytes go into a file, and where each command's answer lies into a list."""

    def __init__(self, client, path, answers):
        self.client, self.path, self.answers = client, path, answers
        self.server = socket.create_connection((os.environ["MYSQL_HOST"], int(os.environ["MYSQL_PORT"])))
        for side in self.client, self.server:
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Of the answer that arrives: its command, where it begins, its first bytes.
        self.key, self.sent, self.began, self.head = GREETING, b"", 0, b""
        self.size = 0
        self.speaker = Speaker()
        self.threads = [threading.Thread(target=side, daemon=True) for side in (self.answered, self.asked)]
        for thread in self.threads:
            thread.start()

    def answered(self):
        """The server's bytes are written down before the client sees them: its next command comes after all of them."""
        with self.path.open("wb", buffering=0) as file:
            while chunk := received(self.server):
                file.write(chunk)
                if len(self.head) < NUMBER.stop:
                    self.head += chunk[:NUMBER.stop]
                self.size += len(chunk)
                if not passed_on(self.client, chunk):
                    break
        self.end_answer()
        hang_up(self.client)

    def asked(self):
        buffer = bytearray()
        while chunk := received(self.client):
            buffer += chunk
            for sequence, payload in packets(buffer):
                self.begin_answer(sequence, payload)
            passed_on(self.server, chunk)
        hang_up(self.server)

    def begin_answer(self, sequence, payload):
        self.end_answer()
        # After what came before has ended: a statement's number is in the answer to its PREPARE.
        key = self.speaker.key(sequence, payload)
        if key is not None:
            self.key, self.sent = key, payload if sequence == 0 else b""
            self.began, self.head = self.size, b""

    def end_answer(self):
        if self.key is None:
            return
        if self.sent[:1] == bytes([PREPARE]) and len(self.head) >= NUMBER.stop:
            self.speaker.prepared(self.head[NUMBER], self.sent)
        # The first one counts: what is asked twice is answered the same, or nobody looks at it.
        answer = (self.path.name, self.began, self.size - self.began)
        self.answers.setdefault(self.key.decode("latin-1"), answer)
        self.key = None


class RecordingProxy:
    """Writes `answers.json` into a directory when it ends, beside a file for each connection."""

    def __init__(self, directory):
        self.directory, self.answers, self.recordings = directory, {}, []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        # A listener that is only closed goes on waiting in its thread.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        # The client has ended, and so do they.
        for thread in [thread for recording in self.recordings for thread in recording.threads]:
            thread.join()
        (self.directory / "answers.json").write_text(json.dumps(self.answers), encoding="utf-8")

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            path = self.directory / f"connection_{len(self.recordings) + 1}"
            self.recordings.append(Recording(client, path, self.answers))

    @property
    def size(self):
        return sum(length for _, _, length in self.answers.values())


def received(side):
    try:
        return side.recv(CHUNK)
    except OSError:
        return b""


def passed_on(side, data):
    try:
        side.sendall(data)
    except OSError:
        return False
    return True


def hang_up(side):
    try:
        side.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
