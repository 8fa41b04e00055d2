"""Draw the modules of `dvsa.learn` and their imports, at any commit.

    python docs/draw_imports.py --rev 680b5af --out docs/pictures/learn-before.png

A module stands one floor above the highest module that it imports. A folder stands one floor above the
highest folder that its modules import. If the modules are in folders, the picture shows the folders on
floors, with the modules inside, and the imports between folders. The title gives both numbers of floors.
"""

import argparse
import ast
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from canvas import LINE, MARGIN, WIDTH, Point, band, box, canvas, line, save, text_width, tip, title, write
from layers import Node, arrange, chains
from matplotlib.axes import Axes
from matplotlib.path import Path as Curve

FOLDER = "src/dvsa/learn"
COLOURS = ["#3b6fb6", "#c4652d", "#3f8f63", "#a2457f", "#8a6d1f", "#5a5fb0", "#2d8a98", "#b04a4a"]

# Sizes in pixels
LEFT, TITLE = 66, 66
STOREY, BOX = 76, 26
FRAME_GAP, FRAME_HEAD = 26, 30

Imports = dict[str, set[str]]
"""The modules that each module imports, by their names below `dvsa.learn`."""


def main() -> None:
    """Draw one commit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rev", default="HEAD", help="the commit to draw")
    parser.add_argument("--out", type=Path, required=True, help="the PNG file to write")
    options = parser.parse_args()

    imports = read(options.rev)
    in_folders = any("." in name for name in imports)
    axes = draw_folders(imports) if in_folders else draw_modules(imports)
    save(axes, options.out)
    print(f"{modules_on_floors(imports)}; {count(imports)} imports")


def read(rev: str) -> Imports:
    """What the modules of `dvsa.learn` import from one another at a commit; packages do not count."""
    listing = git("ls-tree", "-r", "--name-only", rev, FOLDER).splitlines()
    paths = [path for path in listing if path.endswith(".py") and not path.endswith("__init__.py")]
    names = {path.removeprefix(f"{FOLDER}/").removesuffix(".py").replace("/", "."): path for path in paths}

    imports = {}
    for name, path in names.items():
        found = set()
        for node in ast.walk(ast.parse(git("show", f"{rev}:{path}"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        imports[name] = {each.removeprefix("dvsa.learn.") for each in found} & names.keys() - {name}
    return imports


def git(*arguments: str) -> str:
    """The output of a git command."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def count(imports: Imports) -> int:
    """The number of imports."""
    return sum(map(len, imports.values()))


def modules_on_floors(imports: Imports) -> str:
    """The number of modules, and of floors if each module has its own."""
    return f"{len(imports)} modules on {max(floors(imports).values())} floors of modules"


def floors(imports: Mapping[str, set[str]]) -> dict[str, int]:
    """The floor of each module, from 1, in the order of the floors."""
    result: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in result:
            result[name] = 1 + max(map(floor, imports[name]), default=0)
        return result[name]

    return {name: floor(name) for name in sorted(imports, key=lambda name: (floor(name), name))}


# Modules on floors


def draw_modules(imports: Imports) -> Axes:
    """Every module as a box on its floor, and every import as an arrow."""
    floor = floors(imports)
    top = max(floor.values())
    arrows = [(upper, lower) for upper in floor for lower in sorted(imports[upper])]
    paths = chains(floor, arrows)
    sizes = {name: box_width(name) + 14 for name in floor}
    place = arrange(floor, paths, sizes, WIDTH - LEFT - MARGIN)

    def point(node: Node) -> Point:
        f = floor[node] if isinstance(node, str) else node[2]
        return LEFT + place[node], TITLE + (top - f + 0.5) * STOREY

    axes = canvas(TITLE + top * STOREY + MARGIN)
    title(
        axes,
        f"dvsa.learn: {modules_on_floors(imports)}, no folders",
        f"The floors below are of modules. {len(arrows)} imports, each an arrow in the colour of its module.",
    )
    for f in range(1, top + 1):
        band(axes, TITLE + (top - f) * STOREY, STOREY, f"floor {f}", shaded=f % 2 == 1)
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(floor)}
    for path in paths:
        bent_arrow(axes, [point(node) for node in path], colour[str(path[0])])
    for name in floor:
        x, y = point(name)
        w = box_width(name)
        box(axes, (x - w / 2, y - BOX / 2), w, BOX, colour[name])
        write(axes, x, y, name, ha="center")
    return axes


def box_width(name: str) -> float:
    """The width of a module's box."""
    return text_width(name) + 16


def bent_arrow(axes: Axes, points: Sequence[Point], colour: str) -> None:
    """An arrow from box to box; on the floors between, it passes vertically."""
    x, y = points[0][0], points[0][1] + BOX / 2
    vertices, codes = [(x, y)], [Curve.MOVETO]
    for n, (next_x, next_y) in enumerate(points[1:], start=1):
        entry = next_y - BOX / 2 - (5 if n == len(points) - 1 else 0)
        middle = (y + entry) / 2
        vertices += [(x, middle), (next_x, middle), (next_x, entry)]
        codes += [Curve.CURVE4] * 3
        x, y = next_x, entry
        if n < len(points) - 1:
            y = next_y + BOX / 2
            vertices.append((x, y))
            codes.append(Curve.LINETO)
    line(axes, vertices, codes, colour, 1.0)
    tip(axes, [(x - 3.5, y - 2), (x + 3.5, y - 2), (x, y + 5)], colour)


