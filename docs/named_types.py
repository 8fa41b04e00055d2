"""The types in signatures: aliases and classes of the package, found through the imports of a module."""

import ast
from collections.abc import Iterator

from syntax import Assignment, Definition, find, members, source, tree

Named = tuple[str, ast.ClassDef | Assignment]
"""A type: the module that defines it, and its definition."""


def name_of(node: ast.ClassDef | Assignment) -> str:
    """The name of a class or of an alias."""
    if isinstance(node, ast.ClassDef):
        return node.name
    return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)


def used(module: str, node: Definition) -> Iterator[Named]:
    """The types in the signature of a function, or in the fields and public methods of a class."""
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        every = [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for annotation in [*(each.annotation for each in every if each), node.returns]:
            yield from inside(module, annotation)
        return

    for field in node.body:
        if isinstance(field, ast.AnnAssign) and not ast.unparse(field.target).startswith("_"):
            yield from inside(module, field.annotation)
    for home, method in members(module, node).values():
        if not method.name.startswith("_") or method.name == "__init__":
            yield from used(home, method)


def behind(module: str, node: ast.ClassDef | Assignment) -> Iterator[Named]:
    """The types of which an alias is made; none for a class."""
    if not isinstance(node, ast.ClassDef):
        yield from inside(module, node.value)


def inside(module: str, node: ast.expr | None) -> Iterator[Named]:
    """The types of the package that a type of a module is made of."""
    match node:
        case None:
            return
        case ast.Constant(value=str(text)):  # a name that is defined later
            yield from inside(module, ast.parse(text, mode="eval").body)
        case ast.Subscript(value=ast.Name(id="Literal")):
            return
        case ast.Name(id=name):
            yield from types(find(module, name))
        case ast.Attribute(value=ast.Name(id=package), attr=name):
            for home in imported(module, package):
                yield from types(find(home, name))
        case _:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from inside(module, child)


def types(found: tuple[str, Definition | Assignment] | None) -> Iterator[Named]:
    """The definition, if it is a type."""
    if found and not isinstance(found[1], ast.FunctionDef):
        yield found[0], found[1]


def imported(module: str, name: str) -> Iterator[str]:
    """The module of the package that a module imports as `name`."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dvsa"):
            for alias in node.names:
                home = f"{node.module}.{alias.name}"
                if name == (alias.asname or alias.name) and source(home).is_file():
                    yield home


def meaning(module: str, node: Assignment) -> str:
    """The docstring below an alias, empty if there is none."""
    body = tree(module).body
    match body[body.index(node) + 1 :]:
        case [ast.Expr(value=ast.Constant(value=str(text))), *_]:
            return text
    return ""
