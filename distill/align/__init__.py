"""Where a program's variables live in a network: places, and interchange interventions on them."""
