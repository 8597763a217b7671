"""How long a run may go on, and what it tells while it does."""
