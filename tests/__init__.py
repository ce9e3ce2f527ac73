"""The test suite; `from tests.scenarios import ...` reaches its shared helpers.

The folders below have no `__init__.py`: named for the frameworks, they must never shadow them.
"""
