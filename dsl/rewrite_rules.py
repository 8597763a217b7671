"""Simplification rules as text: equations of the language, applied from left to right.

Letters say what they stand for: `p q r` truth values, `x y z` numbers (int or real,
scalars or vectors), `i` ints, `d e` categories, `u v w` anything. The sides are equal
wherever both are defined; the right one may be defined in more places.
"""

from __future__ import annotations

ARITHMETIC = """
x - 0 = x
0 - x = -x
x - x = 0
-(-x) = x
x + -y = x - y
x - -y = x + y
-(x - y) = y - x
-1 * x = -x
-x * -y = x * y
-x * y = -(x * y)
x / 1 = x
x / -1 = -x
-x / -y = x / y
i // 1 = i
i % 1 = 0
x % y % y = x % y
x * y + x * z = x * (y + z)
x * y - x * z = x * (y - z)
x * x = square(x)
x + x = 2 * x
square(-x) = square(x)
square(abs(x)) = square(x)
square(sqrt(x)) = x
sqrt(square(x)) = abs(x)
log(exp(x)) = x
exp(log(x)) = x
abs(-x) = abs(x)
abs(abs(x)) = abs(x)
abs(square(x)) = square(x)
floor(i) = i
ceil(i) = i
round(i) = i
sign(-x) = -sign(x)
cos(-x) = cos(x)
sin(-x) = -sin(x)
tanh(-x) = -tanh(x)
"""

EXTREMES = """
max(x, 0) = relu(x)
max(x, -x) = abs(x)
min(x, -x) = -abs(x)
min(relu(x), y) = clip(x, 0, y)
clip(x, y, y) = y
-max(-x, -y) = min(x, y)
-min(-x, -y) = max(x, y)
max(x, min(x, y)) = x
min(x, max(x, y)) = x
min(max(x, y), z) = clip(x, y, z)
x + relu(y - x) = max(x, y)
x - relu(x - y) = min(x, y)
relu(relu(x)) = relu(x)
relu(abs(x)) = abs(x)
relu(square(x)) = square(x)
abs(relu(x)) = relu(x)
relu(x) - relu(-x) = x
relu(x) + relu(-x) = abs(x)
max(x, y) - min(x, y) = abs(x - y)
max(x, y) + min(x, y) = x + y
"""

LOGIC = """
not not p = p
not p and not q = not (p or q)
not p or not q = not (p and q)
p and (p or q) = p
p or p and q = p
p and (not p or q) = p and q
p or not p and q = p or q
not p and (p or q) = not p and q
not p or p and q = not p or q
p and q or p and not q = p
p and q or p and r = p and (q or r)
(p or q) and (p or r) = p or q and r
p and not q or not p and q = p xor q
(p or q) and not (p and q) = p xor q
p and q or not (p or q) = p == q
p xor not q = p == q
not (p xor q) = p == q
not (p == q) = p xor q
p != q = p xor q
p == true = p
p == false = not p
"""

COMPARISON = """
not (x < y) = x >= y
not (x <= y) = x > y
not (x > y) = x <= y
not (x >= y) = x < y
not (x == y) = x != y
not (x != y) = x == y
not (d == e) = d != e
not (d != e) = d == e
x < x = false
x > x = false
x != x = false
x <= x = true
x >= x = true
x == x = true
p == p = true
d == d = true
x - y < 0 = x < y
x - y <= 0 = x <= y
x - y > 0 = x > y
x - y >= 0 = x >= y
x - y == 0 = x == y
x - y != 0 = x != y
-x < -y = x > y
-x <= -y = x >= y
-x > -y = x < y
-x >= -y = x <= y
-x < 0 = x > 0
-x <= 0 = x >= 0
-x > 0 = x < 0
-x >= 0 = x <= 0
x < y and x != y = x < y
x <= y and x != y = x < y
x >= y and x != y = x > y
x < y or x == y = x <= y
x > y or x == y = x >= y
x < y or x > y = x != y
x <= y and x >= y = x == y
"""

CHOICES = """
if true then u else v = u
if false then u else v = v
if p then u else u = u
if not p then u else v = if p then v else u
if p then true else q = p or q
if p then q else false = p and q
if p then false else q = not p and q
if p then q else true = not p or q
if p then 1 else 0 = as_int(p)
if p then 0 else 1 = as_int(not p)
if p then as_int(q) else 0 = as_int(p and q)
if p then (if p then u else v) else w = if p then u else w
if p then u else (if p then v else w) = if p then u else w
if p then (if q then u else v) else v = if p and q then u else v
if p then u else (if q then u else v) = if p or q then u else v
if x < y then x else y = min(x, y)
if x <= y then x else y = min(x, y)
if x < y then y else x = max(x, y)
if x <= y then y else x = max(x, y)
if x > y then x else y = max(x, y)
if x >= y then x else y = max(x, y)
if x > y then y else x = min(x, y)
if x >= y then y else x = min(x, y)
if x < 0 then -x else x = abs(x)
if x <= 0 then -x else x = abs(x)
if x > 0 then x else -x = abs(x)
if x >= 0 then x else -x = abs(x)
as_int(p) == 1 = p
as_int(p) == 0 = not p
as_int(p) != 0 = p
as_int(p) != 1 = not p
as_int(p) > 0 = p
as_int(p) >= 1 = p
as_int(p) < 1 = not p
as_int(p) <= 0 = not p
as_int(p) * as_int(q) = as_int(p and q)
"""

EQUATIONS: tuple[str, ...] = tuple(
    line
    for table in (ARITHMETIC, EXTREMES, LOGIC, COMPARISON, CHOICES)
    for line in table.strip().splitlines()
)
"""Every rule, `left = right`."""
