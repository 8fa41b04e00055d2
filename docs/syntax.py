"""What `docs/generate.py` reads from the code: definitions, signatures and docstrings, from syntax trees."""

import ast
import re
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src"

Definition = ast.FunctionDef | ast.ClassDef
Assignment = ast.Assign | ast.AnnAssign


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module or package."""
    return ast.parse(source(module).read_text("utf-8"))


def source(module: str) -> Path:
    """The file of a module or package."""
    path = SOURCES / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def strings(content: ast.Module, name: str) -> list[str]:
    """The list of strings that a module assigns to a name."""
    for node in content.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            values: list[str] = ast.literal_eval(node.value)
            return values
    raise ValueError(f"there is no list {name}")


# Definitions


def find(module: str, name: str) -> tuple[str, Definition | Assignment] | None:
    """Where a name of a module is defined, and its definition; None if that is not in the package."""
    for node in tree(module).body:
        if isinstance(node, Definition) and node.name == name:
            return module, node
        if isinstance(node, Assignment) and ast.unparse(node).split("=")[0].split(":")[0].strip() == name:
            return module, node

    for each in ast.walk(tree(module)):
        if isinstance(each, ast.ImportFrom) and name in {alias.name for alias in each.names}:
            home = each.module or ""
            return find(home, name) if home.startswith("dvsa") else None
    return None


def definition(module: str, name: str) -> tuple[str, Definition]:
    """Where a function or class that a module has or imports is defined, and its definition."""
    found = find(module, name)
    if found is None or not isinstance(found[1], Definition):
        raise ValueError(f"{module} has no function or class {name}")
    return found[0], found[1]


def public(module: str) -> list[Definition]:
    """The public functions and classes of a module, in its order."""
    return [node for node in tree(module).body if isinstance(node, Definition) and node.name[0] != "_"]


def members(module: str, node: ast.ClassDef) -> dict[str, tuple[str, ast.FunctionDef]]:
    """The methods and properties of a class by name, with their modules; inherited ones first."""
    inherited = {}
    for base in node.bases:
        found = find(module, ast.unparse(base))
        if found and isinstance(found[1], ast.ClassDef):
            inherited.update(members(found[0], found[1]))
    own = {each.name: (module, each) for each in node.body if isinstance(each, ast.FunctionDef)}
    return {**inherited, **own}


# Docstrings and signatures


def summary(node: ast.Module | Definition) -> str:
    """The first paragraph of a docstring as one line, safe in Markdown."""
    return in_markdown((ast.get_docstring(node) or "").partition("\n\n")[0])


def example(node: Definition) -> str:
    """The first `>>>` example of a docstring with its output, up to a blank line; empty if there is none."""
    found = re.search(r"^>>>.*?(?=\n\n|\Z)", ast.get_docstring(node) or "", re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def in_markdown(text: str) -> str:
    """A paragraph as one line, safe in Markdown."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else re.sub(r"([*<|\\])", r"\\\1", part) for part in parts)


def signature(module: str, node: Definition, owner: str = "") -> str:
    """How a function is called, or an object of a class is made; `owner` is the class of a method."""
    if isinstance(node, ast.ClassDef):
        return f"{node.name}({', '.join(constructor(module, node))})"

    decorators = {ast.unparse(each) for each in node.decorator_list}
    result = annotation(node.returns)
    if "property" in decorators:
        return f"{node.name}: {result}"
    name = f"{owner}.{node.name}" if decorators & {"classmethod", "staticmethod"} else node.name
    bound = bool(owner) and "staticmethod" not in decorators
    return f"{name}({', '.join(parameters(module, node, bound=bound))}) -> {result}"


def constructor(module: str, node: ast.ClassDef) -> list[str]:
    """The parameters with which an object of a class is made; the bases of an exception."""
    methods = members(module, node)
    if "__init__" in methods:
        home, method = methods["__init__"]
        return parameters(home, method, bound=True)

    fields = [
        parameter(module, each.target.id, each.annotation, each.value)
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and not each.target.id.startswith("_")
    ]
    keywords = any("kw_only=True" in ast.unparse(each) for each in node.decorator_list)
    return ["*", *fields] if keywords else fields or [ast.unparse(base) for base in node.bases]


def parameters(module: str, node: ast.FunctionDef, *, bound: bool) -> list[str]:
    """The parameters of a function, without the first if it is bound to an object or a class."""
    given = node.args
    defaults = [*[None] * (len(given.args) - len(given.defaults)), *given.defaults]
    plain = [
        parameter(module, each.arg, each.annotation, default)
        for each, default in zip(given.args, defaults, strict=True)
    ]
    keywords = [
        parameter(module, each.arg, each.annotation, default)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]

    star = ["*"] if keywords else []
    if given.vararg:
        star = [f"*{parameter(module, given.vararg.arg, given.vararg.annotation, None)}"]
    rest = [f"**{parameter(module, given.kwarg.arg, given.kwarg.annotation, None)}"] if given.kwarg else []
    return [*plain[bound:], *star, *keywords, *rest]


def parameter(module: str, name: str, kind: ast.expr | None, default: ast.expr | None) -> str:
    """A parameter with its type and its default; constants of the package are replaced by their values."""
    text = f"{name}: {annotation(kind)}" if kind else name
    if default is None:
        return text
    if isinstance(default, ast.Call):  # the factory of a dataclass field
        return f"{text} = …"
    found = find(module, default.id) if isinstance(default, ast.Name) else None
    if found and isinstance(found[1], Assignment) and found[1].value:
        default = found[1].value
    return f"{text} = {ast.unparse(default)}"


def annotation(node: ast.expr | None) -> str:
    """A type as the code has it, without the quotes of names that are defined later."""
    return ast.unparse(node).replace("'", "") if node else "None"
