"""How values are computed: NumPy and plain Python, no graphs, no derivatives.

numbers.py works on single numbers of any type, kernels.py on arrays; forward.py chooses between
them for an op. wrapped.py is what a Tensor shows of the array in it.
"""
