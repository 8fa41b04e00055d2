"""Files of Qt resources, compared with those that the test writes."""

import struct
import zlib
from collections.abc import Callable, Mapping
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Script = Callable[[str], ModuleType]
Tree = Mapping[str, "Tree | bytes"]

NAMES = st.text(st.characters(codec="utf-16-be", exclude_characters="/", max_codepoint=0xFFFF), min_size=1)
TREES = st.recursive(
    st.binary(max_size=40), lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def written(tree: Tree, version: int, flag: int) -> bytes:
    """A file of resources; the entries of a folder stand together, as Qt's rcc puts them."""
    entries, names, data = [b""], b"", b""
    queue: list[tuple[int, int, Tree | bytes]] = [(0, 0, tree)]
    for place, name, item in queue:
        if isinstance(item, bytes):
            stored = struct.pack(">I", len(item)) + zlib.compress(item) if flag == 1 else item
            entry = struct.pack(">IHIII", name, flag, 0, len(data), 0)[:14]
            data += struct.pack(">I", len(stored)) + stored
        else:
            entry = struct.pack(">IHII", name, 2, len(item), len(entries))
            for key, value in item.items():
                queue.append((len(entries), len(names), value))
                entries.append(b"")
                names += struct.pack(">HI", len(key), 0) + key.encode("utf-16-be")
        entries[place] = entry + (b"" if version == 1 else bytes(8))
    table = b"".join(entries)
    start = 20
    return (
        struct.pack(">4s4I", b"qres", version, start, start + len(table), start + len(table) + len(data))
        + table
        + data
        + names
    )


def files(tree: Tree, folder: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, item in tree.items():
        path = f"{folder}/{name}" if folder else name
        found |= {path: item} if isinstance(item, bytes) else files(item, path)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, st.sampled_from([1, 2, 3]), st.sampled_from([0, 1]))
def test_every_file_is_found(script: Script, tree: Tree, version: int, flag: int) -> None:
    module, content = script("qt_resources"), written(tree, version, flag)
    for path, expected in files(tree).items():
        assert module.find(content, path) == expected
    with pytest.raises(KeyError):
        module.find(content, "no/such/file")


def test_other_files_are_refused(script: Script) -> None:
    find = script("qt_resources").find
    with pytest.raises(ValueError, match="not a file of Qt resources"):
        find(b"PK\3\4" + bytes(40), "a")
    with pytest.raises(ValueError, match="Zstandard"):
        find(written({"a": b"text"}, 3, 4), "a")


@pytest.mark.parametrize("flag", [0, 1])
def test_a_damaged_file_is_refused(script: Script, flag: int) -> None:
    find, whole = script("qt_resources").find, written({"a": b"text"}, 1, flag)
    for size in range(4, len(whole)):
        with pytest.raises(ValueError, match="damaged"):
            find(whole[:size], "a")
    broken = whole.replace(zlib.compress(b"text"), bytes(len(zlib.compress(b"text"))))
    if flag:
        with pytest.raises(ValueError, match="damaged"):
            find(broken, "a")
