"""What help() and type checkers say of the engine's objects; no numbers are computed here.

describe.py writes the help text of an op from its row of the table, array_methods.py and
element_methods.py declare the methods of numbers and arrays, operands.py names the types of plain
arguments, expected.py says which argument of a call that failed is not of its type, and telling.py
has the doors of functions and classes that ask it.
"""
