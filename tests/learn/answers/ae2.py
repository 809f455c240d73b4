from .engines import STYLES, changed

NUMBER = "e2"
KEYS = STYLES

PART = "a + b"
WRONG = [
    (PART, "op_kind", changed(("return Value(self.data + other.data, (self, other), (1.0, 1.0))", "return self.data + other.data"))),
    (PART, "op_parents", changed(("return Value(self.data + other.data, (self, other), (1.0, 1.0))", "return Value(self.data + other.data)"))),
    (PART, "op_parents", changed(("(self, other), (1.0, 1.0)", "(self,), (1.0,)"))),
    (PART, "op_parents", changed(("(self, other), (1.0, 1.0)", "(self.data, other.data), (1.0, 1.0)"))),
    (PART, "op_constant", changed(("        other = other if isinstance(other, Value) else Value(other)\n        return Value(self.data +", "        return Value(self.data +"))),
    (PART, "op_reflected", changed(("    def __radd__(self, other):\n        return self + other\n", ""))),
    (PART, "op_changes", changed(("return Value(self.data + other.data, (self, other), (1.0, 1.0))", "out = Value(self.data + other.data, (self, other), (1.0, 1.0))\n        self.data = out.data\n        return out"))),
    (PART, "op_value", changed(("self.data + other.data", "self.data - other.data"))),
    (PART, "op_data", changed(("Value(self.data + other.data,", "Value(Value(self.data + other.data),"))),
    (PART, "nothing", changed(("return Value(self.data + ", "Value(self.data + "))),
    (PART, "empty", changed(("return Value(self.data + other.data, (self, other), (1.0, 1.0))", "raise NotImplementedError"))),
    (PART, "endless", changed(("Value(self.data + other.data, (self", "Value(self.data + other, (self"))),
]  # fmt: skip
