"""An app whose flows are found when Django starts."""
