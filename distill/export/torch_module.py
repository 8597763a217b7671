"""A program as a drop-in `torch.nn.Module`."""

from __future__ import annotations

from typing import Any

import torch

from dsl.domain import Domain, Field
from dsl.meanings.array import run
from dsl.program import Program
from dsl.types import BOOL, Real


class ProgramModule(torch.nn.Module):
    """Takes the network's inputs (n, width) as floats and returns the program's values.

    Real outputs come as float64, truths as bool, whole numbers and categories as int64;
    gradients flow through the real parts.
    """

    def __init__(self, program: Program, domain: Domain) -> None:
        super().__init__()
        self.program = program
        self.domain = domain

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Values for rows of inputs."""
        columns, place = [], 0
        for field in self.domain.fields:
            columns.append(_column(field, inputs[:, place : place + field.width].double()))
            place += field.width
        return run(self.program, tuple(columns), torch)


def to_torch(program: Program, domain: Domain) -> torch.nn.Module:
    """A module for a program on a domain."""
    return ProgramModule(program, domain)


def _column(field: Field, part: torch.Tensor) -> Any:
    shape = (len(part), *field.shape)
    if field.encoding.kind == "onehot":
        values = part.reshape(len(part), field.scalars, -1).argmax(2) + int(field.bounds[0])
    elif field.encoding.kind == "bits":
        powers = 2 ** torch.arange(field.encoding.bits - 1, -1, -1)
        values = ((part.reshape(len(part), field.scalars, -1) > 0.5) * powers).sum(2)
    elif field.encoding.kind == "signed":
        values = (part + 1) / 2
    else:
        values = (part - float(field.encoding.shift)) / float(field.encoding.scale)
    values = values.reshape(shape)
    if field.item == BOOL:
        return values > 0.5
    return values if isinstance(field.item, Real) else values.round().long()
