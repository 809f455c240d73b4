NUMBER = "05"

KEYS = [
    (
        "plain",
        """
def pow_backward(g, a, n):
    return g * n * a ** (n - 1)

def div_backward(g, a, b):
    return g / b, -g * a / b ** 2
""",
    ),
    (
        "by the value, and as a product",
        """
def pow_backward(g, a, n):
    y = a ** n
    return g * n * y / a

def div_backward(g, a, b):
    da, dinverse = g * b ** -1, g * a
    return da, pow_backward(dinverse, b, -1)
""",
    ),
]

WRONG = [
    ("pow_backward", "exponent_kept", "return g * n * a**n"),
    ("pow_backward", "n_missing", "return g * a ** (n - 1)"),
    ("pow_backward", "upstream", "return n * a ** (n - 1)"),
    ("pow_backward", "linear", "return g * n * a"),
    ("pow_backward", "as_exp", "import math\nreturn g * a**n * math.log(a)"),
    (
        "pow_backward",
        "integral",
        "import math\nreturn g * (a ** (n + 1) / (n + 1) if n != -1 else math.log(a))",
    ),
    ("pow_backward", "n_reduced_too", "return g * (n - 1) * a ** (n - 1)"),
    ("pow_backward", "exponent_raised", "return g * n * a ** (n + 1)"),
    ("pow_backward", "value", "return g * a**n"),
    ("pow_backward", "factor", "return 2 * g * n * a ** (n - 1)"),
    ("pow_backward", "sign", "return -g * n * a ** (n - 1)"),
    ("div_backward", "square_of_b", "return g / b, -g * a / b"),
    ("div_backward", "minus_missing", "return g / b, g * a / b**2"),
    ("div_backward", "numerator", "return g / b, -g / b**2"),
    ("div_backward", "numerator", "return g * a / b, -g * a / b**2"),
    ("div_backward", "as_mul", "return g * b, g * a"),
    ("div_backward", "upstream", "return 1 / b, -a / b**2"),
    ("div_backward", "upside_down", "return -g * b / a**2, g / a"),
    ("div_backward", "difference", "return g, -g"),
    ("div_backward", "square_of_a", "return g / b, -g * b / a**2"),
    ("div_backward", "swapped", "return -g * a / b**2, g / b"),
    ("div_backward", "two_for_square", "return g / b, -g * a / (b * 2)"),
]
