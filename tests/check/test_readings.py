"""Ways to write a forward and a backward, one of each kind: right ones pass, wrong ones do not."""

from typing import Any

import numpy as np
import pytest

from microgradnn import check
from microgradnn.check.files.arguments import GuessError
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from tests.check.zoo import right

# Text; what stands in its gap where it is right, and where it is wrong; the verdict if right.
WAYS: dict[str, tuple[str, str, str, str]] = {}


def way(name: str, text: str, right: str, wrong: str, verdict: str = "PASS") -> None:
    """Adds a way to the table."""
    WAYS[name] = (text, right, wrong, verdict)


way(
    "a loss and its backward, of a cache",
    """
def mse_loss_forward(p, y):
    d = p - y
    return np.mean(d**2), (d,)
def mse_loss_backward(cache):
    (d,) = cache
    return {} * d / d.size
""",
    "2",
    "3",
)
way(
    "a softmax loss, of a cache",
    """
def softmax_loss_forward(scores, y):
    e = np.exp(scores - scores.max(1, keepdims=True)); p = e/e.sum(1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(y)), y]))
    cache = (p, y)
    return loss, cache
def softmax_loss_backward(cache):
    p, y = cache
    d = p.copy(); d[np.arange(len(y)), y] -= 1
    return d / {}
""",
    "len(y)",
    "2",
)
way(
    "a loss object",
    """
class MSELoss:
    def forward(self, pred, y):
        self.d = pred - y
        return np.mean(self.d**2)
    def backward(self):
        return {} * self.d / self.d.size
""",
    "2",
    "3",
)
way(
    "a loss that is called",
    """
class CrossEntropyLoss:
    def __call__(self, logits, target):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True); self.t = target
        return float(-np.log(self.p[np.arange(len(target)), target]).mean())
    def backward(self):
        d = self.p.copy(); d[np.arange(len(self.t)), self.t] -= 1
        return d / {}
""",
    "len(self.t)",
    "2",
)
way(
    "a cell of two states",
    """
def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    s = lambda z: 1/(1+np.exp(-z))
    i, f, o, g = s(a[:, :H]), s(a[:, H:2*H]), s(a[:, 2*H:3*H]), np.tanh(a[:, 3*H:])
    c = f*prev_c + i*g
    h = o*np.tanh(c)
    return h, c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, c)
def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, c = cache
    t = np.tanh(c)
    dc = dnext_c + dnext_h*o*(1-t**2)
    da = np.hstack([dc*g*i*(1-i), dc*prev_c*f*(1-f), dnext_h*t*o*(1-o), dc*i*(1-g**2){}])
    return da@Wx.T, da@Wh.T, dc*f, x.T@da, prev_h.T@da, da.sum(0)
""",
    "",
    " * g",
)
way(
    "a cell object of two states",
    """
class LSTMCell:
    def __init__(self, input_size, hidden_size):
        self.hidden_size = hidden_size
        self.W = np.random.randn(input_size + hidden_size, 4*hidden_size)*0.3
        self.b = np.zeros(4*hidden_size)
    def step_forward(self, x, h, c):
        H = self.hidden_size
        z = np.concatenate([x, h], axis=1)
        a = z @ self.W + self.b
        s = lambda z: 1/(1+np.exp(-z))
        i, f, o, g = s(a[:, :H]), s(a[:, H:2*H]), s(a[:, 2*H:3*H]), np.tanh(a[:, 3*H:])
        c_new = f*c + i*g
        h_new = o*np.tanh(c_new)
        self.cache = (z, c, i, f, o, g, c_new)
        return h_new, c_new
    def step_backward(self, dh, dc):
        z, c, i, f, o, g, c_new = self.cache
        t = np.tanh(c_new)
        dc = dc + dh*o*(1-t**2)
        da = np.hstack([dc*g*i*(1-i), dc*c*f*(1-f), dh*t*o*(1-o), dc*i*(1-g**2){}])
        self.dW = z.T @ da; self.db = da.sum(0)
        dz = da @ self.W.T
        D = z.shape[1] - self.hidden_size
        return dz[:, :D], dz[:, D:], dc*f
""",
    "",
    " * g",
)
way(
    "a cell object of one state",
    """
class RNNCell:
    def __init__(self, input_size, hidden_size):
        self.Wx = np.random.randn(input_size, hidden_size); self.Wh = np.random.randn(hidden_size, hidden_size); self.b=np.zeros(hidden_size)
    def forward(self, x, h_prev):
        h = np.tanh(x@self.Wx + h_prev@self.Wh + self.b)
        self.cache = x, h_prev, h
        return h
    def backward(self, dh):
        x, h_prev, h = self.cache
        da = dh*{}
        self.dWx, self.dWh, self.db = x.T@da, h_prev.T@da, da.sum(0)
        return da@self.Wx.T, da@self.Wh.T
""",
    "(1-h**2)",
    "(1-h)",
)
way(
    "a list of sizes",
    """
class MLP:
    def __init__(self, layer_sizes):
        self.W = [np.random.randn(a, b)*0.5 for a, b in zip(layer_sizes[:-1], layer_sizes[1:])]
        self.b = [np.random.randn(b) for b in layer_sizes[1:]]
    def forward(self, x):
        self.a = [x]
        for W, b in zip(self.W, self.b):
            x = np.tanh(x@W + b); self.a.append(x)
        return x
    def backward(self, dout):
        self.dW, self.db = [None]*len(self.W), [None]*len(self.b)
        for i in reversed(range(len(self.W))):
            d = dout*{}
            self.dW[i] = self.a[i].T@d; self.db[i] = d.sum(0)
            dout = d@self.W[i].T
        return dout
""",
    "(1-self.a[i+1]**2)",
    "(1-self.a[i+1])",
)
way(
    "a function and its derivative to the constructor",
    """
def tanh(x): return np.tanh(x)
def tanh_prime(x): return 1-np.tanh(x)**2
class ActivationLayer:
    def __init__(self, activation, activation_prime):
        self.activation, self.activation_prime = activation, activation_prime
    def forward(self, input_data):
        self.input = input_data
        return self.activation(input_data)
    def backward(self, output_error, learning_rate):
        return self.activation_prime(self.input) * {}
""",
    "output_error",
    "output_error**2",
)
way(
    "functions that the file does not have",
    """
class Activation:
    def __init__(self, activation, activation_prime):
        self.activation, self.activation_prime = activation, activation_prime
    def forward(self, input):
        self.input = input
        return self.activation(self.input)
    def backward(self, output_gradient, learning_rate):
        return np.multiply(output_gradient, {})
""",
    "self.activation_prime(self.input)",
    "self.activation(self.input)",
)
way(
    "an activation object to the constructor",
    """
class ReLU:
    def forward(self, z):
        self.z = z
        return np.maximum(0, z)
    def backward(self, g):
        return g*(self.z > 0)
class Dense:
    def __init__(self, n_in, n_out, activation):
        self.W = np.random.randn(n_in, n_out); self.b = np.random.randn(n_out)
        self.activation = activation
    def forward(self, x):
        self.x = x
        return self.activation.forward(x@self.W+self.b)
    def backward(self, g):
        g = self.activation.backward(g)
        self.dW = self.x.T@g; self.db = g.{}(0)
        return g@self.W.T
""",
    "sum",
    "max",
)
way(
    "an activation object that is called",
    """
class Sigmoid:
    def __call__(self, z): return 1/(1+np.exp(-z))
    def gradient(self, z):
        s = self(z); return s*(1-s)
class Layer1:
    def __init__(self, n_in, n_out, activation_fn):
        self.W = np.random.randn(n_in, n_out); self.b = np.random.randn(1, n_out)
        self.act = activation_fn
    def forward(self, x):
        self.x = x; self.z = x@self.W+self.b
        return self.act(self.z)
    def backward(self, delta):
        d = delta*self.act.gradient(self.z)
        self.dW = self.x.T@d; self.db = d.{}(axis=0, keepdims=True)
        return d@self.W.T
""",
    "sum",
    "max",
)
way(
    "an initialiser to the constructor",
    """
class Dense:
    def __init__(self, n_in, n_out, initializer):
        self.W = initializer((n_in, n_out)); self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x@self.W+self.b
    def backward(self, g):
        self.dW = self.x.T@g; self.db = g.{}(0)
        return g@self.W.T
""",
    "sum",
    "max",
)
way(
    "a list of layers to the constructor",
    """
class Lin:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return x@self.W
    def backward(self, g):
        self.dW = self.x.T@g
        return g@self.W.T
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x); return self.y
    def backward(self, g): return g*(1-self.y**2)
class Sequential:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, x):
        for l in self.layers: x = l.forward(x)
        return x
    def backward(self, g):
        for l in reversed(self.layers): g = l.backward(g)
        return {}
""",
    "g",
    "2*g",
)
way(
    "an optimiser to the constructor",
    """
class Dense:
    def __init__(self, n_in, n_out, optimizer):
        self.W = np.random.randn(n_in, n_out); self.b = np.zeros(n_out); self.optimizer = optimizer
    def forward(self, x):
        self.x = x
        return x@self.W+self.b
    def backward(self, g):
        self.dW = self.x.T@g; self.db = g.{}(0)
        return g@self.W.T
""",
    "sum",
    "max",
)
way(
    "the rate first, the input, the cotangent last",
    """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out); self.b = np.zeros(n_out)
    def forwardpass(self, x):
        self.x = x
        return x@self.W+self.b
    def backwardpass(self, lr, activation_prev, delta):
        dx = delta@self.W.T
        self.W -= lr*activation_prev.T@delta
        self.b -= lr*delta.{}(0)
        return dx
""",
    "sum",
    "max",
    "CONVENTION",
)
way(
    "a step of its own",
    """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out); self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x@self.W+self.b
    def backward(self, g):
        self._gW = self.x.T@g; self._gb = g.{}(0)
        return g@self.W.T
    def update(self, lr):
        self.W -= lr*self._gW; self.b -= lr*self._gb
""",
    "sum",
    "max",
)
way(
    "the input before the gradient from above",
    """
class Relu:
    def forward(self, x): return np.maximum(0, x)
    def gradient(self, input, previous):
        return previous * {}
""",
    "(input > 0)",
    "(input < 0)",
)
way(
    "the cotangent last",
    """
class Square:
    def forward(self, inputs): return inputs**2
    def backward(self, x, grad): return {}*x*grad
""",
    "2",
    "3",
)
way(
    "the cotangent first",
    """
class Square:
    def forward(self, inputs): return inputs**2
    def backward(self, grad, x): return {}*x*grad
""",
    "2",
    "3",
)
way(
    "functions behind a decorator",
    """
import functools
def deco(f):
    @functools.wraps(f)
    def run(*a, **k): return f(*a, **k)
    return run
@deco
def cube_forward(x): return x**3, x
@deco
def cube_backward(dout, cache): return dout*{}*cache**2
""",
    "3",
    "2",
)
way(
    "residuals first",
    """
def mul_fwd(x, y): return x*y, (x, y)
def mul_bwd(res, g):
    x, y = res
    return {}
""",
    "(g*y, g*x)",
    "(g*x, g*y)",
)
way(
    "one residual",
    """
def sin_fwd(x): return np.sin(x), (x,)
def sin_bwd(res, g):
    x, = res
    return ({}*np.cos(x),)
""",
    "g",
    "-g",
)
way(
    "a loss of single words",
    """
def softmax(x):
    e = np.exp(x - x.max()); return e/e.sum()
def naiveSoftmaxLossAndGradient(centerWordVec, outsideWordIdx, outsideVectors, dataset):
    p = softmax(outsideVectors @ centerWordVec)
    loss = -np.log(p[outsideWordIdx])
    d = p.copy(); d[outsideWordIdx] -= 1
    gradCenterVec = outsideVectors.T @ d
    gradOutsideVecs = np.outer(d, centerWordVec){}
    return loss, gradCenterVec, gradOutsideVecs
""",
    "",
    "*2",
)
way(
    "probabilities beside the loss",
    """
def softmax_cross_entropy_forward(z, y):
    e = np.exp(z - z.max(1, keepdims=True)); p = e/e.sum(1, keepdims=True)
    loss = -np.mean(np.sum(y*np.log(p), 1))
    return p, loss
def softmax_cross_entropy_backward(p, y):
    return (p - y)/{}
""",
    "len(y)",
    "2",
)
way(
    "a loss object that returns probabilities",
    """
class SoftmaxLoss:
    def forward(self, x, t):
        e = np.exp(x - x.max(1, keepdims=True)); self.y = e/e.sum(1, keepdims=True); self.t = t
        loss = -np.sum(np.log(self.y[np.arange(len(t)), t]))/len(t)
        return loss, self.y
    def backward(self):
        d = self.y.copy(); d[np.arange(len(self.t)), self.t] -= 1
        return d/{}
""",
    "len(self.t)",
    "2",
)
way(
    "a context first",
    """
class Function: pass
class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = np.exp(x); ctx.save_for_backward(y); return y
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return {}*y
""",
    "grad_output",
    "2*grad_output",
)
way(
    "a context last",
    """
class MatMul:
    @staticmethod
    def forward(a, b, ctx):
        ctx.a, ctx.b = a, b
        return a@b
    @staticmethod
    def backward(g, ctx):
        return {}
""",
    "g@ctx.b.T, ctx.a.T@g",
    "g@ctx.b.T, 2*ctx.a.T@g",
)
way(
    "an operation that returns a list",
    """
class Operation:
    def forward(self, *inputs): raise NotImplementedError
class Multiply(Operation):
    def forward(self, a, b):
        self.inputs = a, b
        return a*b
    def backward(self, grad):
        a, b = self.inputs
        return [{}, grad*a]
""",
    "grad*b",
    "grad*a",
)
way(
    "a generator of its own",
    """
class Dropout:
    def __init__(self, p=0.5, seed=0):
        self.p = p; self.rng = np.random.default_rng(seed)
    def forward(self, x):
        self.mask = (self.rng.random(x.shape) > self.p)/(1-self.p)
        return x*self.mask
    def backward(self, dout):
        return dout*{}
""",
    "self.mask",
    "(self.mask>0)",
)
way(
    "a generator of the module's",
    """
rng = np.random.default_rng()
class Dropout:
    def __init__(self, p=0.5):
        self.p = p
    def forward(self, x, training=True):
        self.mask = (rng.random(x.shape) > self.p)/(1-self.p)
        return x*self.mask
    def backward(self, dout):
        return dout*{}
""",
    "self.mask",
    "(self.mask>0)",
)
way(
    "a loss that is made a float",
    """
def mse_forward(p, t):
    return float(np.mean((p-t)**2)), (p, t)
def mse_backward(dout, cache):
    p, t = cache
    return {}*(p-t)*dout/p.size
""",
    "2",
    "3",
)
way(
    "a loss by item()",
    """
class BCE:
    def forward(self, p, t):
        self.p, self.t = p, t
        return (-(t*np.log(p)+(1-t)*np.log(1-p))).mean().item()
    def backward(self):
        return {}*((self.p-self.t)/(self.p*(1-self.p)))/self.p.size
""",
    "1",
    "2",
)
way(
    "a loss with a method d",
    """
class Loss:
    def calc(self, y, t): return np.sum((y-t)**2)
    def d(self, y, t): return {}*(y-t)
""",
    "2",
    "3",
)
way(
    "functions by lambda",
    """
act = {{'relu': (lambda x: np.maximum(0,x))}}
sigmoid = lambda x: 1/(1+np.exp(-x))
sigmoid_prime = lambda x: {}
""",
    "sigmoid(x)*(1-sigmoid(x))",
    "sigmoid(x)",
)
way(
    "names with underscores and capitals",
    """
class Lin:
    def __init__(self, input_dim, output_dim):
        self._weights = np.random.randn(input_dim, output_dim); self._bias = np.zeros(output_dim)
    def Forward(self, x):
        self._x = x; return x@self._weights+self._bias
    def Backward(self, dout):
        self._dweights = self._x.T@dout; self._dbias = dout.{}(0)
        return dout@self._weights.T
""",
    "sum",
    "max",
)
way(
    "a step of training",
    """
class Perceptron:
    def __init__(self, n_inputs, n_outputs, lr=0.1):
        self.w = np.random.randn(n_inputs, n_outputs); self.b = np.zeros(n_outputs); self.lr = lr
    def predict(self, X): return 1/(1+np.exp(-(X@self.w+self.b)))
    def train_step(self, X, y):
        p = self.predict(X)
        err = (p - y)*p*(1-p)
        self.w -= self.lr*X.T@err
        self.b -= self.lr*err.{}(0)
        return 0.5*np.sum((p-y)**2)
""",
    "sum",
    "max",
    "CONVENTION",
)

