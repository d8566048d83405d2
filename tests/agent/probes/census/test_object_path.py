"""Paths from a root to an object: their text, and the object found again."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bugsly.introspection.path_text import MAX_PATH_TEXT_LENGTH, shorten
from bugsly.probes.census.census_roots import CensusRoot
from bugsly.probes.census.object_path import ObjectPath
from bugsly.probes.census.references import ReferenceReader

PLAIN = st.one_of(st.text(), st.integers(), st.binary(), st.booleans(), st.none(), st.floats())
KEYS = st.one_of(PLAIN, st.tuples(PLAIN, PLAIN), st.frozensets(st.integers()))


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.lists(inner, max_size=4).map(deque),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4).map(OrderedDict),
    )


STRUCTURES: st.SearchStrategy[Any] = st.recursive(st.builds(list), _containers, max_leaves=30)


def everything(
    reach: ReferenceReader, path: ObjectPath, thing: Any
) -> Iterator[tuple[ObjectPath, Any]]:
    for how, key, child in reach.children(thing, CensusRoot("root", is_app=True)):
        here = ObjectPath(path, how, key)
        yield here, child
        yield from everything(reach, here, child)


@given(STRUCTURES)
def test_a_path_finds_its_object_again(structure: Any) -> None:
    reach = ReferenceReader()
    for path, thing in everything(reach, ObjectPath(None, "", "root"), structure):
        assert path.resolve(structure, reach.fetch) is thing


@given(STRUCTURES)
def test_paths_to_different_objects_have_different_texts(structure: Any) -> None:
    paths = [
        path for path, _ in everything(ReferenceReader(), ObjectPath(None, "", "root"), structure)
    ]
    texts = [shorten(path.text) for path in paths]
    assert len(set(texts)) == len(paths)
    assert all(len(text) <= MAX_PATH_TEXT_LENGTH for text in texts)


@given(st.recursive(st.builds(list), _containers, max_leaves=5), st.text(min_size=1))
def test_a_path_that_is_gone_finds_nothing(structure: Any, key: str) -> None:
    reach = ReferenceReader()
    for path, _ in everything(reach, ObjectPath(None, "", "root"), {key: structure}):
        assert path.resolve({}, reach.fetch) is None
