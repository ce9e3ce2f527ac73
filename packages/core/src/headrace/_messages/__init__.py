"""Text for people: printable values, hints for misspelt names, missing extras."""
