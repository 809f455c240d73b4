from .engines import STYLES, changed

NUMBER = "e7"
KEYS = STYLES

STEP = "        p.data -= lr * p.grad\n"
WRONG = [
    ("MLP", "mlp_linear", changed((").tanh()", ")"))),
    ("MLP", "mlp_alike", changed(("rng.uniform(-1, 1)", "0.5"))),
    ("MLP", "mlp_alike", changed(("rng.uniform(-1, 1)", "0.0"))),
    ("MLP", "mlp_parameters", changed((" + self.out", "[:6]"))),
    ("MLP", "mlp_parameters", changed(("[p for row in self.hidden for p in row] + self.out", "[p.data for row in self.hidden for p in row]"))),
    ("MLP", "mlp_output", changed(("        return total\n", "        return total.data\n"))),
    ("MLP", "mlp_output", changed(("        return total\n", ""))),
    ("MLP", "mlp_changes", changed(("a, b = inputs", "a, b = inputs; self.out[0].data += 0.1"))),
    ("training_step", "ascent", changed(("p.data -= lr", "p.data += lr"))),
    ("training_step", "grads_kept", changed(("    for p in model.parameters():\n        p.grad = 0.0\n", ""))),
    ("training_step", "unchanged", changed((STEP, "        p.data - lr * p.grad\n"))),
    ("training_step", "unchanged", changed(("    loss.backward()\n", ""))),
    ("training_step", "one_parameter", changed(("    for p in model.parameters():\n" + STEP, "    for p in model.out:\n" + STEP))),
    ("training_step", "factor", changed(("loss = loss + error * error", "loss = loss + error * error * 0.25"))),
    ("training_step", "step_kind", changed(("return loss.data", "return loss"))),
    ("training_step", "step_loss", changed(("return loss.data", "return error.data"))),
    ("training_step", "step_wrong", changed(("loss = loss + error * error", "loss = error * error"))),
    ("training_step", "nothing", changed(("    return loss.data\n", ""))),
    ("training_step", "raises", changed(("p.grad = 0.0", "p.zero_grad()"))),
    ("learn_xor", "xor_half", changed(("training_step(model, 0.1)", "training_step(model, 0.0001)"), ("rng.uniform(-1, 1)) for _ in range(hidden", "rng.uniform(-1, 1) * 0 + (_ == hidden) * 0.5) for _ in range(hidden"))),
    ("learn_xor", "xor_not_learnt", changed(("range(300)", "range(1)"))),
    ("learn_xor", "xor_not_learnt", changed(("training_step(model, 0.1)", "training_step(model, 5.0)"))),
    ("learn_xor", "nothing", changed(("    return model\n", ""))),
    ("learn_xor", "xor_model", changed(("    return model\n", "    return 0.01\n"))),
    ("learn_xor", "xor_table", changed(("    return model\n", "    return Table()\n")) + "\n\nclass Table:\n    def __call__(self, x):\n        return Value(float(x[0] != x[1]))\n\n    def parameters(self):\n        return []\n"),
    ("training_step", "step_alone", changed(("p.data -= lr * p.grad", "p.data = -lr * p.grad"))),
    ("MLP", "mlp_bent", changed(("        return total\n", "        return total.tanh()\n"))),
    ("MLP", "mlp_bent", changed(("        return total\n", "        return total.relu()\n"))),
    ("MLP", "mlp_hidden", changed((" + self.out", " + self.out[:-1]"))),
    ("MLP", "mlp_seed", changed(("random.Random(seed)", "random.Random()"))),
    ("MLP", "mlp_seed", changed(("random.Random(seed)", "random.Random(7)"))),
]  # fmt: skip
