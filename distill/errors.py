"""The one exception whose sentence a user reads."""


class BadInput(ValueError):
    """What the user gave can't be used: one sentence, what is wrong and what would be right."""
