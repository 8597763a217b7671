"""What tries to break the evidence with random squares, and measures how far it reaches."""
