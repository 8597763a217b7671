"""What the filters of image networks look for: edges, lines, corners, blobs, templates."""
