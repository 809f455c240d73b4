"""How values are computed: NumPy and plain Python, no graphs, no derivatives.

numbers.py works on single numbers of any type, kernels.py on arrays. The engine's table names them.
"""
