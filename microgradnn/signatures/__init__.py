"""What help() and type checkers say of the engine's objects; nothing here computes.

describe.py writes the help text of an op from its row of the table, array_methods.py declares the
methods of a Tensor, operands.py names the types of plain arguments.
"""
