"""The probes, by what they look at. Each module gives the probes that a question calls for."""
