"""Functions that a printed program calls and carries with it: stable forms of a few formulas.

Each does what the kernel of the op does, to the last bit; the tests compare them.
"""

from __future__ import annotations

NUMPY: dict[str, str] = {
    "sigmoid": """
def sigmoid(x):  # 1 / (1 + exp(-x)), which cannot overflow in this form
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
""",
    "softplus": """
def softplus(x):  # log(1 + exp(x))
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
""",
    "softmax": """
def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)
""",
    "logsumexp": """
def logsumexp(x, axis=None, keepdims=False):
    top = np.max(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    y = np.log(np.sum(np.exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis)
""",
    "log_softmax": """
def log_softmax(x, axis=-1):
    return x - logsumexp(x, axis, keepdims=True)
""",
    "cross_entropy": """
def cross_entropy(z, labels):  # -log softmax(z) at the labels
    logp = z - logsumexp(z, -1, keepdims=True)
    return -np.take_along_axis(logp, labels[..., None], -1)[..., 0]
""",
    "cross_entropy_of": """
def cross_entropy_of(z, t):  # -sum(t * log softmax(z)) over the classes
    return -np.sum(t * (z - logsumexp(z, -1, keepdims=True)), -1)
""",
    "bce_with_logits": """
def bce_with_logits(z, t):  # -t log s - (1 - t) log(1 - s) of s = sigmoid(z)
    return np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
""",
    "bce": """
def bce(p, t):  # -t log p - (1 - t) log(1 - p), each logarithm at least -100
    return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(np.negative(p)), -100))
""",
    "norm": """
def norm(x, axis=None, keepdims=False):
    return np.sqrt(np.sum(np.square(x), axis, keepdims=keepdims))
""",
    "xlogy": """
def xlogy(x, y):  # x * log(y), and 0 at x = 0
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, np.zeros_like(x), x * np.log(np.where(zero, 1, y)))
""",
    "erf": """
def erf(x):
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x), x.dtype)
""",
    "erfc": """
def erfc(x):
    return np.asarray(np.frompyfunc(math.erfc, 1, 1)(x), x.dtype)
""",
    "put": """
def put(g, index, shape):  # zeros, g added at index: the transpose of x[index]
    out = np.zeros(shape, g.dtype)
    np.add.at(out, index, g)
    return out
""",
    "sum_to": """
def sum_to(x, shape):  # x summed down to shape: the transpose of broadcasting
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1
    )
    return np.reshape(np.sum(x, axes, keepdims=True), shape)
""",
    "windows": """
def windows(x, shape, stride, dilation):  # (..., *places, *shape): a view
    n = len(shape)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(shape, dilation))
    view = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(-n, 0)))
    step = tuple(slice(None, None, s) for s in stride)
    return view[(..., *step, *(slice(None, None, d) for d in dilation))]
""",
    "fold": """
def fold(x, size, stride, dilation):  # windows added where they were taken from
    n = len(size)
    places, shape = x.shape[-2 * n : -n], x.shape[-n:]
    out = np.zeros((*x.shape[: -2 * n], *size), x.dtype)
    for at in np.ndindex(*shape):
        to = tuple(
            slice(a * d, a * d + s * (p - 1) + 1, s)
            for a, d, s, p in zip(at, dilation, stride, places)
        )
        out[(..., *to)] += x[(..., *at)]
    return out
""",
    "cofactor": """
def cofactor(a):  # the matrix of cofactors, d det(a) / da, also of a singular matrix
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1) if n else s
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return np.asarray(sign)[..., None, None] * ((u * others[..., None, :]) @ vh)
""",
    "eigh": """
def eigh(a, UPLO="L"):  # the row of eigenvalues, then the eigenvectors as columns
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], -2)
""",
    "svd": """
def svd(a):  # the row of singular values, then u, then v
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([s[..., None, :], u, np.swapaxes(vh, -1, -2)], -2)
""",
    "qr": """
def qr(a):  # q, then r transposed
    q, r = np.linalg.qr(a)
    return np.concatenate([q, np.swapaxes(r, -1, -2)], -2)
""",
}

PYTHON: dict[str, str] = {
    "sigmoid": """
def sigmoid(x):  # 1 / (1 + exp(-x)), which cannot overflow in this form
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)
""",
    "power": """
def power(a, b):  # nan where a ** b is complex
    y = a ** b
    return math.nan if isinstance(y, complex) else y
""",
    "sign": """
def sign(x):  # -1, 0 or 1, and nan for nan
    return x if x != x else (x > 0) - (x < 0)
""",
    "xlogy": """
def xlogy(x, y):  # x * log(y), and 0 at x = 0
    return x * 0 if x == 0 and y == y else x * math.log(y)
""",
    "clip": """
def clip(x, low, high):
    x = x if x != x or x > low else low
    return x if x != x or x < high else high
""",
}

JS: dict[str, str] = {
    "sigmoid": """
function sigmoid(x) { // 1 / (1 + exp(-x)), which cannot overflow in this form
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}
""",
    "softplus": """
function softplus(x) { // log(1 + exp(x))
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
""",
    "sinc": """
function sinc(x) { // sin(pi x) / (pi x), and 1 at 0
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
""",
    "logaddexp": """
function logaddexp(a, b) { // log(exp(a) + exp(b))
  return a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
""",
    "xlogy": """
function xlogy(x, y) { // x * log(y), and 0 at x = 0
  return x === 0 && y === y ? 0 : x * Math.log(y);
}
""",
    "bce_with_logits": """
function bce_with_logits(z, t) { // -t log s - (1 - t) log(1 - s) of s = sigmoid(z)
  return Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z)));
}
""",
}

C: dict[str, str] = {
    "sigmoid": """
static double sigmoid(double x) { /* 1 / (1 + exp(-x)), which cannot overflow in this form */
    double e = exp(-fabs(x));
    return (x >= 0 ? 1.0 : e) / (1.0 + e);
}
""",
    "softplus": """
static double softplus(double x) { /* log(1 + exp(x)) */
    return (x > 0 || x != x ? x : 0.0) + log1p(exp(-fabs(x)));
}
""",
    "sinc": """
static double sinc(double x) { /* sin(pi x) / (pi x), and 1 at 0 */
    double z = 3.141592653589793 * x;
    return x == 0 ? 1.0 : sin(z) / z;
}
""",
    "logaddexp": """
static double logaddexp(double a, double b) { /* log(exp(a) + exp(b)) */
    return a == b ? a + 0.6931471805599453 : (a > b ? a : b) + log1p(exp(-fabs(a - b)));
}
""",
    "xlogy": """
static double xlogy(double x, double y) { /* x * log(y), and 0 at x = 0 */
    return x == 0 && y == y ? 0.0 : x * log(y);
}
""",
    "sign": """
static double sign(double x) { /* -1, 0 or 1, and nan for nan */
    return x != x ? x : (x > 0) - (x < 0);
}
""",
    "clip": """
static double clip(double x, double low, double high) {
    x = x != x || x > low ? x : low;
    return x != x || x < high ? x : high;
}
""",
    "bce_with_logits": """
static double bce_with_logits(double z, double t) { /* of s = sigmoid(z) */
    return (z > 0 || z != z ? z : 0.0) - z * t + log1p(exp(-fabs(z)));
}
""",
}

HELPERS: dict[str, dict[str, str]] = {"numpy": NUMPY, "python": PYTHON, "js": JS, "c": C}
NEEDS: dict[str, tuple[str, ...]] = {
    "log_softmax": ("logsumexp",),
    "cross_entropy": ("logsumexp",),
    "cross_entropy_of": ("logsumexp",),
}
