def simplify_keeping(*a, **k): return []
