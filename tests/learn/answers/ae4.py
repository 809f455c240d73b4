from .engines import STYLES, changed

NUMBER = "e4"
KEYS = STYLES

PART = "order"
VISIT = "stack.extend((p, False) for p in node.parents)"
WRONG = [
    (PART, "order_reversed", changed(("return done", "return done[::-1]"))),
    (PART, "order_before", changed(("                done.append(node)\n", "                pass\n"), ("seen.add(id(node))", "seen.add(id(node)); done.append(node)"))),
    (PART, "order_repeats", changed(("                seen.add(id(node))\n", ""))),
    (PART, "order_lacks", changed((VISIT, "stack.extend((p, False) for p in node.parents[:1])"))),
    (PART, "order_lacks_root", changed(("return done", "return done[:-1]"))),
    (PART, "order_foreign", changed(("done.append(node)", "done.append(node.data)"))),
    (PART, "order_remembers", changed(("def order(self):", "def order(self, seen=set()):"), ("done, seen, stack = [], set(), [", "done, stack = [], ["))),
    (PART, "nothing", changed(("        return done\n", ""))),
    (PART, "missing", changed(("def order", "def sorted"))),
    (PART, "needs", changed(("return Value(self.data + other.data, (self, other), (1.0, 1.0))", "raise NotImplementedError"))),
]  # fmt: skip
