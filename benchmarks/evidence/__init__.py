"""What tries to break the evidence, and measures how far it reaches."""
