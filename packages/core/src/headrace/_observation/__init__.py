"""Backends, and the dispatcher that sends them the events of steps and units."""
