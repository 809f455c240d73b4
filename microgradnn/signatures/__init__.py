"""What help() and type checkers say of the engine's objects; nothing here computes.

describe.py writes the help text of an op from its row of the table, array_methods.py and
element_methods.py declare the methods of numbers and arrays, operands.py names the types of plain
arguments.
"""
