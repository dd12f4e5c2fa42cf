"""The program in a terminal of its own: a tmux server that nobody else sees."""

import subprocess
import sys
import time

COLUMNS, LINES = 100, 28
PATIENCE = 60


class Terminal:
    """A tmux session with one program. `with` ends it, whatever happened."""

    def __init__(self, socket, command, cwd):
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null", "-u"]
        self._start = ["new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-c", str(cwd), *command]

    def __enter__(self):
        # Without the status line the program has all the lines; a program that ends early leaves its last words.
        self._ask("start-server", ";", "set", "-g", "status", "off", ";", "set", "-g", "remain-on-exit", "on", ";",
                  *self._start)
        return self

    def __exit__(self, *_):
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def _ask(self, *words):
        return subprocess.run([*self._tmux, *words], check=True, capture_output=True, text=True).stdout

    def press(self, *keys):
        """Keys by tmux's names (`Enter`, `Down`) or as they are."""
        self._ask("send-keys", *keys)

    def type(self, text):
        self._ask("send-keys", "-l", text)

    def text(self):
        return self._ask("capture-pane", "-p")

    def picture(self):
        """The screen with its colours; spaces at the end of a marked line are part of it."""
        return self._ask("capture-pane", "-p", "-e", "-N")

    def wait(self, what, shown):
        """Waits until `shown(text)` holds; gives the colours of just that screen."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            before = self.text()
            if shown(before):
                picture = self.picture()
                # Drawn anew in between: look again.
                if self.text() == before:
                    return picture
            time.sleep(0.03)  # tmux cannot be asked to tell of a change
        sys.exit(f"screenshots: {what} did not show within {PATIENCE} seconds; the screen is:\n{self.text()}")
