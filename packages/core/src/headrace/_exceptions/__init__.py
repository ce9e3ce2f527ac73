"""What is known about exceptions: control flow, raised again, copies without secrets."""
