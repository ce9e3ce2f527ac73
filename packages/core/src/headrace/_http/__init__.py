"""Code that the web integrations share: options, rules and the life of a request."""