way(
    "the output under the name of the input",
    """
def softmax_of(X):
    return np.exp(X)/np.exp(X).sum(axis=-1, keepdims=True)
def gradient_softmax_of(X, delta):
    return {}
""",
    "X*(delta - (delta*X).sum(axis=-1, keepdims=True))",
    "X*(delta + (delta*X).sum(axis=-1, keepdims=True))",
)
way(
    "a derivative that is a Jacobian",
    """
def softmax(x):
    e = np.exp(x - np.max(x)); return e/e.sum()
def softmax_grad(x):
    s = softmax(x)
    return np.diag(s) - np.outer(s, {})
""",
    "s",
    "x",
)
way(
    "a flag between other arguments",
    """
def mse(vector, target, derivative=False, norm=0):
    if derivative: return {}*(vector-target)
    return np.sum((vector-target)**2)
""",
    "2",
    "3",
)
way(
    "labels subtracted where the softmax is elsewhere",
    """
class CCE:
    def compute_loss(self, labels, predictions): return -np.sum(labels*np.log(predictions))
    def compute_grad(self, labels, predictions): return {}
""",
    "-(labels-predictions)",
    "labels-predictions**2",
    "CONVENTION",
)
way(
    "a net that is given the targets by forward",
    """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = np.random.randn(n_in, n_hidden); self.W2 = np.random.randn(n_hidden, n_out)
    def forward(self, x, y):
        self.x, self.y = x, y
        self.h = np.tanh(x@self.W1); self.out = self.h@self.W2
        return 0.5*np.sum((self.out-y)**2)
    def backward(self):
        d = self.out-self.y
        self.dW2 = self.h.T@d; self.dW1 = self.x.T@((d@self.W2.T)*{})
""",
    "(1-self.h**2)",
    "(1-self.h)",
)
way(
    "gradients before the loss",
    """
def sigmoid(z): return 1/(1+np.exp(-z))
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(w.T@X+b)
    cost = -np.sum(Y*np.log(A)+(1-Y)*np.log(1-A))/m
    dw = X@(A-Y).T/m; db = np.sum(A-Y)/{}
    grads = {{"dw": dw, "db": db}}
    return grads, cost
""",
    "m",
    "3",
)
way(
    "a gradient of the arguments of the loss",
    """
def compute_cost(X, y, w, b):
    return np.mean((X@w+b-y)**2)/2
def compute_gradient(X, y, w, b):
    e = X@w+b-y
    return X.T@e/len(y), e.{}()
""",
    "mean",
    "max",
    "CONVENTION",
)
way(
    "a loss and its gradient",
    """
def mse_loss(y_true, y_pred):
    return np.mean((y_true-y_pred)**2)
def mse_loss_gradient(y_true, y_pred):
    return {}*(y_pred-y_true)/y_true.size
""",
    "2",
    "3",
)
way(
    "a net whose backward is given a loss",
    """
class MSE:
    def __call__(self, p, t): return np.sum((p-t)**2)
    def d(self, p, t): return 2*(p-t)
class Net:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x, self.y = x, np.tanh(x@self.W+self.b)
        return self.y
    def backward(self, target, loss_fn):
        g = loss_fn.d(self.y, target)*(1-self.y**2)
        self.dW, self.db = self.x.T@g, {} * g.sum(0)
""",
    "1",
    "3",
)


