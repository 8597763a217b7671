"""Wording that several rungs share."""

ARITHMETIC = (
    "over the reals with outward-rounded bounds, for inputs that are float32 numbers; float32 "
    "rounding of the network in any order of summation and float64 rounding of the program are "
    "included (not TF32 or bf16)"
)
