"""What signs in a text speak for which cause: an ordered table, root causes and the more telling signs first.

A row is `certain` only where its signs exclude every other cause, rest on more than one source, and ask only for what
is there, never for what is missing: so that a shorter paste can never make anything certain. The rows of the token
stage stand in `signs_token`, those of the APIs in `signs_api` and `signs_content`; what a code alone speaks for stands
in `catalog/data/pasted/codes.tsv`.
"""

from __future__ import annotations

from typing import Final

from pbisetup.catalog.pasted import known_codes
from pbisetup.diagnosis.paste.paste import code
from pbisetup.diagnosis.paste.sign import Sign
from pbisetup.diagnosis.paste.signs_api import API_SIGNS
from pbisetup.diagnosis.paste.signs_content import CONTENT_SIGNS
from pbisetup.diagnosis.paste.signs_token import TOKEN_SIGNS

SIGNS: Final[tuple[Sign, ...]] = (
    *TOKEN_SIGNS,
    *(
        Sign(each.cause, each.certainty, code(each.name), each.question, weight=each.weight)
        for each in known_codes()
        if each.cause
    ),
    *API_SIGNS,
    *CONTENT_SIGNS,
)
