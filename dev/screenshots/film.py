"""Several screens as one SVG that shows them in turn, without a script: what a picture on a page may do."""

import pathlib

import picture

# The parts of one screen, to be put together anew; a NUL is in none of them.
PARTS = "\0".join(["{styles}", "{lines}", "{chrome}", "{backgrounds}", "{matrix}", "{width} {height}", "{terminal_x}, {terminal_y}"])

TEMPLATE = """\
<svg viewBox="0 0 {size}" xmlns="http://www.w3.org/2000/svg">
<style>
.film {{ font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace; font-size: 21px }}
.film-title {{ font-family: system-ui, sans-serif; font-size: 17px }}
.frame {{ visibility: hidden; animation-duration: {seconds}s; animation-timing-function: step-end; animation-iteration-count: infinite }}
.frame.first {{ visibility: visible }}
@media (prefers-reduced-motion: reduce) {{ .frame {{ animation-name: none !important }} }}
{styles}
</style>
<defs>
{lines}
</defs>
{chrome}
<g transform="translate({place})" class="film">
{frames}
</g>
</svg>
"""


def save(frames: list[tuple[str, float]], columns: int, path: pathlib.Path, title: str) -> None:
    """`frames` are screens with the seconds that each is shown."""
    whole = sum(seconds for _, seconds in frames)
    styles, groups = [], []
    begin = 0.0
    lines = chrome = size = place = ""
    for number, (ansi, seconds) in enumerate(frames):
        name = f"f{number}"
        style, shape, frame, backgrounds, matrix, size, place = picture.draw(ansi, columns, name, title, PARTS).split("\0")
        if number == 0:
            # All screens have the same window and lines.
            lines, chrome = shape.replace(f"{name}-", "film-"), frame.replace(f"{name}-", "film-")
        matrix = matrix.replace(f"{name}-line-", "film-line-").replace(f"{name}-clip-terminal", "film-clip-terminal")
        backgrounds = backgrounds.replace(f"{name}-line-", "film-line-")
        first, last = 100 * begin / whole, 100 * (begin + seconds) / whole
        before = "" if number == 0 else "0% { visibility: hidden } "
        styles += [style, f"@keyframes {name} {{ {before}{first:.2f}% {{ visibility: visible }} {last:.2f}% {{ visibility: hidden }} }}"]
        kind = "frame first" if number == 0 else "frame"
        groups.append(f'<g class="{kind}" style="animation-name: {name}">\n{backgrounds}\n{matrix}\n</g>')
        begin += seconds
    svg = TEMPLATE.format(size=size, seconds=f"{whole:g}", styles="\n".join(styles), lines=lines, chrome=chrome, place=place,
                          frames="\n".join(groups))
    path.write_text(svg, encoding="utf-8")
