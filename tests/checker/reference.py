"""CROWN over one box in Python's fractions, written for nothing but being plain."""

from fractions import Fraction
from itertools import product

from distill.normal_form import Affine, Elementwise

FUNCTIONS = {
    "relu": lambda x: max(x, 0),
    "abs": abs,
    "square": lambda x: x * x,
    "max": max,
    "min": min,
    "mul": lambda x, y: x * y,
}


def fractions(values):
    return [Fraction(float(v)) for v in values]


def sharp(name, boxes, slopes):
    """Least and largest f - slopes * x, over all places where they can be."""
    exact_boxes = [tuple(map(Fraction, box)) for box in boxes]
    places = [{a, b, min(max(Fraction(0), a), b)} for a, b in exact_boxes]
    if name == "square":
        (a, b), turn = exact_boxes[0], Fraction(slopes[0]) / 2
        places[0].add(min(max(turn, a), b))
    if name in ("max", "min"):
        for own, (a, b) in zip(places, exact_boxes, strict=True):
            own.update(min(max(e, a), b) for box in exact_boxes for e in box)
    values = [
        FUNCTIONS[name](*point) - sum(Fraction(s) * x for s, x in zip(slopes, point, strict=True))
        for point in product(*places)
    ]
    return min(values), max(values)


def dot(row, values):
    return sum((Fraction(float(w)) * v for w, v in zip(row, values, strict=True)), Fraction(0))


def needed(form, index):
    node = form.nodes[index]
    sources = [s for s, _ in node.terms] if isinstance(node, Affine) else []
    sources = node.sources if isinstance(node, Elementwise) else sources
    return {index}.union(*(needed(form, s) for s in sources))


class Plain:
    """Ranges of every wire: forward by intervals, bent wires (and the output) also backward."""

    def __init__(self, form, low, high, slopes_of, output_too=True):
        self.form, self.lines = form, {}
        self.ranges = {0: list(zip(fractions(low), fractions(high), strict=True))}
        wanted = needed(form, form.output)
        kinks = [form.nodes[i] for i in wanted if isinstance(form.nodes[i], Elementwise)]
        bent = {s for node in kinks for s in node.sources}
        for index in sorted(wanted - {0}):
            node = form.nodes[index]
            if isinstance(node, Affine):
                self.ranges[index] = self._interval(node)
                deep = any(source != 0 for source, _ in node.terms)
                if deep and (index in bent or (output_too and index == form.output)):
                    self.tighten(index)
            else:
                boxes = list(zip(*(self.ranges[s] for s in node.sources), strict=True))
                lower, upper = slopes_of(index, node.function)
                self.lines[index] = [
                    (lo, up, sharp(node.function, b, lo)[0], sharp(node.function, b, up)[1])
                    for b, lo, up in zip(boxes, lower, upper, strict=True)
                ]
                flat = [0] * len(node.sources)
                self.ranges[index] = [sharp(node.function, b, flat) for b in boxes]
        if output_too and isinstance(form.nodes[form.output], Elementwise):
            self.tighten(form.output)

    def _interval(self, node):
        found = []
        for unit, bias in enumerate(fractions(node.bias)):
            low = high = bias
            for source, matrix in node.terms:
                for w, (a, b) in zip(fractions(matrix[unit]), self.ranges[source], strict=True):
                    low, high = low + min(w * a, w * b), high + max(w * a, w * b)
            found.append((low, high))
        return found

    def tighten(self, index):
        width = len(self.ranges[index])
        for unit, (low, high) in enumerate(list(self.ranges[index])):
            one = [Fraction(int(k == unit)) for k in range(width)]
            other = [-c for c in one]
            self.ranges[index][unit] = (
                max(low, self.least(index, one)),
                min(high, -self.least(index, other)),
            )

    def least(self, target, weights):
        """A lower bound of weights . wire that follows from the lines."""
        open_, constant = {target: list(weights)}, Fraction(0)
        for index in range(target, 0, -1):
            factor = open_.pop(index, None)
            if factor is None:
                continue
            node = self.form.nodes[index]
            if isinstance(node, Affine):
                constant += dot(node.bias, factor)
                handed = [(s, [dot(m[:, k], factor) for k in range(m.shape[1])])
                          for s, m in node.terms]  # fmt: skip
            else:
                handed = [(s, [Fraction(0)] * len(factor)) for s in node.sources]
                for unit, (c, line) in enumerate(zip(factor, self.lines[index], strict=True)):
                    slopes, end = (line[0], line[2]) if c > 0 else (line[1], line[3])
                    constant += c * end if c else 0
                    for k, (_, values) in enumerate(handed):
                        values[unit] += c * Fraction(slopes[k])
            for source, values in handed:
                known = open_.get(source, [Fraction(0)] * len(values))
                open_[source] = [a + b for a, b in zip(known, values, strict=True)]
        for c, (a, b) in zip(open_.get(0, []), self.ranges[0], strict=False):
            constant += min(c * a, c * b)
        return constant
