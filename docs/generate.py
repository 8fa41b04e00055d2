"""Write `docs/api.md` and the tables of `docs/architecture.md` from the code: `python docs/generate.py`.

The code is read as syntax trees, so nothing of the package is imported.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from named_types import Named, behind, meaning, name_of, used
from syntax import (
    Definition,
    definition,
    example,
    in_markdown,
    members,
    public,
    signature,
    source,
    strings,
    summary,
    tree,
)

DOCS = Path(__file__).resolve().parent
RULES = DOCS.parent / "tests" / "test_architecture.py"

MODEL = ["dvsa.model.Model", "dvsa.model.View", "dvsa.sentence.Sentence", "dvsa.bundle.Bundle"]
ALGORITHMS = ["maxsim", "segments", "aligning", "beam", "boxes", "regions", "text", "photo"]
INDEX = ["dvsa.index", "dvsa.index.Index", "dvsa.index.Query", "dvsa.index.Filter"]
SECTIONS = {
    "Using a model": ["dvsa", *MODEL, "dvsa.records"],
    "Pictures, reports, checks": [
        "dvsa.draw",
        "dvsa.report",
        "dvsa.annotations",
        "dvsa.notebook",
        "dvsa.doctor",
    ],
    "Sharing": ["dvsa.hub", "dvsa.card"],
    "Search": [*INDEX, "dvsa.index.qdrant.QdrantIndex", "dvsa.index.cluster"],
    "Encoding in bulk": ["dvsa.encoding", "dvsa.encoding.bulk", "dvsa.encoding.cluster"],
    "Web service": ["dvsa.web"],
    "Algorithms": [f"dvsa.{name}" for name in ALGORITHMS],
    "Regions from files": ["dvsa.data.given_regions"],
}
"""The first parts of the page, with their sections: classes, modules, and packages with an `__all__`."""

PACKAGES = {"Data sets": "dvsa.data", "Metrics": "dvsa.metrics"}
"""The next parts: packages, with a section for each module that is not internal."""

INTERNAL = [
    "dvsa.metrics.caption_layouts",
    "dvsa.metrics.ngrams",
    "dvsa.metrics.ptb_characters",
    "dvsa.data.array_files",
    *(
        f"dvsa.data.{name}"
        for name in (
            "annotating",
            "entities",
            "exposure",
            "finding",
            "gather",
            "joining",
            "names",
            "photographs",
            "tar_files",
            "text_files",
        )
    ),
]
"""Modules in the last part of the page, with all modules of `dvsa.evaluation`."""

TITLE_INTERNAL, TITLE_TYPES = "Internal modules", "Types in signatures"
REMARKS = {
    TITLE_INTERNAL: "Commands and the scripts in `runs/` use these modules. You rarely need them yourself.",
    TITLE_TYPES: "Signatures on this page use these names too: type aliases, and classes without a section.",
}
"""The first paragraphs of parts that are not packages."""

INTRODUCTION = """# Python interface

The public names of the package: the signature of each, the first paragraph of its docstring, and for classes
the first example. The docstrings say more: units, errors, and more examples. `make docs` writes this page.

Examples assume that the names of the section are imported, that `np` is numpy, and that `album.index` is an
index of the photographs in `examples/`.

