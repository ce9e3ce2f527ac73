"""The context of a unit of work: what it holds, how it begins, moves and ends."""
