"""What all web integrations share: options, rules, and the life of a request."""
