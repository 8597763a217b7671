"""Programs for a target: literal, read off, boolean, enumerated, fitted."""