# Folders on floors


def draw_folders(imports: Imports) -> Axes:
    """Every folder as a frame with its modules, in a staircase; arrows bear the number of their imports."""
    folders: dict[str, list[str]] = {}
    for name in sorted(imports):
        folders.setdefault(name.partition(".")[0], []).append(name.partition(".")[2])
    pairs = Counter(
        (upper.partition(".")[0], lower.partition(".")[0]) for upper in imports for lower in imports[upper]
    )
    between = {folder: {b for a, b in pairs if a == folder != b} for folder in folders}
    floor = floors(between)

    # The frames: the lowest folder is at the bottom left.
    sizes = {folder: frame_size(folders[folder]) for folder in floor}
    gap = (WIDTH - LEFT - MARGIN - sum(w for w, _ in sizes.values())) / (len(sizes) - 1)
    height = TITLE + sum(h + FRAME_GAP for _, h in sizes.values())
    axes = canvas(height + MARGIN)
    corners: dict[str, Point] = {}
    x, y = float(LEFT), float(height)
    for folder, (w, h) in sizes.items():
        corners[folder] = (x, y - h - FRAME_GAP / 2)
        x, y = x + w + gap, y - h - FRAME_GAP

    within = sum(n for (a, b), n in pairs.items() if a == b)
    arrows = sum(a != b for a, b in pairs)
    title(
        axes,
        f"dvsa.learn: {modules_on_floors(imports)}; {len(folders)} folders on {max(floor.values())} floors",
        f"The floors below are of folders. {count(imports) - within} imports between folders, "
        f"drawn as {arrows} arrows with the number of imports; {within} imports inside folders.",
    )
    for f in range(1, max(floor.values()) + 1):
        rows = [(corners[name][1], sizes[name][1]) for name in floor if floor[name] == f]
        start = min(top for top, _ in rows) - FRAME_GAP / 2
        stop = max(top + h for top, h in rows) + FRAME_GAP / 2
        band(axes, start, stop - start, f"floor {f}", shaded=f % 2 == 1)
    colour = dict(zip(floor, COLOURS, strict=False))
    for folder in floor:
        frame(axes, folder, folders[folder], corners[folder], sizes[folder], colour[folder])
    stairs(axes, corners, sizes, pairs, colour)
    return axes


def columns(modules: Sequence[str]) -> list[tuple[Sequence[str], float]]:
    """The modules of a folder in two columns, each with its width."""
    rows = -(-len(modules) // 2)
    halves = [half for half in (modules[:rows], modules[rows:]) if half]
    return [(half, max(map(text_width, half)) + 14) for half in halves]


def frame_size(modules: Sequence[str]) -> Point:
    """The width and the height of a folder's frame."""
    widths = [width for _, width in columns(modules)]
    return 10 + sum(widths), FRAME_HEAD + -(-len(modules) // 2) * LINE + 8


def frame(axes: Axes, folder: str, modules: Sequence[str], corner: Point, size: Point, colour: str) -> None:
    """A folder with its modules in alphabetical order, column by column."""
    x, y = corner
    box(axes, corner, *size, colour)
    x += 12
    write(axes, x, y + FRAME_HEAD / 2 + 2, folder, weight="bold", color=colour)
    for names, width in columns(modules):
        for row, name in enumerate(names):
            write(axes, x, y + FRAME_HEAD + (row + 0.5) * LINE, name)
        x += width


def stairs(
    axes: Axes,
    corners: Mapping[str, Point],
    sizes: Mapping[str, Point],
    pairs: Mapping[tuple[str, str], int],
    colour: Mapping[str, str],
) -> None:
    """Arrows between folders: each goes down from its folder, then left to the folder that is imported."""
    order = list(corners)
    for i, upper in enumerate(order):
        lowers = [lower for lower in reversed(order[:i]) if (upper, lower) in pairs]
        for n, lower in enumerate(lowers):
            # The nearest folder takes the leftmost place below and the highest place at the side: few cross.
            uppers = [each for each in order if each != lower and (each, lower) in pairs]
            x = corners[upper][0] + (n + 1) / (len(lowers) + 1) * sizes[upper][0]
            y = corners[lower][1] + (uppers.index(upper) + 1) / (len(uppers) + 1) * sizes[lower][1]
            start = corners[upper][1] + sizes[upper][1]
            stop = corners[lower][0] + sizes[lower][0]

            vertices = [(x, start), (x, y - 8), (x, y), (x - 8, y), (stop + 7, y)]
            codes = [Curve.MOVETO, Curve.LINETO, Curve.CURVE3, Curve.CURVE3, Curve.LINETO]
            line(axes, vertices, codes, colour[upper], 1.6)
            tip(axes, [(stop + 9, y - 4), (stop + 9, y + 4), (stop + 1, y)], colour[upper])
            write(axes, stop + 11, y - 9, str(pairs[upper, lower]), size=12, color=colour[upper])


if __name__ == "__main__":
    main()
