"""Counts, errors and times of flows, steps, tasks and edges."""

from ._stats import MEASURED, Stat, stat_json, stats

__all__ = ["MEASURED", "Stat", "stat_json", "stats"]
