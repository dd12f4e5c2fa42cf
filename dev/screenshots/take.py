"""Takes the screenshots: a prepared shop, the program in a terminal, keys as an operator presses them.

A picture is an SVG, and where docs/console.md has a place for it, the same screen as text. Nothing is drawn by hand. A picture is taken when the screen shows what it is for; else this fails and says what it shows.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys

import film
import picture
from terminal import COLUMNS, Terminal

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "screenshots"
PAGE = ROOT / "docs/console.md"
# The screens of the moving picture, with the seconds that each is shown.
SESSION = []
# Pictures that are shown as such; the others are text alone.
DRAWN = ["mappings", "run", "schema", "backfill", "history", "logs"]
PROGRAM = pathlib.Path(os.environ.get("BQSYNC", ROOT / "target/release/bqsync")).resolve()
# Beside the servers of this run, so that two at once do not meet.
WORK = pathlib.Path(os.environ["BQSYNC_DEV_GCS_ROOT"]).parent / "work"

# In the order of config.yaml, and those of them that were synced before.
MAPPINGS = ["customers", "orders", "page_views", "products", "invoices", "carts"]
KNOWN = ["customers", "orders", "products", "invoices"]


def sql(script):
    client = ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--host=localhost", "--user=root",
              f"--socket={os.environ['BQSYNC_DEV_SOCKET']}"]
    subprocess.run(client, input=script, text=True, check=True, stdout=subprocess.DEVNULL)


def bqsync(*arguments, code=0):
    """A headless command, as the night before; `code` is how it has to end."""
    ran = subprocess.run([PROGRAM, "--no-tui", *arguments], cwd=WORK, capture_output=True, text=True, check=False)
    if ran.returncode != code:
        said = f"bqsync {' '.join(arguments)} ended with {ran.returncode}, not {code}"
        sys.exit(f"screenshots: {said}:\n{ran.stdout}{ran.stderr}")


def prepare():
    """Fills the shop and syncs it as it was; then things happen that an operator has to look at."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    shutil.copy(HERE / "config.yaml", WORK)
    os.environ.update(MYSQL_DATABASE="shop", BQSYNC_LOG_DIR="logs", USER="ops", LANG="C.UTF-8", LC_ALL="C.UTF-8")
    # The user's own files: contexts, and what the console remembers.
    os.environ.update(HOME=str(WORK), XDG_CONFIG_HOME=str(WORK / "user"), XDG_STATE_HOME=str(WORK / "user"))
    contexts()
    for name in ("NO_COLOR", "TMUX", "LOG_LEVEL"):
        os.environ.pop(name, None)
    sql((HERE / "shop.sql").read_text(encoding="utf-8"))
    chosen = [word for name in KNOWN for word in ("--mapping", name)]
    bqsync("run-once", *chosen)
    sql("alter table shop.products add column internal_note varchar(40) null")
    bqsync("run-once", "--mapping", "products", code=3)
    bqsync("schema-diff", "--mapping", "products", "--decline", "internal_note")
    bqsync("run-once", "--mapping", "products")
    bqsync("backfill", "--mapping", "orders", "--start", day(-30), "--end", day(-25))
    sql((HERE / "since.sql").read_text(encoding="utf-8"))
    bqsync("run-once", "--mapping", "products", "--mapping", "invoices", "--mapping", "customers", code=1)


def contexts():
    """Another configuration to switch to, of which nothing has run yet."""
    for name in ("prod", "staging"):
        (WORK / name).mkdir()
        config = (WORK / "config.yaml").read_text(encoding="utf-8").replace("dataset: shop", f"dataset: {name}")
        (WORK / name / "config.yaml").write_text(config, encoding="utf-8")
    (WORK / "user/bqsync").mkdir(parents=True)
    names = "prod: {config: ../../prod/config.yaml, colour: red}\nstaging: {config: ../../staging/config.yaml}\n"
    (WORK / "user/bqsync/contexts.yaml").write_text(names, encoding="utf-8")


def day(offset):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=offset)).date().isoformat()


def line_of(text, mapping):
    return next((line for line in text.splitlines() if line.startswith(mapping + " ")), "")


