"""Optimisers as people write them, in all the ways in which they are called. Each is right."""

import numpy as np


# cs231n: one array, and a dict of settings
def sgd(w, dw, config=None):
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    w -= config["learning_rate"] * dw
    return w, config


def sgd_momentum(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    v = config["momentum"] * v - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config


def rmsprop(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("cache", np.zeros_like(w))
    rate = config["decay_rate"]
    config["cache"] = rate * config["cache"] + (1 - rate) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w, dw, config=None):
    config = {} if config is None else config
    for name, start in (
        ("learning_rate", 1e-3),
        ("beta1", 0.9),
        ("beta2", 0.999),
        ("epsilon", 1e-8),
    ):
        config.setdefault(name, start)
    config.setdefault("m", np.zeros_like(w))
    config.setdefault("v", np.zeros_like(w))
    config.setdefault("t", 0)
    config["t"] += 1
    config["m"] = config["beta1"] * config["m"] + (1 - config["beta1"]) * dw
    config["v"] = config["beta2"] * config["v"] + (1 - config["beta2"]) * dw**2
    m = config["m"] / (1 - config["beta1"] ** config["t"])
    v = config["v"] / (1 - config["beta2"] ** config["t"])
    return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config


# dicts of parameters, gradients as dW1, memory given and returned
def update_parameters_with_adam(
    parameters, grads, v, s, t, learning_rate=0.01, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    for key in parameters:
        d = "d" + key
        v[d] = beta1 * v[d] + (1 - beta1) * grads[d]
        s[d] = beta2 * s[d] + (1 - beta2) * grads[d] ** 2
        step = v[d] / (1 - beta1**t) / (np.sqrt(s[d] / (1 - beta2**t)) + epsilon)
        parameters[key] = parameters[key] - learning_rate * step
    return parameters, v, s


def momentum_as_mean(params, grads, velocity, lr=0.1, beta=0.9):
    for i, g in enumerate(grads):
        velocity[i] = beta * velocity[i] + (1 - beta) * g
        params[i] = params[i] - lr * velocity[i]
    return params, velocity


# classes with update(params, grads), numbers in the code
class Momentum:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(x) for key, x in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class Nesterov:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(x) for key, x in params.items()}
        for key in params:
            before = self.v[key]
            self.v[key] = self.momentum * before - self.lr * grads[key]
            params[key] += -self.momentum * before + (1 + self.momentum) * self.v[key]


class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr, self.h = lr, None

    def update(self, params, grads):
        if self.h is None:
            self.h = {key: np.zeros_like(x) for key, x in params.items()}
        for key in params:
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.iter, self.m = lr, beta1, beta2, 0, None

    def update(self, params, grads):
        if self.m is None:
            self.m = {key: np.zeros_like(x) for key, x in params.items()}
            self.v = {key: np.zeros_like(x) for key, x in params.items()}
        self.iter += 1
        lr = self.lr * np.sqrt(1 - self.beta2**self.iter) / (1 - self.beta1**self.iter)
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            params[key] -= lr * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)


# PyTorch's manner
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.params, self.lr, self.betas, self.eps, self.wd = (
            list(params),
            lr,
            betas,
            eps,
            weight_decay,
        )
        self.t, self.m, self.v = 0, [0.0 for _ in self.params], [0.0 for _ in self.params]

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for i, p in enumerate(self.params):
            p.data = p.data - self.lr * self.wd * p.data
            self.m[i] = b1 * self.m[i] + (1 - b1) * p.grad
            self.v[i] = b2 * self.v[i] + (1 - b2) * p.grad**2
            m, v = self.m[i] / (1 - b1**self.t), self.v[i] / (1 - b2**self.t)
            p.data = p.data - self.lr * m / (np.sqrt(v) + self.eps)


# the manner of "Neural Networks from Scratch"
class Optimizer_RMSprop:  # noqa: N801
    def __init__(self, learning_rate=0.001, decay=0.0, epsilon=1e-7, rho=0.9):
        self.learning_rate = self.current_learning_rate = learning_rate
        self.decay, self.iterations, self.epsilon, self.rho = decay, 0, epsilon, rho

    def pre_update_params(self):
        if self.decay:
            self.current_learning_rate = self.learning_rate / (1 + self.decay * self.iterations)

    def update_params(self, layer):
        if not hasattr(layer, "weight_cache"):
            layer.weight_cache = np.zeros_like(layer.weights)
            layer.bias_cache = np.zeros_like(layer.biases)
        rho, lr, eps = self.rho, self.current_learning_rate, self.epsilon
        layer.weight_cache = rho * layer.weight_cache + (1 - rho) * layer.dweights**2
        layer.bias_cache = rho * layer.bias_cache + (1 - rho) * layer.dbiases**2
        layer.weights += -lr * layer.dweights / (np.sqrt(layer.weight_cache) + eps)
        layer.biases += -lr * layer.dbiases / (np.sqrt(layer.bias_cache) + eps)

    def post_update_params(self):
        self.iterations += 1


# an array and its gradient, one object each
class RMSProp:
    def __init__(self, lr=0.001, rho=0.9, eps=1e-6):
        self.lr, self.rho, self.eps, self.s = lr, rho, eps, 0.0

    def update(self, w, grad_w):
        self.s = self.rho * self.s + (1 - self.rho) * grad_w**2
        return w - self.lr * grad_w / np.sqrt(self.s + self.eps)


SAID = {
    sgd: "SGD",
    sgd_momentum: "Keras's SGD with momentum: lr inside the velocity",
    rmsprop: "PyTorch's RMSprop: √s + eps",
    adam: "PyTorch's Adam: eps inside the bias correction",
    update_parameters_with_adam: "PyTorch's Adam: eps inside the bias correction",
    momentum_as_mean: "SGD with momentum: the velocity is a mean, β·v + (1 - β)·g",
    Momentum: "Keras's SGD with momentum: lr inside the velocity",
    Nesterov: "Keras's SGD with Nesterov momentum: lr inside the velocity",
    AdaGrad: "PyTorch's Adagrad: √s + eps",
    Adam: "Keras's Adam: eps outside the bias correction",
    AdamW: "PyTorch's AdamW: eps inside the bias correction; p·(1 - lr·λ)",
    Optimizer_RMSprop: "PyTorch's RMSprop: √s + eps",
    RMSProp: "Keras's RMSprop: √(s + eps)",
}
