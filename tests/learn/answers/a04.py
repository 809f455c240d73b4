NUMBER = "04"

KEYS = [
    (
        "plain",
        """
def backward(order):
    order[-1].grad = 1.0
    for node in reversed(order):
        for parent, slope in zip(node.parents, node.slopes):
            parent.grad += slope * node.grad

def zero_grad(order):
    for node in order:
        node.grad = 0.0
""",
    ),
    (
        "by index, and added to what the output had",
        """
def backward(order):
    order[-1].grad += 1
    for i in range(len(order) - 1, -1, -1):
        for k in range(len(order[i].parents)):
            p = order[i].parents[k]
            p.grad = p.grad + order[i].grad * order[i].slopes[k]

def zero_grad(order):
    [setattr(n, "grad", 0) for n in order]
""",
    ),
    (
        "by a dict",
        """
def backward(order):
    g = {id(n): 0.0 for n in order}
    g[id(order[-1])] = 1.0
    for node in order[::-1]:
        node.grad += g[id(node)]
        for parent, slope in zip(node.parents, node.slopes):
            g[id(parent)] += slope * g[id(node)]

def zero_grad(order):
    for node in order: node.grad *= 0
""",
    ),
]

LOOP = "order[-1].grad = 1.0\nfor n in reversed(order):\n    for p, s in zip(n.parents, n.slopes):\n        "
WRONG = [
    ("backward", "overwritten", LOOP + "p.grad = s * n.grad"),
    ("backward", "unseeded", LOOP.split("\n", 1)[1] + "p.grad += s * n.grad"),
    ("backward", "upstream", LOOP + "p.grad += s"),
    (
        "backward",
        "one_step",
        LOOP.replace("reversed(order)", "order[-1:]") + "p.grad += s * n.grad",
    ),
    ("backward", "one_step", LOOP.replace("reversed(order)", "order") + "p.grad += s * n.grad"),
    ("backward", "resets", "for n in order: n.grad = 0\n" + LOOP + "p.grad += s * n.grad"),
    ("backward", "added", LOOP + "p.grad += s + n.grad"),
    ("backward", "value_for_grad", LOOP + "p.grad += s * n.data"),
    ("backward", "data_changed", LOOP + "p.data += s * n.grad"),
    ("backward", "raises", LOOP.replace("n.slopes", "n.slope") + "p.grad += s * n.grad"),
    ("zero_grad", "zero_none", "for n in order:\n    n.grad = None"),
    ("zero_grad", "zero_some", "for n in order:\n    if not n.parents:\n        n.grad = 0"),
    ("zero_grad", "zero_some", "order[-1].grad = 0"),
    ("zero_grad", "zero_data", "for n in order:\n    n.data = 0"),
    ("zero_grad", "zero_nothing", "for n in order:\n    grad = 0"),
    ("zero_grad", "zero_nothing", "for n in order:\n    n.gradient = 0"),
    ("backward", "slope_missing", LOOP + "p.grad += n.grad"),
    ("backward", "sign", LOOP + "p.grad -= s * n.grad"),
    ("backward", "seed_elsewhere", LOOP.replace("order[-1]", "order[0]") + "p.grad += s * n.grad"),
]
