"""The context of a unit of work: its content, its life, and threads and tasks that share it."""
