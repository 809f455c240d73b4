"""One multiplication, forwards and backwards: what a gradient is.

y = a·b. If a grows by a little, y grows by b times as much; that "b times" is the derivative of y
by a. backward() finds it for every number that y was computed from. Here it is compared with what
happens if a really grows, and the way it was found is spelled out.
"""

from microgradnn import Value

a, b = Value(3.0, "a"), Value(4.0, "b")
y = a * b
y.backward()
print(f"y = {y.data}, dy/da = {a.grad}, dy/db = {b.grad}")
assert (a.grad, b.grad) == (4.0, 3.0)

little = 0.001
grown = (a.data + little) * b.data
print(f"a grows by {little}, y by {grown - y.data:.6f}: {(grown - y.data) / little:.6f} times that")
assert abs((grown - y.data) / little - a.grad) < 1e-9

# A number that is used twice gets a gradient from each of its uses; they add up.
c = Value(3.0, "c")
square = c * c
square.backward()
print(f"c·c: dy/dc = {c.grad} = 3 + 3")
assert c.grad == 6.0

print()
print(square.explain())
