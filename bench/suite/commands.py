"""What a MySQL client sends, told apart so that the same command is known again on another connection."""

QUIT, PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET, FETCH = 0x01, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1C
# No answer comes to these.
SILENT = (QUIT, LONG_DATA, CLOSE)
# They name a prepared statement by the server's number, which differs from one connection to the next.
OF_A_STATEMENT = (EXECUTE, RESET, FETCH)

GREETING = b"greeting"

# Of a login: capabilities, the largest packet, the character set. What follows differs: user, scramble, the client's process.
HEAD_OF_LOGIN = 32

HEADER = 4
# In a PREPARE's answer, behind the header and OK: the statement's number.
NUMBER = slice(HEADER + 1, HEADER + 5)


def packets(buffer):
    """Takes the whole packets at a buffer's beginning: sequence and payload."""
    while len(buffer) >= HEADER:
        end = HEADER + int.from_bytes(buffer[:3], "little")
        if len(buffer) < end:
            return
        sequence, payload = buffer[3], bytes(buffer[HEADER:end])
        del buffer[:end]
        yield sequence, payload


class Speaker:
    """The client's side of one connection."""

    def __init__(self):
        # Answers have another form for a client of other capabilities.
        self.scope, self.logins = None, 0
        self.statements = {}

    def key(self, sequence, payload):
        """The command, as it is the same on every connection; None: no answer comes."""
        if sequence != 0:
            self.scope = self.scope or payload[:HEAD_OF_LOGIN]
            self.logins += 1
            return b"login %d of " % self.logins + self.scope
        command, number = payload[0], payload[1:5]
        if command == CLOSE:
            self.statements.pop(number, None)
        if command in SILENT:
            return None
        if command in OF_A_STATEMENT:
            # The text; for an EXECUTE the values too.
            return self.scope + payload[:1] + self.statements.get(number, b"unknown statement") + b"\0" + payload[5:]
        return self.scope + payload

    def prepared(self, number, payload):
        """The answer to this PREPARE has that number."""
        self.statements[number] = payload[1:]
