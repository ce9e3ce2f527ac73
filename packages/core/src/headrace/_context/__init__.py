"""The context of a unit of work: its content, its life, its way through threads and tasks."""
