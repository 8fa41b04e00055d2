"""A subset equals a list of the same items."""

from hypothesis import given
from hypothesis import strategies as st

from dvsa.data import Subset


@given(st.lists(st.integers()), st.data())
def test_a_subset_is_the_list_of_its_items(items: list[int], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(items) - 1))) if items else []
    some, wanted = Subset(items, places), [items[place] for place in places]
    assert [*some] == wanted
    assert len(some) == len(wanted)
    part = data.draw(st.slices(len(wanted)))
    assert some[part] == wanted[part]
    assert [some[k] for k in range(-len(wanted), len(wanted))] == wanted + wanted
