"""From pasted text to findings: bytes -> text (`reading`) -> signals (`signals`) -> a `Paste` -> findings (`judge`)."""
