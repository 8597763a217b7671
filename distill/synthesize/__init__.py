"""Programs for a part: literal, read off, Boolean, enumerated, fitted."""
