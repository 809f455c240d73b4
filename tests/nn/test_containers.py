"""Sequential, ModuleList and ModuleDict: they are a list, a list and a dict, and find everything."""

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import nn
from microgradnn.errors import ConfigError


def layers(n: int) -> list[nn.Module]:
    return [nn.Linear(2, 2, rng=np.random.default_rng(i), dtype=np.float64) for i in range(n)]


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.just(0)),
        st.tuples(st.just("insert"), st.integers(-6, 6)),
        st.tuples(st.just("delete"), st.integers(-6, 5)),
        st.tuples(st.just("set"), st.integers(-6, 5)),
        st.tuples(st.just("extend"), st.integers(0, 2)),
    ),
    max_size=6,
)


@given(st.sampled_from(["Sequential", "ModuleList"]), st.integers(0, 4), OPERATIONS)
def test_it_is_a_list(kind: str, n: int, operations: list[tuple[str, int]]) -> None:
    wanted = layers(n)
    got = getattr(nn, kind)(wanted)
    for what, i in operations:
        fresh = nn.Linear(2, 2, dtype=np.float64)
        if what == "append":
            wanted.append(fresh)
            assert got.append(fresh) is got
        elif what == "insert":
            wanted.insert(i, fresh)
            assert got.insert(i, fresh) is got
        elif what == "extend":
            more = layers(i)
            wanted.extend(more)
            assert got.extend(more) is got
        elif not -len(wanted) <= i < len(wanted):
            with pytest.raises(IndexError):
                got[i]
        elif what == "delete":
            del wanted[i], got[i]
        else:
            wanted[i] = got[i] = fresh
    assert list(got) == wanted and len(got) == len(wanted)
    assert names(got) == [str(i) for i in range(len(wanted))]
    assert got.parameters() == [p for m in wanted for p in m.parameters()]
    for part in (slice(1, None), slice(None, -1), slice(None, None, 2), slice(3, 1)):
        assert list(got[part]) == wanted[part]
    if kind == "Sequential":
        x = y = np.ones((1, 2))
        for m in wanted:
            y = m(y)
        np.testing.assert_array_equal(
            np.asarray(getattr(got(x), "data", got(x))), getattr(y, "data", y)
        )


def test_three_ways_to_make_a_sequential() -> None:
    a, b = layers(2)
    for model in (nn.Sequential(a, b), nn.Sequential([a, b]), nn.Sequential().add(a).add(b)):
        assert list(model) == [a, b] and names(model) == ["0", "1"]
    for given_names in ({"first": a, "second": b}, OrderedDict(first=a, second=b)):
        model = nn.Sequential(given_names)
        assert list(model) == [a, b] and names(model) == ["first", "second"]
        assert model.second is b
        assert list(model.state_dict())[0] == "first.weight"


def test_a_slice_holds_the_same_modules_under_the_same_names() -> None:
    model = nn.MLP(2, [3, 1], rng=np.random.default_rng(0))
    tail = model[1:]
    assert type(tail) is nn.Sequential and names(tail) == ["1", "2"]
    assert tail[1] is model[2] and model[-1] is model[2]
    assert set(tail.state_dict()) <= set(model.state_dict())
    tail.append(nn.ReLU())  # "2" is taken
    assert names(tail) == ["1", "2", "3"]
    head = nn.Sequential(*list(model.children())[:-1], nn.Linear(3, 5))  # transfer learning
    assert head(np.ones((1, 2), np.float32)).shape == (1, 5)


def test_names_survive_insertion_and_deletion() -> None:
    a, b = layers(2)
    model = nn.Sequential({"first": a, "second": b}).insert(1, nn.ReLU())
    assert names(model) == ["first", "1", "second"]
    del model[0]
    assert names(model) == ["0", "second"]
    assert list(model)[1] is b
    del model[:]
    assert len(model) == 0


def test_a_module_dict_is_a_dict() -> None:
    a, b = layers(2)
    one = nn.ModuleDict({"a": a})
    one["b"] = b
    assert dict(one.items()) == {"a": a, "b": b}
    assert (list(one), list(one.keys()), list(one.values())) == (["a", "b"], ["a", "b"], [a, b])
    assert "a" in one and "c" not in one and len(one) == 2 and one["b"] is b
    assert len(one.parameters()) == 4
    one["a"] = b
    del one["b"]
    assert list(one.values()) == [b]


def test_a_list_in_a_model_of_your_own() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.parts = nn.ModuleList(layers(3))

        def forward(self, x: Any) -> Any:
            return sum(part(x) for part in self.parts)

    assert len(Sum().parameters()) == 6
    assert Sum()(np.ones((4, 2))).shape == (4, 2)


def test_a_refused_insertion_changes_nothing() -> None:
    model = nn.Sequential(layers(2))
    with pytest.raises(ConfigError):
        model.insert(0, 3)
    assert names(model) == ["0", "1"]
