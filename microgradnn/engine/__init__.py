"""The engine, to be read in an afternoon. Nothing else in the package is needed to understand it.

Read first two lines of the table in ops.py (mul and tanh), then walk.py up to "for speed"; then
op.py and rules.py (what an op is), the rest of ops.py, and node.py, value.py, tensor.py. The rest
is there to look things up in: ops_linalg.py is the table's second page, elementwise.py lists the
methods of numbers and arrays, protocol.py answers NumPy. Below the engine, numerics/ computes
values (no derivatives) and signatures/ holds what help() and type checkers say.
"""
