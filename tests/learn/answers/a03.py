NUMBER = "03"

DFS = """
def topological_order(root):
    order, visited = [], set()

    def visit(node):
        if node in visited:
            return
        visited.add(node)
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order
"""

KEYS = [
    ("recursion", DFS),
    (
        "a stack",
        """
def topological_order(root):
    order, seen, stack = [], set(), [(root, iter(root.parents))]
    seen.add(id(root))
    while stack:
        node, rest = stack[-1]
        for p in rest:
            if id(p) not in seen:
                seen.add(id(p))
                stack.append((p, iter(p.parents)))
                break
        else:
            order.append(node)
            stack.pop()
    return order
""",
    ),
    (
        "Kahn, from the root",
        """
from collections import deque

def topological_order(root):
    uses, todo = {root: 0}, [root]
    while todo:
        for p in todo.pop().parents:
            if p not in uses:
                uses[p] = 0
                todo.append(p)
            uses[p] += 1
    order, ready = [], deque([root])
    while ready:
        node = ready.popleft()
        order.append(node)
        for p in node.parents:
            uses[p] -= 1
            if uses[p] == 0:
                ready.append(p)
    return tuple(reversed(order))
""",
    ),
    (
        "by depth",
        """
def topological_order(root):
    depth = {}

    def measure(node):
        if node not in depth:
            depth[node] = 1 + max([measure(p) for p in node.parents], default=0)
        return depth[node]

    measure(root)
    return sorted(depth, key=depth.get)
""",
    ),
    (
        "no set",
        """
def topological_order(root, order=None):
    order = [] if order is None else order
    for p in root.parents:
        if not any(p is n for n in order):
            topological_order(p, order)
    if root not in order:
        order.append(root)
    return order
""",
    ),
]


def changed(*pairs: tuple[str, str]) -> str:
    text = DFS.lstrip()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


APPEND = "        order.append(node)\n"
PART = "topological_order"
WRONG = [
    (PART, "order_reversed", changed(("return order\n", "return order[::-1]\n"))),
    (PART, "order_before", changed((APPEND, ""), ("visited.add(node)\n", "visited.add(node)\n" + APPEND))),
    (PART, "order_before", changed((APPEND, ""), ("visited.add(node)\n", "visited.add(node)\n" + APPEND),
                                   ("return order\n", "return order[::-1]\n"))),
    (PART, "order_repeats", changed(("        if node in visited:\n            return\n", ""))),
    (PART, "order_repeats", changed(("        visited.add(node)\n", ""))),
    (PART, "order_lacks_root", changed(("    visit(root)\n", "    for p in root.parents:\n        visit(p)\n"))),
    (PART, "order_lacks", changed(("for parent in node.parents:", "for parent in node.parents[:1]:"))),
    (PART, "order_lacks", "return [*dict.fromkeys(root.parents), root]"),
    (PART, "order_lacks", "order = [root]\nwhile root.parents:\n    root = root.parents[0]\n    order.insert(0, root)\nreturn order"),
    (PART, "order_remembers", changed(("(root):", "(root, visited=set()):"), ("order, visited = [], set()", "order = []"))),
    (PART, "order_remembers", changed(("(root):", "(root, order=[]):"), ("order, visited = [], set()", "visited = set()"))),
    (PART, "order_names", changed(("order.append(node)", "order.append(node.name)"))),
    (PART, "order_foreign", changed(("order.append(node)", "order.append(node.parents)"))),
    (PART, "order_before", """
order, queue = [], [root]
while queue:
    node = queue.pop(0)
    if node not in order:
        order.append(node)
        queue += node.parents
return order[::-1]
"""),
    (PART, "order_repeats", """
order, queue = [], [root]
while queue:
    node = queue.pop(0)
    order.append(node)
    queue += node.parents
return order[::-1]
"""),
    (PART, "nothing", changed(("    return order\n", ""))),
    (PART, "raises", changed(("node.parents", "node.children"))),
    (PART, "type", "return root"),
    (PART, "order_lacks", "return [root]"),
]  # fmt: skip
