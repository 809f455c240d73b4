NUMBER = "09"

KEYS = [
    (
        "plain",
        """
import numpy as np

def sgd_step(p, g, lr):
    return p - lr * g

def momentum_step(p, g, v, lr, mu):
    v = mu * v + g
    return p - lr * v, v

def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g ** 2
    return p - lr * (m / (1 - beta1 ** t)) / (np.sqrt(v / (1 - beta2 ** t)) + eps), m, v
""",
    ),
    (
        "in place, and the rate corrected",
        """
import numpy as np

def sgd_step(p, g, lr):
    p -= lr * g
    return p

def momentum_step(p, g, v, lr, mu):
    v *= mu
    v += g
    p += -lr * v
    return [p, v]

def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    m += (1 - beta1) * (g - m)
    v += (1 - beta2) * (g * g - v)
    root = np.sqrt(v) / (1 - beta2 ** t) ** 0.5 + eps
    return (p - lr / (1 - beta1 ** t) * m / root, m, v)
""",
    ),
]

ADAM = """m = beta1 * m + (1 - beta1) * g
v = beta2 * v + (1 - beta2) * g ** 2
mh = m / (1 - beta1 ** t)
vh = v / (1 - beta2 ** t)
return p - lr * mh / (np.sqrt(vh) + eps), m, v"""


def adam(*pairs: tuple[str, str]) -> str:
    text = ADAM
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


WRONG = [
    ("sgd_step", "ascent", "return p + lr * g"),
    ("sgd_step", "no_rate", "return p - g"),
    ("sgd_step", "step_alone", "return lr * g"),
    ("sgd_step", "step_times", "return p * (1 - lr * g)"),
    ("sgd_step", "sign_only", "return p - lr * np.sign(g)"),
    ("sgd_step", "unchanged", "q = p - lr * g\nreturn p"),
    ("sgd_step", "nothing", "p -= lr * g"),
    ("momentum_step", "momentum_mean", "v = mu * v + (1 - mu) * g\nreturn p - lr * v, v"),
    ("momentum_step", "ascent", "v = mu * v + g\nreturn p + lr * v, v"),
    ("momentum_step", "momentum_old", "return p - lr * v, mu * v + g"),
    ("momentum_step", "momentum_unused", "return p - lr * g, mu * v + g"),
    ("momentum_step", "momentum_unused", "w = mu * v + g\nreturn p - lr * w, v"),
    ("momentum_step", "momentum_forever", "v = v + g\nreturn p - lr * v, v"),
    ("momentum_step", "momentum_nesterov", "v = mu * v + g\nreturn p - lr * (g + mu * v), v"),
    ("momentum_step", "step_states", "v = mu * v + g\nreturn p - lr * v"),
    ("momentum_step", "momentum_sign", "v = mu * v - lr * g\nreturn p - v, v"),
    ("adam_step", "no_correction", adam((" / (1 - beta1 ** t)", ""), (" / (1 - beta2 ** t)", ""))),
    ("adam_step", "half_correction", adam((" / (1 - beta2 ** t)", ""))),
    ("adam_step", "no_square", adam(("g ** 2", "g"))),
    ("adam_step", "no_root", adam(("np.sqrt(vh)", "vh"))),
    ("adam_step", "eps_inside", adam(("np.sqrt(vh) + eps", "np.sqrt(vh + eps)"))),
    ("adam_step", "betas_swapped", adam(("beta1", "beta3"), ("beta2", "beta1"), ("beta3", "beta2"))),
    ("adam_step", "ascent", adam(("p - lr", "p + lr"))),
    ("adam_step", "powers", adam(("beta1 ** t", "beta1"), ("beta2 ** t", "beta2"))),
    ("adam_step", "count_from_zero", adam(("** t)", "** (t + 1))"))),
    ("adam_step", "sum_for_mean", adam(("(1 - beta1) * g", "g"))),
    ("adam_step", "gradient_for_mean", adam(("lr * mh", "lr * g"))),
    ("adam_step", "states_kept", adam(("m = beta1", "m1 = beta1"), ("mh = m /", "mh = m1 /"), ("v = beta2", "v1 = beta2"), ("vh = v /", "vh = v1 /"))),
    ("adam_step", "corrected_kept", adam((", m, v", ", mh, vh"))),
    ("adam_step", "trajectory", adam(("- lr * mh", "- lr * mh * 0.5"))),
    ("momentum_step", "step_alone", "v = mu * v + g\nreturn -lr * v, v"),
    ("adam_step", "step_alone", adam(("p - lr", "lr"))),
]  # fmt: skip
