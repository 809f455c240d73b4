from .engines import CLOSURES, STYLES, changed

NUMBER = "e6"
KEYS = STYLES

WRONG = [
    ("tanh", "input_for_output", changed(("(1 - t * t,)", "(1 - self.data ** 2,)"))),
    ("tanh", "no_local", changed(("(1 - t * t,)", "(1.0,)"))),
    ("tanh", "value", changed(("(1 - t * t,)", "(t,)"))),
    ("tanh", "sign", changed(("(1 - t * t,)", "(t * t - 1,)"))),
    ("tanh", "op_value", changed(("t = math.tanh(self.data)", "t = math.tan(self.data)"))),
    ("tanh", "zero", changed((", (self,), (1 - t * t,)", ""))),
    ("tanh", "twice", changed(("(1 - t * t,)", "((1 - t * t) ** 2,)"))),
    ("tanh", "upstream", changed(("(1 - out.data ** 2) * out.grad", "(1 - out.data ** 2)"), text=CLOSURES)),
    ("tanh", "missing", changed(("def tanh", "def tan_h"))),
    ("relu", "no_local", changed(("(float(self.data > 0),)", "(1.0,)"))),
    ("relu", "zero", changed(("(float(self.data > 0),)", "(0.0,)"))),
    ("relu", "value", changed(("(float(self.data > 0),)", "(max(self.data, 0.0),)"))),
    ("relu", "op_value", changed(("max(self.data, 0.0)", "abs(self.data)"))),
    ("relu", "overwritten", changed(("self.grad += (out.data > 0) * out.grad", "self.grad = (out.data > 0) * out.grad"), text=CLOSURES)),
    ("relu", "raises", changed(("max(self.data, 0.0)", "max(self.date, 0.0)"))),
    ("relu", "empty", changed(("return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))", "raise NotImplementedError"))),
    ("tanh", "plus_for_minus", changed(("(1 - t * t,)", "(1 + t * t,)"))),
    ("relu", "mask_inverted", changed(("float(self.data > 0)", "float(self.data < 0)"))),
]  # fmt: skip