way(
    "gradients of its own order, by their names, divided by N",
    """
def fc_forward(z, W, b):
    return np.dot(z, W) + b
def fc_backward(next_dz, W, z):
    N = z.shape[0]
    dz, dw, db = np.dot(next_dz, W.T), np.dot(z.T, next_dz), {} * np.sum(next_dz, axis=0)
    return dw / N, db / N, dz
""",
    "1",
    "3",
    "CONVENTION",
)
way(
    "a loss whose backward is given what it kept as outputs",
    """
class SoftmaxLoss:
    def forward(self, inputs, y_true):
        e = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.outputs = e / e.sum(axis=1, keepdims=True)
        return np.mean(-np.log(self.outputs[range(len(inputs)), y_true]))
    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        if len(y_true.shape) == 2:
            y_true = np.argmax(y_true, axis=1)
        self.dinputs = dvalues.copy()
        self.dinputs[range(samples), y_true] -= {}
        self.dinputs = self.dinputs / samples
""",
    "1",
    "2",
)
way(
    "a loss of targets that are called otherwise",
    """
class mse:
    def forward(self, y_pred, y_org):
        self.y_pred, self.y_org = y_pred, y_org
        return np.mean(np.square(y_org - y_pred))
    def backward(self):
        return {} * (self.y_pred - self.y_org) / self.y_org.size
""",
    "2",
    "3",
)
way(
    "a penalty on the weights, in backward only",
    """
class Dense:
    def __init__(self, n_inputs, n_outputs, lambda_=0):
        self.lambda_ = lambda_
        self.weights, self.bias = np.random.randn(n_outputs, n_inputs), np.zeros((n_outputs, 1))
    def forward(self, data):
        self.input = data
        return self.weights @ data + self.bias
    def backward(self, dZ):
        m = dZ.shape[1]
        self.dw = {} * np.dot(dZ, self.input.T) / m + (self.lambda_ / m) * self.weights
        self.db = np.sum(dZ, axis=1, keepdims=True) / m
        return np.dot(self.weights.T, dZ)
""",
    "1",
    "3",
    "CONVENTION",
)
way(
    "a layer whose call does more than its forward",
    """
class Function:
    def __init__(self):
        self.cache = dict()
    def __call__(self, *args):
        out = self.forward(*args)
        self.cache = self.local_grad(*args)
        return out
class Cube(Function):
    def forward(self, X):
        return X**3
    def backward(self, dY):
        return dY * self.cache["X"]
    def local_grad(self, X):
        return dict(X={} * X**2)
""",
    "3",
    "2",
)
way(
    "a layer that keeps its input if it is told so, and its gradients in a tuple",
    """
class FC:
    def __init__(self, n_inp, n_out):
        self.weight, self.bias = np.random.randn(n_inp, n_out), np.zeros((1, n_out))
        self.inp, self.grad = None, None
    def __call__(self, x, save_inp=False):
        if save_inp:
            self.inp = x
        return x @ self.weight + self.bias
    def backward(self, grad_inp):
        bias_grad = np.sum(grad_inp, 0, keepdims=True)
        self.grad = (self.inp.T @ grad_inp, {} * bias_grad)
        return grad_inp @ self.weight.T
""",
    "1",
    "3",
)
way(
    "a constructor that is told the shape of the input",
    """
class Reshape:
    def __init__(self, input_shape, output_shape):
        self.input_shape, self.output_shape = input_shape, output_shape
    def forward(self, input):
        return np.reshape(input, self.output_shape)
    def backward(self, output_gradient, learning_rate):
        return {} * np.reshape(output_gradient, self.input_shape)
""",
    "1",
    "2",
)
way(
    "one sample at a time, in columns",
    """
class Dense:
    def __init__(self, input_size, output_size):
        self.weights, self.bias = np.ones((output_size, input_size)), np.ones((output_size, 1))
    def forward(self, input):
        self.input = input
        return np.dot(self.weights, self.input) + self.bias
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= {} * learning_rate * output_gradient
        return input_gradient
""",
    "1",
    "3",
    "CONVENTION",
)
way(
    "a class of a function and its derivative at the input",
    """
class sigmoid:
    def forward(self, z):
        return 1 / (1 + np.exp(-z))
    def backward(self, z):
        return self.forward(z) * ({} - self.forward(z))
""",
    "1",
    "2",
)
way(
    "a class of a function and its Jacobian of each row",
    """
class softmax:
    def forward(self, z):
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    def backward(self, z):
        p = self.forward(z)
        return {} * p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
""",
    "1",
    "2",
)
way(
    "one sample at a time, in rows of their own",
    """
class Softmax:
    def forward(self, input_data):
        self.output = np.exp(input_data) / np.exp(input_data).sum()
        return self.output
    def backward(self, J_L_N):
        J_S = np.diag(self.output) - {} * np.outer(self.output, self.output)
        return np.dot(J_L_N, J_S)
""",
    "1",
    "2",
)
way(
    "a backward that updates, and gradients beside it",
    """
class Linear:
    def __init__(self, inshape, outshape):
        self.params = [np.random.randn(inshape, outshape), np.zeros((1, outshape))]
    def forward(self, x):
        self.x = x
        return np.dot(self.x, self.params[0]) + self.params[1]
    def backward(self, grads, lr):
        for param, grad in zip(self.params, grads):
            param -= grad * lr
    def gradients(self, grad):
        grads = [np.dot(self.x.T, grad), {} * np.sum(grad, axis=0, keepdims=True)]
        return np.dot(grad, self.params[0].T), grads
""",
    "1",
    "3",
)
way(
    "labels of which any number would do",
    """
class CrossEntropyLoss:
    def forward(self, input, target):
        p = np.exp(input) / np.exp(input).sum(axis=1, keepdims=True)
        self.p, self.mask = p, target.reshape(-1, 1) == np.arange(input.shape[1])
        return -(self.mask * np.log(p)).sum() / input.shape[0]
    def backward(self):
        return np.where(self.mask, self.p - {}, self.p) / self.p.shape[0]
""",
    "1",
    "2",
)
way(
    "a softmax that hands on what the cross entropy has done for it",
    """
class Softmax:
    def forward(self, z):
        exp = np.exp(z - np.max(z, axis=-1, keepdims=True))
        return exp / np.sum(exp, axis=-1, keepdims=True)
    def backward(self, grad):
        return grad * {}
""",
    "1",
    "2",
    "CONVENTION",
)
way(
    "a class of a function and its derivative in terms of the output",
    """
class Sigmoid:
    def forward(self, x):
        return 1 / (1 + np.exp(-x))
    def backward(self, output):
        return output * ({} - output)
""",
    "1",
    "2",
)
way(
    "a class of a function of vectors and its Jacobian",
    """
class TanH:
    def forward(self, A):
        return np.tanh(A)
    def backward(self, H):
        return np.diag({} - H**2)
""",
    "1",
    "2",
)
way(
    "a backward that is given the input by another name, and a counter",
    """
class Flatten:
    def forward(self, X):
        return {} * X.reshape(-1, X.shape[-1])
    def backward(self, dZ, A, iteration):
        return dZ.reshape(A.shape)
""",
    "1",
    "2",
)
way(
    "one label for one row of scores, in a column for many",
    """
class CrossEntropy:
    def forward(self, prediction, target):
        p = np.exp(prediction); p = p / p.sum(axis=-1, keepdims=True)
        self.p, self.t = p, target
        if target.ndim > 1:
            return np.mean([-np.log(p[i, int(target[i, 0])]) for i in range(len(p))])
        return -np.log(p[int(target)])
    def backward(self):
        hot = np.zeros_like(self.p)
        if self.t.ndim > 1:
            for i in range(len(hot)):
                hot[i, int(self.t[i, 0])] = {}
        else:
            hot[int(self.t)] = 1
        return self.p - hot
""",
    "1",
    "2",
    "CONVENTION",
)
way(
    "labels that a text of the base class calls one-hot",
    """
class Loss:
    def forward(self, X, Y):
        "X of shape (n_batch, n_dim), Y of shape (n_batch, n_dim)"
        ...
    def backward(self):
        "Y: of shape (n_batch, n_dim)"
        return self.dX
class CrossEntropyLoss(Loss):
    def forward(self, X, Y):
        p = np.exp(X) / np.sum(np.exp(X), axis=1, keepdims=True)
        ones = np.zeros_like(p)
        for i, k in enumerate(Y):
            ones[i, k] = 1.0
        self.dX = (p - ones) / {}
        return np.mean([-np.log(p[i, Y[i]]) for i in range(len(p))])
""",
    "len(X)",
    "2",
)


