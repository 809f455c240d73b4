from .engines import STYLES, changed

NUMBER = "e3"
KEYS = STYLES

PART = "a * b"
WRONG = [
    (PART, "op_value", changed(("self.data * other.data", "self.data + other.data"))),
    (PART, "op_parents", changed(("(self, other), (other.data, self.data)", "(), ()"))),
    (PART, "op_parents", changed((", (self, other), (other.data, self.data)", ""))),
    (PART, "op_constant", changed(("        other = other if isinstance(other, Value) else Value(other)\n        return Value(self.data *", "        return Value(self.data *"))),
    (PART, "op_reflected", changed(("    def __rmul__(self, other):\n        return self * other\n", ""))),
    (PART, "op_kind", changed(("return Value(self.data * other.data, (self, other), (other.data, self.data))", "return self.data * other.data"))),
    (PART, "op_changes", changed(("return Value(self.data * other.data, (self, other), (other.data, self.data))", "self.data *= other.data\n        return Value(self.data, (self, other), (other.data, self.data))"))),
    (PART, "raises", changed(("self.data * other.data", "self.data * other.dat"))),
]  # fmt: skip
