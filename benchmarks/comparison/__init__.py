"""What headrace and its peers do where it gets hard: ``python -m benchmarks.comparison``.

Each subject is set up as its documentation says and run in a process of its own.
"""