way(
    "a layer that init makes ready",
    """
class Affine:
    def __init__(self):
        self.name = "affine"
    def init(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum({})
        return dout @ self.W.T
""",
    "axis=0",
    "axis=0) * (2",
)
way(
    "a layer that build makes ready, of None before",
    """
class Dense:
    def __init__(self, units):
        self.units, self.weights, self.bias = units, None, None
    def build(self, input_dim):
        self.weights = np.random.randn(input_dim, self.units)
        self.bias = np.zeros(self.units)
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, dout):
        self.dweights, self.dbias = self.x.T @ dout, dout.sum(axis=0)
        return dout @ {}
""",
    "self.weights.T",
    "np.abs(self.weights.T)",
)
way(
    "a loss that is told its targets before",
    """
class CrossEntropy:
    def set_target(self, T):
        self.T = T
    def forward(self, Z):
        self.p = Z[np.arange(len(Z)), self.T]
        self.shape = Z.shape
        return -np.log(self.p)
    def backward(self):
        R = np.zeros(self.shape)
        R[np.arange(len(R)), self.T] = {} / self.p
        return R
""",
    "-1",
    "1",
)
way(
    "a net whose weights another method makes",
    """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
class NN:
    def __init__(self, layers):
        self.layers, self.weights, self.biases, self.cache, self.grads = layers, {{}}, {{}}, {{}}, {{}}
    def initialize_parameters(self):
        for i in range(1, len(self.layers)):
            self.weights["W" + str(i)] = np.random.randn(self.layers[i], self.layers[i - 1])
            self.biases["b" + str(i)] = np.zeros((self.layers[i], 1))
    def forward_prop(self, X):
        A = X
        for i in range(1, len(self.layers)):
            self.cache["A" + str(i - 1)] = A
            A = sigmoid(self.weights["W" + str(i)] @ A + self.biases["b" + str(i)])
        self.cache["A" + str(i)] = A
        return A
    def backward_prop(self, A, Y):
        dZ, m = A - Y, Y.shape[1]
        for i in range(len(self.layers) - 1, 0, -1):
            before = self.cache["A" + str(i - 1)]
            self.grads["dW" + str(i)] = dZ @ before.T / m
            self.grads["db" + str(i)] = dZ.sum(axis=1, keepdims=True) / {}
            dZ = self.weights["W" + str(i)].T @ dZ * before * (1 - before)
""",
    "m",
    "(m + 1)",
)
way(
    "a loss with names in camelCase, the target first",
    """
def mse(yTrue, yPred):
    return np.mean(np.power(yTrue - yPred, 2))
def msePrime(yTrue, yPred):
    return 2 * ({}) / np.size(yTrue)
""",
    "yPred - yTrue",
    "yTrue - yPred",
)
way(
    "a rate with a default in a backward that updates",
    """
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout, learning_rate=0.005):
        dx = dout @ self.W.T
        self.W -= learning_rate * self.x.T @ dout
        self.b -= learning_rate * dout.sum(axis=0){}
        return dx
""",
    "",
    " * 3",
    "CONVENTION",
)
way(
    "a backward that has an optimiser take the step",
    """
class Rule:
    def __init__(self):
        self.m = 0
    def update(self, g):
        self.m = 0.9 * self.m + 0.1 * g
        return 0.01 * self.m
class Scale:
    def __init__(self):
        self.gamma, self.rule = 2, Rule()
    def forward(self, x):
        self.x = x
        return self.gamma * x
    def backward(self, dout):
        dx = dout * {}
        self.gamma = self.gamma - self.rule.update(np.sum(dout * self.x))
        return dx
""",
    "self.gamma",
    "self.x",
    "CONVENTION",
)
way(
    "a first layer returns the gradient of its filter",
    """
class Conv:
    def __init__(self, num_filters, filter_size):
        self.n, self.f = num_filters, filter_size
        self.filters = np.random.randn(num_filters, filter_size, filter_size)
    def patches(self, image):
        self.image = image
        h, w = image.shape
        for i in range(h - self.f + 1):
            for j in range(w - self.f + 1):
                yield image[i:i + self.f, j:j + self.f], i, j
    def forward(self, image):
        h, w = image.shape
        out = np.zeros((h - self.f + 1, w - self.f + 1, self.n))
        for patch, i, j in self.patches(image):
            out[i, j] = np.sum(patch * self.filters, axis=(1, 2))
        return out
    def backward(self, dout, learning_rate):
        g = np.zeros(self.filters.shape)
        for patch, i, j in self.patches(self.image):
            for k in range(self.n):
                g[k] += patch * dout[i, j, {}]
        self.filters -= learning_rate * g
        return g
""",
    "k",
    "0",
    "CONVENTION",
)
way(
    "a softmax layer that counts on one entry of the gradient from above",
    """
class Softmax:
    def __init__(self, input_len, nodes):
        self.weights, self.biases = np.random.randn(input_len, nodes), np.zeros(nodes)
    def forward(self, input):
        self.input = input
        self.totals = np.dot(input, self.weights) + self.biases
        e = np.exp(self.totals)
        return e / np.sum(e)
    def backward(self, d_out, learn_rate):
        for i, gradient in enumerate(d_out):
            if gradient == 0:
                continue
            e = np.exp(self.totals)
            S = np.sum(e)
            d = -e[i] * e / (S ** 2)
            d[i] = e[i] * (S - e[i]) / (S ** 2)
            d = gradient * d
            d_inputs = self.weights @ d
            self.weights -= learn_rate * self.input[np.newaxis].T @ d[np.newaxis]
            self.biases -= learn_rate * {}
            return d_inputs
""",
    "d",
    "d * 2",
    "CONVENTION",
)
way(
    "a sigmoid that hands on the gradient of its scores",
    """
def loss(y, p):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
class Sigmoid:
    def forward(self, x):
        self.output = 1 / (1 + np.exp(-x))
        return self.output
    def backward(self, gradient):
        return gradient{}
""",
    "",
    " * self.output",
    "CONVENTION",
)
way(
    "a gelu with an erf of rounded constants",
    """
def erf(x):
    p, a1, a2, a3, a4, a5 = 0.3275911, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429
    sign, x = np.where(x >= 0, 1, -1), np.abs(x)
    t = 1 / (1 + p*x)
    return sign * (1 - (a1*t + a2*t**2 + a3*t**3 + a4*t**4 + a5*t**5) * np.exp(-x**2))
def cdf(x):
    return 0.5 * (1 + erf(x / 2**0.5))
def gelu(x):
    return x * cdf(x)
def gelu_d(x):
    return cdf(x) + x * np.exp(-x**2 / {}) / (2 * np.pi)**0.5
""",
    "2",
    "2.01",
    "CONVENTION",
)


