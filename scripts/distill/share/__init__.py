"""Where a model came from, and the same project on several machines: provenance, push, pull, reproduce, forget."""
