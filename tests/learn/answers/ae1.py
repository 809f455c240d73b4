from .engines import STYLES, changed

NUMBER = "e1"
KEYS = STYLES

PART = "Value"
WRONG = [
    (PART, "number_grad", changed(("        self.grad = 0.0\n", ""))),
    (PART, "number_grad_start", changed(("self.grad = 0.0", "self.grad = 1.0"))),
    (PART, "number_grad_start", changed(("self.grad = 0.0", "self.grad = None"))),
    (PART, "number_grad_start", changed(("self.grad = 0.0", "self.grad = data"))),
    (PART, "number_data", changed(("        self.data = data\n", "        data = data\n"))),
    (PART, "number_data", changed(("self.data = data", "self.value = data"))),
    (PART, "number_data", changed(("self.data = data", "self.data = str(data)"))),
    (PART, "number_shared", changed(("self.data = data", "Value.data = data"))),
    (PART, "number_shared", changed(("self.grad = 0.0", "Value.grad = 0.0")).replace(
        "class Value:\n", "class Meta(type):\n    grad = 0.0\n\n\nclass Value:\n    grad = property(lambda s: Value.g, lambda s, x: setattr(Value, 'g', x))\n    g = 0.0\n").replace("        Value.grad = 0.0\n", "")),
    (PART, "number_defaults", changed(("parents=(), slopes=()", "parents, slopes"))),
    (PART, "missing", changed(("Value", "Number"))),
]  # fmt: skip