def shoot(ansi, seconds):
    """Adds a screen to the moving picture."""
    SESSION.append((ansi, seconds))
    return ansi


def save(name, ansi):
    if name in DRAWN:
        picture.save(ansi, COLUMNS, OUT / f"{name}.svg", "bqsync")
        print(f"    screenshots/{name}.svg", flush=True)
    write_down(name, ansi)


def write_down(name, ansi):
    """Puts the screen's text into its place on the page: the block of code below `<!-- screen: NAME -->`."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", ansi)
    screen = "\n".join(line.rstrip() for line in plain.splitlines()).rstrip()
    place = re.compile(rf"(<!-- screen: {name} -->\n```text\n).*?(```\n)", re.DOTALL)
    page = PAGE.read_text(encoding="utf-8")
    if place.search(page):
        PAGE.write_text(place.sub(lambda found: f"{found[1]}{screen}\n{found[2]}", page), encoding="utf-8")
        print(f"    docs/console.md: {name}", flush=True)


def run(terminal, mapping):
    mark(terminal, mapping)
    terminal.press("r")


def back(terminal):
    """To the mappings. What follows an Escape at once would be taken for Alt and a key."""
    terminal.press("Escape")
    terminal.wait("the mappings", lambda text: "STATUS" in text)


def home(terminal):
    """To the mappings, from however many screens away."""
    for _ in range(5):
        before = terminal.text()
        if "STATUS" in before:
            return
        terminal.press("Escape")
        terminal.wait("the screen before", lambda text, before=before: text != before)
    sys.exit("screenshots: five times Escape does not lead to the mappings")


def mark(terminal, mapping):
    terminal.press("g", *["j"] * MAPPINGS.index(mapping))


def take(terminal):
    shoot(terminal.wait("where the mappings stand", lambda text: "6h" in line_of(text, "orders")), 2.5)
    run(terminal, "invoices")
    terminal.wait("the failure", lambda text: "invoices failed" in text)
    run(terminal, "orders")
    run(terminal, "page_views")
    mark(terminal, "invoices")
    for share in (5, 15):
        shoot(terminal.wait("runs under way", lambda text, share=share: is_busy(text, share)), 0.8)
    save("mappings", shoot(terminal.wait("two mappings running", is_busy), 2))

    mark(terminal, "orders")
    terminal.press("Enter")
    shoot(terminal.wait("a run that reads", lambda text: "k/s" in text), 1.2)
    save("run", shoot(terminal.wait("a run half way", is_half_way), 2))
    back(terminal)
    shoot(terminal.wait("the end of both runs",
                        lambda text: all("OK" in line_of(text, m) for m in ("orders", "page_views"))), 2)

    mark(terminal, "products")
    terminal.press("s")
    shoot(terminal.wait("the columns", lambda text: "BECOMES" in text), 2)
    # One accepted, one declined, the others still open.
    to_column(terminal, "supplier_id")
    terminal.press("Space", "Space")
    to_column(terminal, "season")
    terminal.press("Space")
    marked = terminal.wait("the marks", lambda text: "[+] season" in text and "[-] supplier_id" in text)
    save("schema", shoot(marked, 3))
    back(terminal)

    mark(terminal, "orders")
    terminal.press("b")
    terminal.type(day(-30))
    shoot(terminal.wait("the first day", lambda text: day(-30) in text), 1.2)
    terminal.press("Enter")
    save("backfill", shoot(terminal.wait("a preview", lambda text: "rows in BigQuery" in text), 3.5))
    back(terminal)
    film.save(SESSION, COLUMNS, OUT / "session.svg", "bqsync")
    print("    screenshots/session.svg", flush=True)

    terminal.press("h")
    save("history", terminal.wait("past runs", lambda text: "TRIGGER" in text and "page_views" in text))
    terminal.press("Enter")
    save("report", terminal.wait("a report", lambda text: "rows in" in text))
    home(terminal)
    terminal.press("l")
    save("logs", terminal.wait("log lines", lambda text: text.count("INFO") > 5))
    home(terminal)
    take_many(terminal)


def take_many(terminal):
    """What is there for an operator with many mappings."""
    terminal.press("!")
    save("wrong", terminal.wait("only what is wrong", lambda text: "only what is wrong" in text))
    terminal.press("!")
    terminal.type("/mode:upsert -carts")
    save("filter", terminal.wait("a filter", lambda text: "4 of 6 shown" in text))
    terminal.press("Enter", "*", "r")
    save("marks", terminal.wait("a question", lambda text: "Run 4 mappings?" in text))
    terminal.press("n")
    terminal.press("Escape")
    terminal.wait("no marks", lambda text: " marked" not in text)
    terminal.press("Escape")
    terminal.wait("no filter", lambda text: " shown)" not in text)
    terminal.type(":backfill ord")
    save("command", terminal.wait("what fits", lambda text: "\norders" in text))
    terminal.press("Escape")
    terminal.press("C-p")
    terminal.type("rows")
    save("palette", terminal.wait("the list", lambda text: "> rows" in text))
    terminal.press("Escape")
    terminal.wait("the mappings", lambda text: "> rows" not in text)
    terminal.press("w")
    save("sent", terminal.wait("what was sent", lambda text: "MERGE" in text or "SELECT" in text))
    back(terminal)
    mark(terminal, "customers")
    terminal.press("v")
    terminal.wait("a price", lambda text: "comparison reads up to" in text)
    terminal.press("Enter")
    save("verify", terminal.wait("the comparison", lambda text: "read in BigQuery" in text))
    back(terminal)
    terminal.press("d")
    terminal.wait("what it bills", lambda text: "Show the newest rows" in text)
    terminal.press("y")
    save("rows", terminal.wait("rows of both sides", lambda text: "the newest" in text and "alike" in text))
    back(terminal)
    terminal.press("i")
    save("check", terminal.wait("findings", lambda text: "Check of" in text and "looking at" not in text))
    back(terminal)
    terminal.press("?")
    save("help", terminal.wait("help", lambda text: "Help" in text))
    back(terminal)
    terminal.press("t")
    terminal.wait("tables without a mapping", lambda text: "without a mapping" in text and "order_lines" in text)
    terminal.press("*")
    save("tables", terminal.wait("marked ones", lambda text: " marked" in text))
    terminal.press("Enter")
    save("tables_question", terminal.wait("the lines", lambda text: "name: order_lines" in text))
    terminal.press("n")
    # The marks go first, then the screen.
    home(terminal)
    mark(terminal, "orders")
    terminal.press("K")
    save("own", terminal.wait("the command's end", lambda text: "ended with exit code 0" in text))
    terminal.press("Enter")
    terminal.wait("the mappings", lambda text: "STATUS" in text)
    terminal.type(":context prod")
    terminal.press("Enter")
    terminal.wait("the other configuration", lambda text: "demo.prod" in text and text.count("NEW never run") == len(MAPPINGS))
    terminal.press("C")
    save("contexts", terminal.wait("all configurations", lambda text: "Which configuration?" in text))


def is_busy(text, least=30):
    orders, page_views = line_of(text, "orders"), line_of(text, "page_views")
    share = re.search(r"RUNNING .* (\d+)% .*k/s", page_views)
    return share is not None and int(share[1]) >= least and "RUNNING" in orders and "failed:" not in text


def is_half_way(text):
    reads = "k/s" in text and " 0 B from MySQL" not in text
    return reads and re.search(r"\b2 .* published\W", text) is not None


def to_column(terminal, column):
    place = next(n for n, line in enumerate(table_lines(terminal.text())) if line[4:].startswith(column + " "))
    terminal.press("g", *["j"] * place)


def table_lines(text):
    """The lines of the columns, below their heading."""
    lines = text.splitlines()
    return lines[next(n for n, line in enumerate(lines) if "BECOMES" in line) + 1:]


def main():
    print("==> Preparing a shop", flush=True)
    prepare()
    OUT.mkdir(exist_ok=True)
    print("==> Taking pictures of the console", flush=True)
    with Terminal(WORK / "tmux", [str(PROGRAM)], WORK) as terminal:
        take(terminal)


if __name__ == "__main__":
    main()
