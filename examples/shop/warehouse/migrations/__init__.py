"""The warehouse's database, step by step."""