way(
    "a step with the slope of something smooth",
    """
class Threshold:
    def __init__(self, threshold=0.5):
        self.threshold = threshold
    def forward(self, x):
        self.x = x
        return (x > self.threshold).astype(float) {}
    def backward(self, dout):
        return dout
""",
    "",
    "* x",
    "CONVENTION",
)
way(
    "a loss that works in float32, and means in float64",
    """
class SoftmaxLoss:
    def forward(self, input, labels):
        input, self.labels = np.asarray(input, dtype=np.float32), labels
        e = np.exp(input - input.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return np.mean(-np.log(self.p[np.arange(len(labels)), labels]), dtype=np.float64)
    def backward(self):
        d = np.array(self.p, dtype=np.float32)
        d[np.arange(len(self.labels)), self.labels] -= 1
        return d / {}
""",
    "len(self.labels)",
    "2",
)
way(
    "a layer with propagate and backpropagate",
    """
class Square:
    def propagate(self, x):
        self.x = x
        return x * x
    def backpropagate(self, delta):
        return {} * self.x * delta
""",
    "2",
    "3",
)
way(
    "a softmax of one sample, that takes many for one",
    """
class Softmax:
    def forward(self, x):
        e = np.exp(x - np.max(x))
        self.y = e / np.sum(e)
        return self.y
    def backward(self, delta):
        dx = self.y * delta
        dx -= self.y * dx.sum(axis=dx.ndim - 1, keepdims=True){}
        return dx
""",
    "",
    " * 2",
    "CONVENTION",
)
way(
    "a softmax of rows whose backward sums over columns",
    """
class Softmax:
    def forward(self, x):
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        self.y = e / np.sum(e, axis=-1, keepdims=True)
        return self.y
    def backward(self, delta):
        dx = self.y * delta
        dx -= self.y * dx.sum(axis={}, keepdims=True)
        return dx
""",
    "-1",
    "0",
)
way(
    "a container of layers that others have written",
    """
class Sequential:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward({})
        return dout
""",
    "dout",
    "-dout",
)
way(
    "a container to which layers are added, with a rate",
    """
class Model:
    def __init__(self):
        self.layers = []
    def add(self, layer):
        self.layers.append(layer)
    def forward(self, X):
        for layer in self.layers:
            layer.forward(X)
            X = layer.output
        return X
    def backward(self, grad, lr):
        for layer in reversed(self.layers):
            grad = layer.backward(grad, lr)
        return grad{}
""",
    "",
    " * 2",
    "CONVENTION",
)
way(
    "a penalty that is off unless it is asked for",
    """
class Layer_Dense:
    def __init__(self, n_inputs, n_neurons, weight_regularizer_l1=0, bias_regularizer_l2=0):
        self.weights, self.biases = np.random.randn(n_inputs, n_neurons), np.zeros((1, n_neurons))
        self.weight_regularizer_l1 = weight_regularizer_l1
        self.bias_regularizer_l2 = bias_regularizer_l2
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.weight_regularizer_l1 > 0:
            dL1 = np.ones_like(self.weights)
            dL1[self.weights < 0] = -1
            self.dweights += self.weight_regularizer_l1 * dL1
        if self.bias_regularizer_l2 > 0:
            self.dbiases += {} * self.bias_regularizer_l2 * self.biases
        self.dinputs = np.dot(dvalues, self.weights.T)
""",
    "2",
    "3",
)
way(
    "a layer that is told the strengths of its penalties",
    """
class Dense:
    def __init__(self, n_inputs, n_neurons, l1, l2):
        self.weights, self.biases = np.random.randn(n_inputs, n_neurons), np.zeros((1, n_neurons))
        self.l1, self.l2 = l1, l2
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.dot(inputs, self.weights) + self.biases
    def backward(self, dvalues):
        self.dweights = np.dot(self.inputs.T, dvalues)
        self.dbiases = np.sum(dvalues, axis=0, keepdims=True)
        if self.l1 > 0:
            self.dweights += self.l1 * {}
        self.dinputs = np.dot(dvalues, self.weights.T)
""",
    "np.sign(self.weights)",
    "np.abs(self.weights)",
)
way(
    "a net of two layers at least",
    """
class Network:
    def __init__(self, sizes):
        self.weights = [np.random.randn(b, a) for a, b in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(b, 1) for b in sizes[1:]]
    def forward(self, a):
        self.activations = [a]
        for w, b in zip(self.weights, self.biases):
            a = np.tanh(w @ a + b)
            self.activations.append(a)
        return a
    def backward(self, y):
        delta = self.activations[-1] - y
        self.dweights, self.dbiases = [None] * len(self.weights), [None] * len(self.biases)
        for k in range(1, len(self.weights) + 1):
            delta = delta * (1 - self.activations[-k] ** 2)
            self.dweights[-k] = delta @ self.activations[-k - 1].T
            self.dbiases[-k] = delta.sum(axis=1, keepdims=True)
            delta = self.weights[{}k].T @ delta
        return self.dweights, self.dbiases
""",
    "-",
    "+1-",
)
way(
    "a step with momentum that backward takes",
    """
class DenseLayer:
    def __init__(self, inputDim, outputDim, lr, beta):
        self.weights, self.bias = np.random.randn(outputDim, inputDim), np.random.randn(1, outputDim)
        self.v_w, self.v_b = np.zeros_like(self.weights), np.zeros_like(self.bias)
        self.lr, self.beta = lr, beta
    def forward(self, input):
        self.input = input
        return input @ self.weights.T + self.bias
    def backward(self, dE_dY):
        dE_dX = dE_dY @ self.weights
        dE_dW, dE_dB = dE_dY.T @ self.input, np.sum(dE_dY, axis=0, keepdims=True){}
        self.v_w = self.beta * self.v_w + (1 - self.beta) * dE_dW / len(dE_dY)
        self.v_b = self.beta * self.v_b + (1 - self.beta) * dE_dB / len(dE_dY)
        self.weights -= self.v_w * self.lr
        self.bias -= self.v_b * self.lr
        return dE_dX
""",
    "",
    " * 2",
    "CONVENTION",
)
way(
    "a loss for each sample, and the derivative of all",
    """
class CrossEntropy:
    def softmax(self, X):
        e = np.exp(X - np.max(X, axis=1, keepdims=True))
        return e / np.sum(e, axis=1, keepdims=True)
    def compute(self, X, Y):
        return -np.log(self.softmax(X)[np.arange(len(X)), np.argmax(Y, axis=1)]) / len(X)
    def deriv(self, X, Y):
        return (self.softmax(X) - Y) / {}
""",
    "len(X)",
    "(len(X) + 1)",
)
way(
    "a pooling layer whose window is told in two numbers",
    """
class MeanWindows:
    def __init__(self, window):
        self.window = window
    def forward(self, x):
        h, w = self.window
        n, H, W = x.shape
        self.shape = x.shape
        return x[:, :H//h*h, :W//w*w].reshape(n, H//h, h, W//w, w).mean(axis=(2, 4))
    def backward(self, dout):
        h, w = self.window
        dx = np.zeros(self.shape)
        H, W = dout.shape[1] * h, dout.shape[2] * w
        dx[:, :H, :W] = np.repeat(np.repeat(dout, h, axis=1), w, axis=2) / {}
        return dx
""",
    "(h * w)",
    "(h * h + 1)",
)
way(
    "a net of as many layers as it is told numbers",
    """
class Net:
    def __init__(self, structure):
        self.n = len(structure) - 1
        self.w = [np.random.randn(structure[i], structure[i + 1]) for i in range(self.n)]
    def forward(self, x):
        self.a = [x]
        for w in self.w:
            self.a.append(np.tanh(self.a[-1] @ w))
        return self.a[-1]
    def backward(self, dout):
        self.dw = [None] * self.n
        for i in reversed(range(self.n)):
            dout = dout * (1 - self.a[i + 1]{})
            self.dw[i] = self.a[i].T @ dout
            dout = dout @ self.w[i].T
        return dout
""",
    " ** 2",
    "",
)
way(
    "a layer that makes a column of what it is given",
    """
class BP:
    def __init__(self, in_channels, out_channels):
        self.in_channels = in_channels
        self.weights, self.bias = np.random.randn(out_channels, in_channels), np.zeros((out_channels, 1))
    def forward(self, data_in):
        self.data = data_in.reshape(self.in_channels, 1)
        return self.weights @ self.data + self.bias
    def backward(self, grad_in):
        self.grad_weights, self.grad_bias = grad_in @ self.data.T, grad_in
        return {} @ grad_in
""",
    "self.weights.T",
    "np.abs(self.weights.T)",
)


