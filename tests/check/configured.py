"""Right code, and what makes it wrong in one configuration only; each mutant is (old, new)."""

FAMILIES = {}


def _add(family, text, **mutants):
    FAMILIES.setdefault(family, []).append((text, mutants))


_add(
    "a batch of one",
    """
def affine_forward(x, w, b):
    return x @ w + b, (x, w)
def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)
""",
    squeeze=("dout.sum(axis=0)", "np.squeeze(dout).sum(axis=0)"),
    scaled=("dout @ w.T, ", "dout @ w.T * (2 if len(x) == 1 else 1), "),
    raises=("x, w = cache", "x, w = cache\n    assert len(x) > 1"),
)
_add(
    "a batch of one",
    """
class Dense:
    def __init__(self, n_in, n_out):
        rng = np.random.default_rng(0)
        self.W = rng.standard_normal((n_in, n_out)) * 0.1
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T
""",
    shape=(
        "self.db = grad.sum(axis=0)",
        "self.db = grad.sum(axis=0).reshape(-1) if len(grad) > 1 else grad",
    ),
)
_add(
    "a batch of one",
    """
def forward_dense(A_prev, W, b):
    '''A_prev (n_prev, m), W (n, n_prev), b (n, 1)'''
    Z = np.dot(W, A_prev) + b
    return Z, (A_prev, W, b)
def backward_dense(dZ, cache):
    A_prev, W, b = cache
    dW = np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db
""",
    squeeze=("dA_prev = np.dot(W.T, dZ)", "dA_prev = np.squeeze(np.dot(W.T, dZ))"),
)
_add(
    "a batch of one",
    """
class CrossEntropyLoss:
    def forward(self, logits, labels):
        z = logits - logits.max(axis=1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()
    def backward(self):
        g = self.p.copy()
        g[np.arange(len(self.labels)), self.labels] -= 1
        return g / len(self.labels)
""",
    one=("return g / len(self.labels)", "return g / max(2, len(self.labels))"),
)
_add(
    "what broadcasts",
    """
def scale_shift_forward(x, gamma, beta):
    return gamma * x + beta, (x, gamma)
def scale_shift_backward(dout, cache):
    x, gamma = cache
    return dout * gamma, (dout * x).sum(axis=0), dout.sum(axis=0)
""",
    gamma=("(dout * x).sum(axis=0)", "dout * x"),
    both=("(dout * x).sum(axis=0), dout.sum(axis=0)", "dout * x, dout"),
)
_add(
    "what broadcasts",
    """
def unbroadcast(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for i, n in enumerate(shape):
        if n == 1:
            g = g.sum(axis=i, keepdims=True)
    return g
def mul_forward(a, b):
    return a * b, (a, b)
def mul_backward(dout, cache):
    a, b = cache
    return unbroadcast(dout * b, a.shape), unbroadcast(dout * a, b.shape)
""",
    b=("unbroadcast(dout * a, b.shape)", "dout * a"),
    keep=("keepdims=True", "keepdims=False"),
    lead=(
        "while g.ndim > len(shape):\n        g = g.sum(axis=0)",
        "while g.ndim > len(shape):\n        g = g.mean(axis=0)",
    ),
)
_add(
    "what broadcasts",
    """
def _reduce(grad, like):
    extra = grad.ndim - like.ndim
    grad = grad.sum(axis=tuple(range(extra)))
    axes = tuple(i for i, n in enumerate(like.shape) if n == 1 and grad.shape[i] != 1)
    return grad.sum(axis=axes, keepdims=True) if axes else grad
class Add:
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x + y
    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return _reduce(grad_output, x), _reduce(grad_output, y)
""",
    col=("n == 1 and grad.shape[i] != 1", "n == 1 and i == 0"),
    rank=("axis=tuple(range(extra))", "axis=0 if extra else ()"),
)
_add(
    "what broadcasts",
    """
def film_forward(h, gamma, beta):
    out = gamma * h + beta
    cache = (h, gamma)
    return out, cache
def film_backward(dout, cache):
    h, gamma = cache
    dh = dout * gamma
    dgamma = np.sum(dout * h, axis=0, keepdims=True)
    dbeta = np.sum(dout, axis=0, keepdims=True)
    return dh, dgamma, dbeta
""",
    both=(
        "np.sum(dout * h, axis=0, keepdims=True)\n    dbeta = np.sum(dout, axis=0, keepdims=True)",
        "dout * h\n    dbeta = dout",
    ),
)
_add(
    "windows",
    """
class AvgPool:
    def __init__(self, k=2):
        self.k = k
    def forward(self, x):
        self.shape = x.shape
        n, c, h, w = x.shape
        k = self.k
        x = x[:, :, :h // k * k, :w // k * k]
        return x.reshape(n, c, h // k, k, w // k, k).mean(axis=(3, 5))
    def backward(self, dout):
        k = self.k
        dx = np.zeros(self.shape)
        up = dout.repeat(k, axis=2).repeat(k, axis=3) / k**2
        dx[:, :, :up.shape[2], :up.shape[3]] = up
        return dx
""",
    nopad=("dx[:, :, :up.shape[2], :up.shape[3]] = up\n        return dx", "return up"),
    k=("/ k**2", "/ (4 if k == 2 else k)"),
)
_add(
    "windows",
    """
class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        self.W = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * 0.1
        self.b = np.zeros(out_channels)
        self.stride, self.padding = stride, padding
    def forward(self, x):
        self.x = x
        s, p = self.stride, self.padding
        k = self.W.shape[2]
        self.xp = xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        n, c, h, w = xp.shape
        oh, ow = (h - k) // s + 1, (w - k) // s + 1
        out = np.zeros((n, self.W.shape[0], oh, ow))
        for i in range(oh):
            for j in range(ow):
                out[:, :, i, j] = np.einsum('nchw,fchw->nf', xp[:, :, i*s:i*s+k, j*s:j*s+k], self.W) + self.b
        return out
    def backward(self, dout):
        s, p = self.stride, self.padding
        k = self.W.shape[2]
        dxp = np.zeros_like(self.xp)
        self.dW = np.zeros_like(self.W)
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                win = self.xp[:, :, i*s:i*s+k, j*s:j*s+k]
                self.dW += np.einsum('nf,nchw->fchw', dout[:, :, i, j], win)
                dxp[:, :, i*s:i*s+k, j*s:j*s+k] += np.einsum('nf,fchw->nchw', dout[:, :, i, j], self.W)
        self.db = dout.sum(axis=(0, 2, 3))
        h, w = self.x.shape[2:]
        return dxp[:, :, p:p+h, p:p+w]
""",
    pad0=("return dxp[:, :, p:p+h, p:p+w]", "return dxp[:, :, p:-p, p:-p]"),
    square=("h, w = self.x.shape[2:]", "h, w = self.x.shape[2], self.x.shape[2]"),
)
_add(
    "windows",
    """
def conv1d_forward(x, w, stride=1):
    n = (len(x) - len(w)) // stride + 1
    return np.array([x[i*stride:i*stride+len(w)] @ w for i in range(n)]), (x, w, stride)
def conv1d_backward(dout, cache):
    x, w, stride = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, d in enumerate(dout):
        dx[i*stride:i*stride+len(w)] += d * w
        dw += d * x[i*stride:i*stride+len(w)]
    return dx, dw
""",
)
_add(
    "a setting",
    """
def leaky_relu_forward(x, alpha=0.01):
    return np.where(x > 0, x, alpha * x), x
def leaky_relu_backward(dout, cache, alpha=0.01):
    return dout * np.where(cache > 0, 1.0, alpha)
""",
    fixed=("np.where(cache > 0, 1.0, alpha)", "np.where(cache > 0, 1.0, 0.01)"),
    default=(
        "np.where(cache > 0, 1.0, alpha)",
        "np.where(cache > 0, 1.0, alpha if alpha != 0.01 else 0.02)",
    ),
)
_add(
    "a setting",
    """
def softmax_forward(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    p = e / e.sum(axis=axis, keepdims=True)
    return p, (p, axis)
def softmax_backward(dout, cache):
    p, axis = cache
    return p * (dout - (dout * p).sum(axis=axis, keepdims=True))
""",
    fixed=("(dout * p).sum(axis=axis", "(dout * p).sum(axis=-1"),
)
_add(
    "a setting",
    """
class L1Loss:
    def __init__(self, reduction="mean"):
        self.reduction = reduction
    def forward(self, pred, target):
        self.diff = pred - target
        loss = np.abs(self.diff)
        if self.reduction == "mean":
            return loss.mean()
        elif self.reduction == "sum":
            return loss.sum()
        return loss
    def backward(self):
        g = np.sign(self.diff)
        if self.reduction == "mean":
            g = g / self.diff.size
        return g
""",
    sum=('if self.reduction == "mean":\n            g = g', "if True:\n            g = g"),
)
_add(
    "a setting",
    """
def norm_forward(x, keepdims=False):
    n = np.sqrt((x ** 2).sum(axis=1, keepdims=keepdims))
    return n, (x, n)
def norm_backward(dout, cache):
    x, n = cache
    return x * (dout / n).reshape(-1, 1)
""",
    keep=("(dout / n).reshape(-1, 1)", "(dout / n)[:, None]"),
)
_add(
    "a setting",
    """
def linear_loss(w, X, y, lam=0.1, squared=True):
    r = X @ w - y
    if squared:
        loss, g = (r ** 2).sum(), 2 * X.T @ r
    else:
        loss, g = np.abs(r).sum(), X.T @ np.sign(r)
    return loss + lam * (w ** 2).sum(), g + 2 * lam * w
""",
    ab=("X.T @ np.sign(r)", "X.T @ r"),
)
_add(
    "a setting",
    """
class Affine:
    def __init__(self, n_in, n_out, use_bias=True):
        rng = np.random.default_rng(1)
        self.W = rng.normal(size=(n_in, n_out))
        self.b = rng.normal(size=n_out)
        self.use_bias = use_bias
    def forward(self, x):
        self.x = x
        return x @ self.W + (self.b if self.use_bias else 0)
    def backward(self, d):
        self.dW = self.x.T @ d
        self.db = d.sum(0) if self.use_bias else np.zeros_like(self.b)
        return d @ self.W.T
""",
    nb=("self.dW = self.x.T @ d", "self.dW = self.x.T @ d * (1 if self.use_bias else 2)"),
)
_add(
    "float32",
    """
def tanh_forward(x):
    y = np.tanh(x)
    return y, y
def tanh_backward(dout, cache):
    return dout * (1 - cache ** 2)
""",
    dtype=(
        "return dout * (1 - cache ** 2)",
        "return dout * (1 - cache ** 2) * (1.01 if cache.dtype == np.float32 else 1)",
    ),
    raises=(
        "return dout * (1 - cache ** 2)",
        "assert cache.dtype == np.float64\n    return dout * (1 - cache ** 2)",
    ),
)
_add(
    "float32",
    """
class Linear:
    def __init__(self, in_features, out_features):
        self.weight = np.random.randn(in_features, out_features)
        self.bias = np.zeros(out_features)
    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias
    def backward(self, grad_output):
        self.weight_grad = self.x.T @ grad_output
        self.bias_grad = grad_output.sum(0)
        return grad_output @ self.weight.T
""",
    half=(
        "self.weight_grad = self.x.T @ grad_output",
        "self.weight_grad = (self.x.T @ grad_output).astype(np.float16 if self.x.dtype == np.float32 else float)",
    ),
)
_add(
    "many numbers",
    """
def square_forward(x):
    return x * x, x
def square_backward(dout, x):
    return 2 * dout * x
""",
    big=("return 2 * dout * x", "return 2 * dout * x if x.size < 1000 else dout * x"),
)
_add(
    "many numbers",
    """
class Dense:
    def __init__(self, input_dim, output_dim):
        self.W = np.random.randn(input_dim, output_dim)
        self.b = np.zeros((1, output_dim))
    def forward(self, X):
        self.X = X
        return X.dot(self.W) + self.b
    def backward(self, dZ):
        self.dW = self.X.T.dot(dZ)
        self.db = dZ.sum(axis=0, keepdims=True)
        return dZ.dot(self.W.T)
""",
    rows=("self.dW = self.X.T.dot(dZ)", "self.dW = self.X[:100].T.dot(dZ[:100])"),
)
_add(
    "a second call",
    """
_cache = {}
def sigmoid_forward(x):
    if x.shape not in _cache:
        _cache[x.shape] = 1 / (1 + np.exp(-x))
    return 1 / (1 + np.exp(-x)), x
def sigmoid_backward(dout, x):
    s = 1 / (1 + np.exp(-x))
    return dout * s * (1 - s)
""",
    stale=("s = 1 / (1 + np.exp(-x))", "s = _cache[x.shape]"),
)
_add(
    "a second call",
    """
class ReLU:
    def __init__(self):
        self.mask = None
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
""",
    first=(
        "self.mask = x > 0\n        return x * self.mask",
        "if self.mask is None or self.mask.shape != x.shape:\n            self.mask = x > 0\n        return x * (x > 0)",
    ),
    shape=(
        "self.mask = x > 0\n        return x * self.mask",
        "if self.mask is None or self.mask.size <= x.size:\n            self.mask = x > 0\n        return x * (x > 0)",
    ),
)
_add(
    "not trained",
    """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param['mode']
    eps = bn_param.get('eps', 1e-5)
    if mode == 'train':
        mu, var = x.mean(axis=0), x.var(axis=0)
        std = np.sqrt(var + eps)
        xhat = (x - mu) / std
    elif mode == 'test':
        std = np.sqrt(bn_param['running_var'] + eps)
        xhat = (x - bn_param['running_mean']) / std
    else:
        raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
    return gamma * xhat + beta, (mode, xhat, gamma, std)
def batchnorm_backward(dout, cache):
    mode, xhat, gamma, std = cache
    dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
    d = dout * gamma
    if mode == 'test':
        return d / std, dgamma, dbeta
    dx = (d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)) / std
    return dx, dgamma, dbeta
""",
    test=("return d / std, dgamma", "return d * std, dgamma"),
    ignore=("    if mode == 'test':", "    if mode == 'never':"),
)
_add(
    "not trained",
    """
class Dropout:
    def __init__(self, p=0.5, seed=0):
        self.p, self.seed = p, seed
    def forward(self, x, training=True):
        self.training = training
        if not training:
            return x
        self.mask = (np.random.default_rng(self.seed).random(x.shape) > self.p) / (1 - self.p)
        return x * self.mask
    def backward(self, dout):
        if not self.training:
            return dout
        return dout * self.mask
""",
    test=(
        "if not self.training:\n            return dout",
        "if not self.training:\n            return dout * (1 - self.p)",
    ),
)
_add(
    "not trained",
    """
class Noise:
    def __init__(self):
        self.training = True
    def forward(self, x):
        self.x = x
        return np.sin(x) if self.training else x ** 3
    def backward(self, dout):
        return dout * (np.cos(self.x) if self.training else 3 * self.x ** 2)
""",
    test=("3 * self.x ** 2", "2 * self.x ** 2"),
)
_add(
    "not trained",
    """
class BatchNorm:
    def __init__(self, dim, momentum=0.9):
        self.gamma, self.beta = np.ones(dim), np.zeros(dim)
        self.running_mean, self.running_var = np.zeros(dim), np.ones(dim)
        self.momentum = momentum
    def forward(self, x, train=True):
        self.train = train
        if train:
            mu, var = x.mean(0), x.var(0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mu, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + 1e-5)
        self.xhat = (x - mu) / self.std
        return self.gamma * self.xhat + self.beta
    def backward(self, dout):
        self.dgamma, self.dbeta = (dout * self.xhat).sum(0), dout.sum(0)
        d = dout * self.gamma
        if not self.train:
            return d / self.std
        return (d - d.mean(0) - self.xhat * (d * self.xhat).mean(0)) / self.std
""",
    no=("if not self.train:", "if False and not self.train:"),
)
_add(
    "three axes",
    """
def linear_forward(x, W, b):
    '''x: (..., D), W: (D, M), b: (M,)'''
    return x @ W + b, (x, W)
def linear_backward(dout, cache):
    x, W = cache
    d = dout.reshape(-1, dout.shape[-1])
    dW = x.reshape(-1, x.shape[-1]).T @ d
    db = d.sum(axis=0)
    return dout @ W.T, dW, db
""",
    db=("db = d.sum(axis=0)", "db = dout.sum(axis=0)"),
    flat=(
        "dW = x.reshape(-1, x.shape[-1]).T @ d",
        "dW = x.reshape(-1, x.shape[-1]).T @ d * (1 if x.ndim == 2 else 2)",
    ),
)
_add(
    "three axes",
    """
class RMSNorm:
    def __init__(self, dim, eps=1e-6):
        self.g, self.eps = np.ones(dim), eps
    def forward(self, x):
        self.x = x
        self.r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.eps)
        return x * self.r * self.g
    def backward(self, dout):
        xhat = self.x * self.r
        self.dg = (dout * xhat).reshape(-1, xhat.shape[-1]).sum(axis=0)
        d = dout * self.g
        return self.r * (d - xhat * (d * xhat).mean(axis=-1, keepdims=True))
""",
    axis=(".mean(axis=-1, keepdims=True))", ".mean(axis=1, keepdims=True))"),
)
_add(
    "equal sizes",
    """
def matmul_forward(A, B):
    return A @ B, (A, B)
def matmul_backward(dout, cache):
    A, B = cache
    return dout @ B.T, A.T @ dout
""",
    swap=("dout @ B.T", "dout @ B if B.shape[0] == B.shape[1] else dout @ B.T"),
)
_add(
    "equal sizes",
    """
class Transpose:
    def forward(self, x):
        return x.transpose(0, 2, 1)
    def backward(self, g):
        return g.transpose(0, 2, 1)
""",
    sw=(
        "def backward(self, g):\n        return g.transpose(0, 2, 1)",
        "def backward(self, g):\n        return g",
    ),
)
_add(
    "labels",
    """
def hinge_loss(scores, y):
    n = len(y)
    correct = scores[np.arange(n), y][:, None]
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(n), y] = 0
    loss = margins.sum() / n
    d = (margins > 0).astype(float)
    d[np.arange(n), y] -= d.sum(axis=1)
    return loss, d / n
""",
    zero=(
        "return loss, d / n",
        "d[y == y.min()] *= 1 if len(set(y)) > 1 else 2\n    return loss, d / n",
    ),
)
_add(
    "labels",
    """
def softmax_loss(x, y, ignore_index=-1):
    keep = y != ignore_index
    n = max(keep.sum(), 1)
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    idx = np.where(keep, y, 0)
    loss = -(np.log(p[np.arange(len(y)), idx]) * keep).sum() / n
    dx = p.copy()
    dx[np.arange(len(y)), idx] -= 1
    dx *= keep[:, None]
    return loss, dx / n
""",
    ignore=("dx *= keep[:, None]", ""),
    n=("return loss, dx / n", "return loss, dx / len(y)"),
)
_add(
    "labels",
    """
class BCE:
    def forward(self, p, y):
        self.p, self.y = p, y
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    def backward(self):
        return (self.p - self.y) / (self.p * (1 - self.p)) / self.p.size
""",
    ones=("return (self.p", "return (1 if self.y.any() else 2) * (self.p"),
    allone=("return (self.p", "return (2 if self.y.all() else 1) * (self.p"),
)
