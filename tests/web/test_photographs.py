from types import SimpleNamespace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from dvsa.web.photographs import Kept, Photographs

Step = tuple[str, int, int]
STEPS = st.tuples(st.sampled_from(["keep", "get", "forget"]), st.integers(0, 5), st.integers(0, 8))


def kept(n: int) -> Kept:
    return cast(Kept, SimpleNamespace(answer=SimpleNamespace(id=str(n))))


@given(
    most=st.integers(1, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(["keep", "get", "forget"]), st.integers(0, 5), st.integers(0, 8))
    ),
)
def test_those_that_were_asked_about_last_are_held(most: int, steps: list[Step]) -> None:
    now = 0
    photographs = Photographs(most, 10, lambda: now)
    used: dict[str, int] = {}  # the oracle: when each was last used, of all that there ever were
    for what, n, later in steps:
        now += later
        name = str(n)
        living = [i for i, when in used.items() if now - when <= 10]
        last = sorted(living, key=lambda i: used[i])[-most:]
        used = {i: used[i] for i in used if i in last}
        if what == "keep" and name not in used:
            photographs.keep(kept(n))
            used[name] = now
        elif what == "get":
            found = photographs.get(name)
            assert (found is not None) == (name in used)
            if found is not None:
                assert found.answer.id == name
                used.pop(name)
                used[name] = now
        elif what == "forget":
            photographs.forget()
            assert len(photographs) == len(used)
        assert len(photographs) <= most