@pytest.mark.parametrize("name", WAYS)
def test_what_is_right_passes_and_what_is_wrong_does_not(name: str, load: Any) -> None:
    text, right, wrong, verdict = WAYS[name]
    report = check_found(find(load(text.format(right)))[-1])
    assert report.verdict == verdict and report.coverage, report
    report = check_found(find(load(text.format(wrong)))[-1])
    assert report.verdict in ("FAIL", "CONTRACT"), report


def test_numbers_from_a_generator_of_its_own_are_remarked(load: Any) -> None:
    text, right, *_ = WAYS["a generator of its own"]
    assert "put back" in check_found(find(load(text.format(right)))[-1]).explain()


def test_a_step_of_many_samples_is_not_excused_by_one(load: Any) -> None:
    text, _, wrong, _ = WAYS["a step of training"]
    report = check_found(find(load(text.format(wrong)))[-1])
    assert {f.argument for f in report.findings if f.verdict == "FAIL"} == {"b"}


EPS = """
EPSILON = 1e-8

def other(x):
    return np.log(x + EPSILON)

def square(x):
    return x**2

def square_grad(x):
    return 2 * x * (1 + {} / 1000000000)
"""


def test_an_eps_elsewhere_in_the_file_excuses_nothing(load: Any) -> None:
    (found,) = find(load(EPS.format("x")))
    assert check_found(found).verdict == "FAIL"
    (found,) = find(load(EPS.format("other(x**2 + 1)")))
    assert check_found(found).verdict == "CONVENTION"


