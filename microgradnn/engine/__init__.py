"""The engine, to be read in an afternoon. Nothing else in the package is needed to understand it.

Read first two lines of the table in ops.py (mul and tanh), then walk.py, then rules, the rest of
ops, node, value, tensor; kernels, protocol and errors are to look things up in.
"""
