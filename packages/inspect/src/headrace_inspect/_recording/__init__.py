"""Evidence from tests: which steps a test suite ran, and in which order."""