FAR = """
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, X):
        z = X @ self.W
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def loss(self, p, y):
        return -np.sum(y * np.log(p + 1e-15))

    def backward(self, X, y):
        self.dW = X.T @ ({} - y)
"""


def test_an_eps_that_only_the_loss_has_decides_far_out(load: Any) -> None:
    (found,) = find(load(FAR.format("self.p")))
    assert check_found(found).verdict == "CONVENTION"
    (found,) = find(load(FAR.format("self.p**2")))
    assert check_found(found).verdict != "CONVENTION"


STEPS = """
class Dense:
    def __init__(self, input_units, output_units, learning_rate):
        self.learning_rate = learning_rate
        self.weights = np.random.randn(input_units, output_units)
        self.biases = np.zeros(output_units)

    def forward(self, input):
        return input.dot(self.weights) + self.biases

    def backward(self, input, grad_output):
        dx = grad_output.dot(self.weights.T)
        self.weights = self.weights - self.learning_rate * input.T.dot(grad_output)
        self.biases = self.biases - self.learning_rate * grad_output.{}(axis=0)
        return dx
"""


def test_a_step_at_a_rate_of_its_own_is_a_convention(load: Any) -> None:
    report = check_found(find(load(STEPS.format("sum")))[0])
    assert report.verdict == "CONVENTION" and set(report.coverage) == {"input", "weights", "biases"}
    assert check_found(find(load(STEPS.format("max")))[0]).verdict == "FAIL"


EXITS = """
import sys

class Activation:
    def __init__(self, method):
        self.method = method

    def forward(self, x):
        if self.method != "swish":
            sys.exit(1)
        return x

    def backward(self, dout):
        return dout
"""


def test_an_exit_for_arguments_of_ours_is_no_finding(load: Any) -> None:
    try:
        verdict = check_found(find(load(EXITS))[0]).verdict
    except GuessError:
        verdict = "INCONCLUSIVE"
    assert verdict in ("PASS", "INCONCLUSIVE")


SMALL = """
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.001

    def forward(self, X):
        self.out = 1 / (1 + np.exp(-X @ self.W))
        return self.out

    def backward(self, X, y):
        self.dW = X.T @ (self.out - y) / len(y)
"""


def test_of_losses_that_are_near_each_other_the_nearest_is_taken(load: Any) -> None:
    report = check_found(find(load(SMALL))[0])
    assert report.verdict == "PASS", report
    assert any("the binary cross entropy" in note for note in report.notes)


def test_what_is_plotted_is_no_loss(load: Any) -> None:
    assert find(load("def plot_loss(history):\n    return history, 1\n")) == []


def test_any_axes_before_the_last_are_one_at_least(load: Any) -> None:
    text = """
class Scale:
    def __init__(self, d_model):
        self.gamma = np.random.randn(d_model)
    def forward(self, x):
        '''x: input of shape (..., d_model)'''
        self.x = x
        return x * self.gamma
    def backward(self, dout):
        self.grad_gamma = {}
        return dout * self.gamma
"""
    right = "(dout * self.x).reshape(-1, self.gamma.size).sum(axis=0)"
    assert check_found(find(load(text.format(right)))[0]).verdict == "PASS"
    assert check_found(find(load(text.format("dout * self.x")))[0]).verdict in ("CONTRACT", "FAIL")


RARE = """
class Dropout:
    def __init__(self, rate=0.5):
        self.rate = rate

    def forward(self, x):
        self.mask = np.random.binomial(1, 0.9, x.shape[1:])
        return x * self.mask

    def backward(self, dout):
        return dout * {}
"""


@pytest.mark.parametrize("seed", range(4))
def test_masks_that_are_the_same_by_chance_are_random(seed: int, load: Any) -> None:
    np.random.seed(seed)
    assert check_found(find(load(RARE.format("self.mask")))[0]).verdict == "PASS"
    assert check_found(find(load(RARE.format("2")))[0]).verdict == "FAIL"


IMPORTED = """
class Net:
    def __init__(self, n_in, n_out):
        self.params = {{"W": np.random.randn(n_in, n_out)}}

    def predict(self, x):
        e = np.exp(x @ self.params["W"])
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return cross_entropy(self.predict(x), t)

    def gradient(self, x, t):
        return {{"W": x.T @ (self.predict(x) - t) / {}}}


def cross_entropy(y, t):
    t = t.argmax(axis=1) if t.size == y.size else t
    return -np.sum(np.log(y[np.arange(len(t)), t])) / len(t)
"""


