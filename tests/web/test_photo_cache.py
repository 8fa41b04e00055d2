from types import SimpleNamespace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from dvsa.web.photo_cache import OpenPhoto, PhotoCache

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "get", "remove_expired"]), st.integers(0, 5), st.integers(0, 8))
)


def photo(n: int) -> OpenPhoto:
    return cast(OpenPhoto, SimpleNamespace(response=SimpleNamespace(id=str(n))))


@given(size=st.integers(1, 4), steps=STEPS)
def test_the_most_recently_used_photographs_are_kept(size: int, steps: list[Step]) -> None:
    now = 0
    cache = PhotoCache(size, 10, lambda: now)
    used: dict[str, int] = {}  # the oracle: the time of the last use of each photograph that is kept
    for action, n, pause in steps:
        now += pause
        name = str(n)
        living = [i for i, when in used.items() if now - when <= 10]
        last = sorted(living, key=lambda i: used[i])[-size:]
        used = {i: used[i] for i in used if i in last}

        if action == "add" and name not in used:
            cache.add(photo(n))
            used[name] = now
        elif action == "get":
            found = cache.get(name)
            assert (found is not None) == (name in used)
            if found is not None:
                assert found.response.id == name
                used.pop(name)
                used[name] = now
        elif action == "remove_expired":
            cache.remove_expired()
            assert len(cache) == len(used)
        assert len(cache) <= size