The name of an array ends with one letter for each axis: `v_ID` has I regions and D dimensions.
[dvsa.records](../src/dvsa/records.py) says what each letter counts.
[Types in signatures](#types-in-signatures) defines type aliases such as `FloatArray` and `Subject`.

Training is not listed here: [architecture.md](architecture.md) and the docstrings of
[dvsa.learn](../src/dvsa/learn) describe it.
"""


def main() -> None:
    """Write the page and the tables."""
    (DOCS / "api.md").write_text(api(), encoding="utf-8")
    architecture = DOCS / "architecture.md"
    architecture.write_text(with_tables(architecture.read_text("utf-8")), encoding="utf-8")


# The page


def api() -> str:
    """The text of `docs/api.md`."""
    contents, body = [], []
    for title, names in sections().items():
        links = " · ".join(link(name, short(name)) for name in names)
        contents.append(f"- **{title}:** {links}")

        body.append(f"## {title}")
        if title in PACKAGES:
            body.append(summary(tree(PACKAGES[title])))
        if title in REMARKS:
            body.append(REMARKS[title])
        body += [paragraph for name in names for paragraph in section(name)]

    contents.append(f"- [{TITLE_TYPES}](#{anchor(TITLE_TYPES)})")
    body += [f"## {TITLE_TYPES}", REMARKS[TITLE_TYPES], "\n".join(items_of_types())]
    return "\n\n".join([INTRODUCTION.rstrip(), "\n".join(contents), *body]) + "\n"


def sections() -> dict[str, list[str]]:
    """The sections of each part of the page."""

    def modules(package: str) -> list[str]:
        return [f"{package}.{path.stem}" for path in sorted(source(package).parent.glob("[!_]*.py"))]

    parts = {title: modules(package) for title, package in PACKAGES.items()}
    shown = {title: [name for name in names if name not in INTERNAL] for title, names in parts.items()}
    return {**SECTIONS, **shown, TITLE_INTERNAL: [*modules("dvsa.evaluation"), *INTERNAL]}


def section(name: str) -> Iterator[str]:
    """The paragraphs of a section: its heading, what it is about, and a list of its functions and classes."""
    yield f"### {heading(name)}"

    module, _, last = name.rpartition(".")
    if last[0].isupper():
        home, node = definition(module, last)
        yield f"`{signature(home, node)}`"
        yield summary(node)
        yield from example_block(home, node)
        yield "\n".join(entries_of_methods(home, node))
    else:
        yield summary(tree(name))
        if source(name).name == "__init__.py":
            yield from offered(name)
        else:
            yield "\n".join(entry(name, node) for node in public(name))


def offered(package: str) -> Iterator[str]:
    """The names in `__all__` of a package: links to those in other sections, then the others."""
    by_heading = {heading(name): name for names in sections().values() for name in names}
    links, entries = [], []
    for name in strings(tree(package), "__all__"):
        home, node = definition(package, name)
        elsewhere = by_heading.get(name) or by_heading.get(home)
        if elsewhere and elsewhere != package:
            links.append(link(elsewhere, f"`{name}`"))
        else:
            entries.append(entry(home, node))
    if links:
        yield f"In other sections: {', '.join(links)}."
    yield "\n".join(entries)


def entry(module: str, node: Definition, *, indent: str = "", owner: str = "") -> str:
    """The item of a function or a class in a list, followed by items for the methods of the class."""
    item = f"{indent}- `{signature(module, node, owner)}`<br>{summary(node)}"
    examples = [textwrap.indent(block, f"{indent}  ") for block in example_block(module, node)]
    return "\n".join([item, *examples, *entries_of_methods(module, node, indent + "  ")])


def example_block(module: str, node: Definition) -> Iterator[str]:
    """The first example of a class, in its docstring or in that of a public method; none for a function."""
    if isinstance(node, ast.ClassDef):
        methods = [method for _, method in members(module, node).values() if not method.name.startswith("_")]
        examples = [text for text in map(example, (node, *methods)) if text]
        yield from (f"```pycon\n{text}\n```" for text in examples[:1])


def entries_of_methods(module: str, node: Definition, indent: str = "") -> list[str]:
    """The items of the public methods and properties of a class; none for a function."""
    if isinstance(node, ast.FunctionDef):
        return []
    return [
        entry(home, method, indent=indent, owner=node.name)
        for home, method in members(module, node).values()
        if not method.name.startswith("_")
    ]


def items_of_types() -> Iterator[str]:
    """An item for each type that signatures on the page use and that has no item or section of its own."""
    shown = [each for names in sections().values() for name in names for each in definitions(name)]
    classes = {(home, node.name) for home, node in shown}
    found: dict[tuple[str, str], Named] = {}
    waiting = [each for home, node in shown for each in used(home, node)]
    while waiting:
        home, node = waiting.pop()
        key = (home, name_of(node))
        if key not in classes and key not in found:
            found[key] = home, node
            waiting += behind(home, node)

    for home, name in sorted(found, key=lambda key: (key[1].lower(), key[0])):
        node = found[home, name][1]
        if isinstance(node, ast.ClassDef):
            yield f"- `{name}` in `{home}`<br>{summary(node)}"
        else:
            text = in_markdown(meaning(home, node))
            yield f"- `{name} = {ast.unparse(node.value or node)}` in `{home}`" + (
                f"<br>{text}" if text else ""
            )


def definitions(name: str) -> list[tuple[str, Definition]]:
    """The functions and classes that a section lists, with their modules."""
    module, _, last = name.rpartition(".")
    if last[0].isupper():
        return [definition(module, last)]
    if source(name).name != "__init__.py":
        return [(name, node) for node in public(name)]
    return [definition(name, each) for each in strings(tree(name), "__all__")]


def heading(name: str) -> str:
    """The heading of a section: the name of a class, or the full name of a module."""
    last = name.rpartition(".")[2]
    return last if last[0].isupper() else name


def short(name: str) -> str:
    """The name of a section in the list of contents: packages by their full name, modules by their last."""
    return name if source(name).name == "__init__.py" else name.rpartition(".")[2]


def link(name: str, text: str) -> str:
    """A link to a section."""
    return f"[{text}](#{anchor(heading(name))})"


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# The tables


def with_tables(text: str) -> str:
    """The text of `docs/architecture.md` with new tables of rooms and of the folders of `learn`."""
    rules = ast.parse(RULES.read_text("utf-8"))
    text = between(text, "layers", table("room", "dvsa", strings(rules, "ROOMS")))
    return between(text, "wings", table("folder", "dvsa.learn", strings(rules, "WINGS")))


def between(text: str, name: str, content: str) -> str:
    """Replace what stands between the comments `<!-- name -->` and `<!-- end of name -->`."""
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    if text.count(first) != 1 or text.count(last) != 1:
        raise ValueError(f"docs/architecture.md must have the comments {first} and {last} once")
    before, _, rest = text.partition(first)
    return f"{before}{first}\n\n{content}\n\n{last}{rest.partition(last)[2]}"


def table(title: str, package: str, names: list[str]) -> str:
    """A table of modules and folders, each with the first sentence of its docstring."""
    rows = [f"| {title} | what it is |", "|---|---|"]
    for name in names:
        module = package if name == "__init__" else f"{package}.{name}"
        path = source(module)
        place = path if module == package or path.name != "__init__.py" else path.parent
        link = f"[`{name}`](../{place.relative_to(DOCS.parent).as_posix()})"
        rows.append(f"| {link} | {first_sentence(summary(tree(module)))} |")
    return "\n".join(rows)


def first_sentence(text: str) -> str:
    """A text up to the first full stop that a capital letter follows, or all of it."""
    return re.split(r"(?<=\.) (?=[A-Z])", text, maxsplit=1)[0]


if __name__ == "__main__":
    main()