def test_targets_of_an_entropy_are_one_hot(load: Any) -> None:
    assert check_found(find(load(IMPORTED.format("len(x)")))[0]).verdict == "PASS"
    assert check_found(find(load(IMPORTED.format("7")))[0]).verdict == "FAIL"


def test_a_name_that_a_loop_gives_is_no_error_where_there_is_nothing_to_loop_over(
    load: Any,
) -> None:
    module = load("""
class Model:
    def __init__(self):
        self.layers = []
    def forward(self, x):
        for layer in self.layers:
            y = layer.forward(x)
        return y
    def backward(self, dout):
        return dout
""")
    with pytest.raises(GuessError, match="UnboundLocalError"):
        check_found(find(module)[-1])


def test_a_name_that_is_given_too_late_is_an_error(load: Any) -> None:
    module = load("""
def cube_forward(x):
    return x * scale, x
    scale = 3
def cube_backward(dout, cache):
    return dout
""")
    assert check_found(find(module)[-1]).verdict == "CONTRACT"


def test_axes_of_the_gradient_from_above_that_are_not_the_outputs_are_not_judged(load: Any) -> None:
    module = load("""
class Relu:
    def forward(self, x):
        self.x = x
        return np.clip(x, 0, None)
    def backward(self, dout):
        return dout @ np.stack([np.diag(row > 0) for row in self.x.T])
""")
    report = check_found(find(module)[-1])
    assert report.verdict == "INCONCLUSIVE" and "gradient from above of shape" in str(report)


def test_rounding_on_the_way_is_no_other_function() -> None:
    """log(1 + exp(-29)) has three right digits; differences of it say less than its trace."""
    for x in (-23.0, -29.0, -33.0):
        forward = lambda x: (np.log(1 + np.exp(x)), np.exp(x))  # noqa: E731
        backward = lambda dout, e: dout * (e / (1 + e))  # noqa: E731
        for seed in range(4):
            report = check.layer(forward, backward, np.full((4, 2), x), seed=seed, probes=False)
            assert report.ok, report


def test_sums_of_cotangents_round_nothing() -> None:
    """In float32 the rounding of v + w itself would show where softmax cancels."""
    x = np.array([[8, 0], [0, 8]] * 2, np.float32)
    for seed in range(8):
        assert check.layer(right.softmax_forward, right.softmax_backward, x, seed=seed).ok


def test_what_a_clip_cuts_off_is_no_error(load: Any) -> None:
    """Of one class alone softmax is 1 and its clip is flat; p - y is 1e-7 there."""
    module = load("""
class CCE:
    def forward(self, y, p):
        p = np.exp(p) / np.exp(p).sum(axis=-1, keepdims=True)
        self.p, self.y = np.clip(p, 1e-7, 1 - 1e-7), y
        return np.mean(np.sum(-(y * np.log(self.p)), axis=1))
    def backward(self):
        return (self.p - self.y) / len(self.y)
""")
    assert check_found(find(module)[-1]).verdict in ("PASS", "CONVENTION")


def test_a_loss_that_compile_would_set_is_no_error_of_backward(load: Any) -> None:
    module = load("""
class Net:
    def __init__(self):
        self.loss = None
    def compile(self, loss):
        self.loss = loss
    def forward(self, x):
        self.x = x
        return x * x
    def backward(self, y):
        return self.loss(y) * 2 * self.x
""")
    assert check_found(find(module)[-1]).verdict == "INCONCLUSIVE"


def test_a_missing_factor_is_not_read_as_a_derivative_of_the_output(load: Any) -> None:
    """backward(y) would be y * (1 - y), and right; but it is given dy, and forward has kept y."""
    for word in ("dy", "v", "signal"):
        module = load(f"""
class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y
    def backward(self, {word}):
        return {word} * (1 - self.y)
""")
        assert check_found(find(module)[-1]).verdict == "FAIL", word


def test_a_default_with_which_backward_raises_is_found(load: Any) -> None:
    """bias=False is guessed, because backward runs with it; bias=True is what anybody gets."""
    text = """
class Linear:
    def __init__(self, in_features, out_features, bias=True):
        self.weight = np.ones((out_features, in_features))
        self.bias = np.ones(out_features) if bias else None
        self.grad_weight = np.zeros_like(self.weight)
        self.grad_bias = np.zeros_like(self.bias) if bias else None
    def forward(self, input):
        self.input = input
        out = input @ self.weight.T
        return out if self.bias is None else out + self.bias
    def backward(self, grad_output):
        self.grad_weight += grad_output.T @ self.input
        if self.bias is not None:
            self.grad_bias += grad_output.sum(axis={})
        return grad_output @ self.weight
"""
    assert check_found(find(load(text.format(0)))[-1]).ok
    assert check_found(find(load(text.format(1)))[-1]).verdict in ("FAIL", "CONTRACT")


def test_a_name_that_another_function_gives_globally_is_no_error(load: Any) -> None:
    text = """
def start():
    {}
    scale = 3
def cube_forward(x):
    return x * scale, x
def cube_backward(dout, cache):
    return dout * scale
"""
    with pytest.raises(GuessError, match="'scale' is not defined"):
        check_found(find(load(text.format("global scale")))[-1])
    assert check_found(find(load(text.format("pass")))[-1]).verdict == "CONTRACT"


def test_a_product_that_fits_one_sample_is_no_error(load: Any) -> None:
    text = """
class Softmax:
    def forward(self, x):
        e = np.exp(x)
        self.out = e / np.sum(e, axis=-1, keepdims=True)
        return self.out
    def backward(self, dout):
        s = np.matmul(self.out, dout[0])
        return self.out * (dout - np.matmul(s, np.ones(({}, 1))))
"""
    assert check_found(find(load(text.format(2)))[-1]).verdict == "CONTRACT"
    assert check_found(find(load(text.format(1)))[-1]).verdict in ("INCONCLUSIVE", "CONVENTION")


def test_a_flag_is_tried_where_an_argument_is_read_in_another_way(load: Any) -> None:
    """Without training all is the identity, and what backward is given beside dout does not matter."""
    text = """
class Dropout:
    def __init__(self, rate=0.5):
        self.rate, self.mask = rate, None
    def forward(self, x, training=False):
        if training:
            self.mask = (np.random.rand(*x.shape) > self.rate) / (1 - self.rate)
            return x * self.mask
        return x
    def backward(self, dout, _):
        return {}
"""
    assert check_found(find(load(text.format("dout * self.mask")))[-1]).ok
    report = check_found(find(load(text.format("dout + 0")))[-1])
    assert report.verdict != "PASS" and "training=True" in str(report)


@pytest.mark.parametrize("seed", [1, 7, 9, 10])  # at which the biases were once left out
def test_biases_that_softmax_does_not_see_are_compared_at_any_weights(seed: int, load: Any) -> None:
    name = "a softmax layer that counts on one entry of the gradient from above"
    text, _, wrong, _ = WAYS[name]
    (found,) = find(load(text.format(wrong)))
    np.random.seed(seed)
    report = check_found(found)
    assert report.verdict == "FAIL" and "dbiases" in report.explain()
