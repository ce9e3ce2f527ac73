"""Flows: the registry of declared steps, their wrappers, graphs and checks."""
