"""What structure is found in networks whose structure is known."""
