"""Smooth functions less a line, to fifty digits."""

import mpmath

mpmath.mp.dps = 50
UNIT = 2.0**-53
pi = mpmath.pi
FUNCTIONS = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
    "erf": mpmath.erf,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "square": lambda v: v * v,
    "reciprocal": lambda v: 1 / v,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}
WAVES = ("sin", "cos")
ODD_ONES = ("tanh", "sigmoid", "erf")


def turning(name, slope):
    """Where the derivative is the slope."""
    s = mpmath.mpf(slope)
    if name in ("tanh", "sigmoid", "erf"):
        if s <= 0:
            return []
        if name == "erf":
            inner = -mpmath.log(s * mpmath.sqrt(pi) / 2)
            return [] if inner < 0 else [mpmath.sqrt(inner), -mpmath.sqrt(inner)]
        steep = s if name == "tanh" else 4 * s
        if steep > 1:
            return []
        place = mpmath.atanh(mpmath.sqrt(1 - steep)) * (1 if name == "tanh" else 2)
        return [place, -place]
    if name == "reciprocal":
        return [1 / mpmath.sqrt(-s), -1 / mpmath.sqrt(-s)] if s < 0 else []
    if name == "square":
        return [s / 2]
    if name in WAVES:
        if abs(s) > 1:
            return []
        first = mpmath.acos(s) if name == "sin" else -mpmath.asin(s)
        other = -first if name == "sin" else pi - first
        return [p + 2 * pi * k for p in (first, other) for k in range(-3, 4)]
    if s <= 0:
        return []
    return [{"exp": mpmath.log, "log": lambda t: 1 / t, "sqrt": lambda t: 1 / (4 * t * t)}[name](s)]


def sharp(name, low, high, slope):
    places = [mpmath.mpf(low), mpmath.mpf(high)]
    places += [p for p in turning(name, slope) if low < p < high]
    values = [FUNCTIONS[name](p) - mpmath.mpf(slope) * p for p in places]
    size = max(abs(FUNCTIONS[name](p)) + abs(slope * p) for p in places)
    return min(values), max(values), size
