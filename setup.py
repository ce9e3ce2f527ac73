"""What pre-commit installs for its hook: a repository's root, which here is no package."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup

_PACKAGES = Path(__file__).resolve().parent / "packages"

setup(
    name="headrace-pre-commit",
    version="0",
    packages=[],
    py_modules=[],
    install_requires=[
        f"{name} @ {(_PACKAGES / folder).as_uri()}"
        for name, folder in (("headrace", "core"), ("headrace-inspect", "inspect"))
    ],
)
