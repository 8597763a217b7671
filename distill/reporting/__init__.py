"""The report of a finished distillation: one HTML file that needs nothing but a browser."""
