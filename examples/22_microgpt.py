"""A GPT of single numbers, after Karpathy's microgpt: what one training step consists of.

Every weight is a Value. A letter becomes a vector, looks back at the letters before it
(attention), goes through a small network, and becomes a score for each letter that may come next.
The loss is -log(probability of the letter that does come): at first about ln(number of letters),
because nothing is known. One backward pass then says of every weight how the loss changes with it.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable
from operator import add, mul

from microgradnn import Value

NAMES = "ada alan anna dana dan hana hanna ian ida lana".split()
LETTERS = ["."] + sorted(set("".join(NAMES)))  # "." begins and ends a name
WIDTH, LENGTH = 6, 8
draw = random.Random(1)


def weights(rows: int, columns: int) -> list[list[Value]]:
    """A matrix of small random numbers."""
    return [[Value(draw.gauss(0, 0.3)) for _ in range(columns)] for _ in range(rows)]


def dot(x: Iterable[Value], y: Iterable[Value]) -> Value:
    """The sum of the products of two vectors' entries."""
    return sum(map(mul, x, y), Value(0.0))


def plus(x: list[Value], y: list[Value]) -> list[Value]:
    """The sum of two vectors."""
    return list(map(add, x, y))


def times(matrix: list[list[Value]], x: list[Value]) -> list[Value]:
    """The product of a matrix and a vector."""
    return [dot(row, x) for row in matrix]


def softmax(scores: list[Value]) -> list[Value]:
    """Probabilities."""
    top = max(s.data for s in scores)
    e = [(s - top).exp() for s in scores]
    total = sum(e, Value(0.0))
    return [x / total for x in e]


letter, place = weights(len(LETTERS), WIDTH), weights(LENGTH, WIDTH)
query, key, content = weights(WIDTH, WIDTH), weights(WIDTH, WIDTH), weights(WIDTH, WIDTH)
wide, narrow = weights(2 * WIDTH, WIDTH), weights(WIDTH, 2 * WIDTH)
parts = {"letters": letter, "places": place, "query": query, "key": key, "content": content,
         "wide": wide, "narrow": narrow}  # fmt: skip
parameters = [w for matrix in parts.values() for row in matrix for w in row]


def next_letter(i: int, token: int, seen: list[tuple[list[Value], list[Value]]]) -> list[Value]:
    """Scores for what comes after a letter at place i; `seen` holds key and content of each."""
    x = plus(letter[token], place[i])
    seen.append((times(key, x), times(content, x)))
    q = times(query, x)
    looks = softmax([dot(q, k) / WIDTH**0.5 for k, _ in seen])
    x = plus(x, [dot(looks, (v[j] for _, v in seen)) for j in range(WIDTH)])
    hidden = [h.relu() for h in times(wide, x)]
    x = plus(x, times(narrow, hidden))
    return times(letter, x)


def loss_of(name: str) -> Value:
    """The mean of -log(probability of the right next letter)."""
    tokens = [0, *(LETTERS.index(c) for c in name), 0]
    seen: list[tuple[list[Value], list[Value]]] = []
    losses = [
        -softmax(next_letter(i, now, seen))[tokens[i + 1]].log()
        for i, now in enumerate(tokens[:-1])
    ]
    return sum(losses, Value(0.0)) / len(losses)


def nodes(root: Value) -> list[Value]:
    """All that root was computed from."""
    found, left = {root}, [root]
    while left:
        new = [p for p in left.pop().parents if isinstance(p, Value) and p not in found]
        found.update(new)
        left += new
    return list(found)


# ---- one step, looked at ---------------------------------------------------------------------
loss = loss_of("hanna")
print(f"loss {loss.data:.3f}; ln {len(LETTERS)} = {math.log(len(LETTERS)):.3f}")
assert abs(loss.data - math.log(len(LETTERS))) < 1.0
graph = nodes(loss)
ops = Counter(n.op.name for n in graph if n.op)
print(f"{len(parameters)} weights, {len(graph)} numbers in the graph:", dict(ops.most_common(4)))
loss.backward()
for name, matrix in parts.items():
    size = math.sqrt(sum(w.grad**2 for row in matrix for w in row))
    print(f"  {name:8} {len(matrix):3} × {len(matrix[0])}   gradient of length {size:.3f}")
w = letter[LETTERS.index("h")][0]
kept, w.data = w.data, w.data + 1e-5
slope = (loss_of("hanna").data - loss.data) / 1e-5
w.data = kept
print(f"one weight: gradient {w.grad:.6f}, by moving it a little {slope:.6f}")
assert abs(slope - w.grad) < 1e-3

# ---- many steps ------------------------------------------------------------------------------
first = last = 0.0
for step in range(60):
    loss = loss_of(NAMES[step % len(NAMES)])
    for p in parameters:
        p.grad = 0
    loss.backward()
    for p in parameters:
        p.data -= 0.1 * p.grad
    first, last = (first + loss.data, last) if step < 10 else (first, last)
    last += loss.data if step >= 50 else 0.0
print(f"mean loss of steps 1 to 10: {first / 10:.3f}, of 51 to 60: {last / 10:.3f}")
assert last < 0.85 * first
