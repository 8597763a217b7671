"""Re-checks what a finished run wrote; imports nothing of `distill.verify`."""
