"""Example networks: small, trained, with the scripts that trained them."""
