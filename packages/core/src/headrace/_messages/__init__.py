"""Human-readable text: printable values, hints for misspelt names, missing extras."""
