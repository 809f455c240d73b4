from .engines import CLOSURES, STYLES, changed

NUMBER = "e5"
KEYS = STYLES

PART = "backward"
ADD = "            self.grad += out.grad\n            other.grad += out.grad\n"
WRONG = [
    (PART, "overwritten", changed(("parent.grad +=", "parent.grad ="))),
    (PART, "overwritten", changed(("grad +=", "grad ="), text=CLOSURES)),
    (PART, "unseeded", changed(("        self.grad = 1.0\n", ""))),
    (PART, "upstream", changed(("slope * node.grad", "slope"))),
    (PART, "one_step", changed(("in reversed(order)", "in order"))),
    (PART, "one_step", changed(("in reversed(order)", "in [self]"))),
    (PART, "own_operand", changed(("(other.data, self.data)", "(self.data, other.data)"))),
    (PART, "own_operand", changed(("other.data * out.grad", "self.data * out.grad"), text=CLOSURES)),
    (PART, "as_add", changed(("(other.data, self.data)", "(1.0, 1.0)"))),
    (PART, "zero", changed(("            other.grad += out.grad\n", ""), text=CLOSURES)),
    (PART, "sign", changed(("(1.0, 1.0)", "(1.0, -1.0)"))),
    (PART, "order", changed(("        order = self.order()\n", "        order, todo = [], [self]\n        while todo:\n            node = todo.pop()\n            if node not in order:\n                order.append(node)\n                todo += node.parents[::-1]\n"), ("reversed(order)", "order"))),
    (PART, "paths", changed(("        order = self.order()\n        self.grad = 1.0\n        for node in reversed(order):\n            for parent, slope in zip(node.parents, node.slopes):\n                parent.grad += slope * node.grad\n",
        "        self.grad = 1.0\n        self.spread()\n\n    def spread(self):\n        for parent, slope in zip(self.parents, self.slopes):\n            parent.grad += slope * self.grad\n        for parent in dict.fromkeys(self.parents):\n            parent.spread()\n"))),
    (PART, "raises", changed(("node.slopes", "node.slope"))),
    (PART, "empty", changed(("        order = self.order()\n        self.grad = 1.0\n", "        raise NotImplementedError\n"))),
    (PART, "missing", changed(("def backward", "def backwards"))),
    (PART, "all_seeded", changed(("        self.grad = 1.0\n", "        for n in order:\n            n.grad = 1.0\n"))),
    (PART, "seed_data", changed(("        self.grad = 1.0\n", "        self.grad = self.data\n"))),
    (PART, "one_step", changed(("        for v in reversed(self.order()):\n            v._backward()", "        self._backward()\n        for c in self._prev:\n            c._backward()"), text=CLOSURES)),
]  # fmt: skip
