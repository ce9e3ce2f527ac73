"""What a project lacks to have an ID everywhere: from its source, or from its living objects."""
