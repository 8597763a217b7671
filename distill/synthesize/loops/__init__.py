"""Loops for recurrent networks: registers that make the next output a function of the present."""
