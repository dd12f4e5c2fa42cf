"""A terminal's content as SVG: what tmux captured, drawn by rich."""

import io
import pathlib
import re

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

# A dark terminal whose eight colours are all readable on it.
THEME = TerminalTheme(
    (22, 24, 29),
    (214, 218, 225),
    [(44, 49, 58), (255, 107, 107), (120, 200, 120), (229, 192, 110),
     (97, 175, 239), (217, 140, 255), (86, 200, 216), (214, 218, 225)],
)

# Rich's own template fetches a font from the web, which pictures on a page may not. This one takes the reader's own
# monospace font. 21 px and the ratio below fill rich's line height, so that lines drawn with box characters join.
ASPECT = 0.632
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace; font-size: 21px }}
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 17px }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

# Characters that may come from another font, whose widths then differ: a run of lines and blocks, and every other one,
# is put in its own place.
SYMBOLS = re.compile(r"[\u2500-\u259f]+|[^\x20-\x7e]")


def draw(ansi: str, columns: int, name: str, title: str, template: str = TEMPLATE) -> str:
    """SVG of lines with ANSI colours. `name` keeps its ids apart from those of other pictures on a page."""
    console = Console(record=True, width=columns, file=io.StringIO(), color_system="standard", force_terminal=True)
    text = Text.from_ansi(ansi, no_wrap=True, overflow="ignore")
    for match in SYMBOLS.finditer(text.plain):
        # A style that shows nothing: it only ends the run of text before it.
        text.stylize(Style(meta={"symbol": match.start()}), match.start(), match.end())
    console.print(text, crop=False)
    return console.export_svg(title=title, theme=THEME, code_format=template, font_aspect_ratio=ASPECT, unique_id=name)


def save(ansi: str, columns: int, path: pathlib.Path, title: str) -> None:
    path.write_text(draw(ansi, columns, path.stem, title), encoding="utf-8")
