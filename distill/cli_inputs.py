"""Domains from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill import cli_views as views
from distill.errors import BadInput

if TYPE_CHECKING:
    from dsl.domain import Domain
    from dsl.sequences import Sequences


def domain_of(text: str | None) -> Domain | Sequences | None:
    """The domain of --inputs.

    Raises:
        DomainError: it can't be read.
    """
    from dsl.domain_text import parse_domain
    from dsl.sequences import is_sequences, parse_sequences

    if text is None:
        return None
    return parse_sequences(text) if is_sequences(text) else parse_domain(text)


def sequences(text: str | None) -> Sequences:
    """The domain of --inputs for --recurrent.

    Raises:
        BadInput, DomainError: there is none, or it isn't one of sequences.
    """
    from dsl.sequences import parse_sequences

    if text is None:
        raise BadInput("The domain is missing; a recurrent network takes --inputs 'seq(int(0,9))'.")
    return parse_sequences(text)


def proposed(model: str, data: str | None, yes: bool) -> Domain | Sequences:
    """The domain that the data suggest, if --yes allows its use.

    Raises:
        BadInput: there are no data, or it isn't allowed.
    """
    if data is None:
        raise BadInput(
            "The domain is missing; add --inputs 'x: real(-1,1)[2]', or --data FILE to have one "
            "proposed."
        )
    from distill import api

    text = api.inspect(model, data=data).proposed
    if text is None:
        raise BadInput(f"No domain can be proposed from {data!r}; add --inputs '...'.")
    views.print_error(f"proposed domain: {text}")
    if not yes:
        raise BadInput("A proposed domain is not used unasked; add --yes or --inputs '...'.")
    domain = domain_of(text)
    assert domain is not None
    return domain


def share(option: str, text: str) -> float:
    """A share from 0 up to 1 as a number or in percent: `0.005`, `0.5%`.

    Raises:
        BadInput: it is none.
    """
    body = text.strip()
    try:
        value = float(body.removesuffix("%")) / (100 if body.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise BadInput(
            f"{option} is {text!r}; it must be a share such as 0.5% or 0.005, below 100%."
        )
    return value
