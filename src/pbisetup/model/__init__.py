"""Plain immutable data that every other room speaks: no I/O, no SDK types, no rules about the service."""
