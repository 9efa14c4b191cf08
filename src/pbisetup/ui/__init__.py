"""What a person sees: prompts, progress, tables, reports. Decides nothing."""
