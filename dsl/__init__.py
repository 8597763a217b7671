"""The language: types, domains, primitives, programs and their meanings. Knows no networks."""
