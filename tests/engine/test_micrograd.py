"""What programs around micrograd do with a Value: draw it, name it, hang attributes on it."""

from typing import Any

import pytest

from microgradnn import Value


def trace(root: Any) -> tuple[set[Any], set[Any]]:
    """micrograd's own, from trace_graph.ipynb."""
    nodes, edges = set(), set()

    def build(v: Any) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    return nodes, edges


def test_drawing_code_finds_nodes_edges_and_labels() -> None:
    a, b = Value(2.0, label="a"), Value(-3.0, (), "", label="b")
    c = a * b
    c.label = "c"
    d = (c + 1).tanh()
    nodes, edges = trace(d)
    assert {n.label for n in nodes} == {"a", "b", "c", ""}
    assert (len(nodes), len(edges)) == (5, 4)
    assert (a._op, c._op, d._op, c._prev, a._prev) == ("", "*", "tanh", (a, b), ())
    assert f"{a.data:.4f} | {a.grad:.4f}" == "2.0000 | 0.0000"
    assert (a * a)._prev == (a, a)
    assert Value(2.0, (), "+")._op == ""


def test_a_value_has_room_for_attributes_of_its_users() -> None:
    p = Value(1.0)
    p.m, p.v, p._vis_color = 0, 0.5, "lightblue"
    assert (p.m, p.v, p._vis_color) == (0, 0.5, "lightblue")


def test_there_is_no_backward_function() -> None:
    assert not hasattr(Value(1.0) * 2, "_backward")
    text = r"^_backward: a Value has no such function; the derivative of its op stands in the table"
    with pytest.raises(AttributeError, match=text):
        Value(1.0)._backward()
    with pytest.raises(AttributeError, match=text):
        Value(1.0)._backward = lambda: None
