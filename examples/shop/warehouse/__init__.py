"""The warehouse: a small Django project with one app, itself, and a SQLite database."""
