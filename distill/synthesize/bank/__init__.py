"""The speed core of the enumerator: a bank of behaviours, grown by cost, asked by lookup.

`start` and `grow` make a `Bank` from leaves and operations (plain data), `rebuild` gives an
entry's expression, `last_step` answers the last operation of a target by lookup and
`two_steps` the last two.
"""

from distill.synthesize.bank.data import Bank, Entries, Leaf, rebuild
from distill.synthesize.bank.grow import grow, start
from distill.synthesize.bank.last_step import last_step
from distill.synthesize.bank.matches import Match, match_tree
from distill.synthesize.bank.operation import BOOL, NUMBER, Operation
from distill.synthesize.bank.target import BoolTarget, NumberTarget, bool_target, number_target
from distill.synthesize.bank.two_steps import Plan, head, two_steps

__all__ = [
    "BOOL",
    "NUMBER",
    "Bank",
    "BoolTarget",
    "Entries",
    "Leaf",
    "Match",
    "NumberTarget",
    "Operation",
    "Plan",
    "bool_target",
    "grow",
    "head",
    "last_step",
    "match_tree",
    "number_target",
    "rebuild",
    "start",
    "two_steps",
]
