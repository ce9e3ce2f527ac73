"""The map of a program without declarations: its entry points, and how they reach each other."""
