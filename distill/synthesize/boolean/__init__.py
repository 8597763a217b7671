"""Short readable expressions for truth tables.

`propose` takes a table over Boolean leaves, `propose_vector` several tables over the
same leaves. Each route is a file: constants and single leaves (`support`), counts
(`symmetric`), weighted sums (`threshold`), parities (`parity`), sums of products
(`two_level`, `reed_muller`), decompositions (`decompose`, `branch`) and arithmetic on
words (`words`); `solve` says in which order they are tried.
"""

from distill.synthesize.boolean.propose import propose
from distill.synthesize.boolean.table import Table
from distill.synthesize.boolean.vector import propose_vector

__all__ = ["Table", "propose", "propose_vector"]
