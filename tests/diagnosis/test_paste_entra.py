"""Entra's numbers as people paste them: alone, in JSON, HTML and logs, translated, wrapped, and among other lines."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pbisetup.catalog.aadsts import deep, deep_entries
from pbisetup.catalog.findings import entries
from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.diagnosis.paste.numbers import support_ids
from pbisetup.model.finding import Finding

GUID = "11111111-2222-3333-4444-555555555555"
TRACE, CORRELATION = "d20583c4-03ef-46ea-8ad7-8ac3a6a70100", "9b26b1e8-0500-40e2-b943-8670b59a8819"
TAIL = f" Trace ID: {TRACE} Correlation ID: {CORRELATION} Timestamp: 2026-09-30 12:00:00Z"
ROWS = [
    line.split("\t")
    for line in (Path(__file__).parents[1] / "catalog" / "aadsts_samples.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
][1:]
SAMPLES = {number: f"AADSTS{number}: {words}".replace("{g}", GUID) for number, words, _ in ROWS}
FEW = ["7000215", "7000222", "700016", "50126", "500011", "65001", "53003", "700213", "90002", "50034"]


def as_json(number: str) -> str:
    return json.dumps(
        {
            "error": "invalid_grant",
            "error_description": SAMPLES[number].replace(". ", ".\r\n", 1) + TAIL,
            "error_codes": [int(number)],
            "timestamp": "2026-09-30 12:00:00Z",
            "trace_id": TRACE,
            "correlation_id": CORRELATION,
        }
    )


def in_json_in_json(number: str) -> str:
    return json.dumps({"level": "error", "message": f"Get Token request returned http error: 400 {as_json(number)}"})


def in_html(number: str) -> str:
    return f'<div id="exceptionMessageContainer">{html.escape(SAMPLES[number] + TAIL)}</div>'


def in_a_log(number: str) -> str:
    line = "2026-09-30T12:00:00.123Z [worker] step 17 of 20 done in 3 ms"
    seen = f"##[error]2026-09-30T12:00:01.000Z azure.core.exceptions.ClientAuthenticationError: {SAMPLES[number]}{TAIL}"
    return "\n".join([line] * 250 + [seen] + [line] * 250)


def colored(number: str) -> str:
    return f"\x1b[91mERROR: {SAMPLES[number]}\x1b[0m\r\n{TAIL.strip()}"


def wrapped(number: str) -> str:
    text = f"Error: building account: {SAMPLES[number]}{TAIL}"
    return "\n".join(textwrap.wrap(text, 72, break_long_words=True, break_on_hyphens=False))


def cut_hard(number: str) -> str:
    """As a terminal breaks lines: wherever the width ends, inside the number too."""
    text = f"{'Authentication failed while getting a token for Power BI, the service said '}{SAMPLES[number]}{TAIL}"
    return "\n".join(text[i : i + 82] for i in range(0, len(text), 82))


FORMS: list[Callable[[str], str]] = [as_json, in_json_in_json, in_html, in_a_log, colored, wrapped, cut_hard]


def explained(text: str | bytes) -> tuple[Finding, ...]:
    return judge(recognise(text if isinstance(text, bytes) else text.encode()))


def first(text: str | bytes) -> str:
    return explained(text)[0].code


def test_every_number_has_a_published_sample() -> None:
    assert {number for number, _, _ in ROWS} == set(deep_entries())
    assert all(where for _, _, where in ROWS)


@pytest.mark.parametrize("number", SAMPLES)
def test_a_sample_leads_to_its_number_and_only_to_it(number: str) -> None:
    paste = recognise(SAMPLES[number].encode())
    entry = deep_entries()[number]
    assert [signal.value for signal in paste.of("aadsts") or ()] == [number]
    found = judge(paste)
    assert found[0].code == entries()[entry.cause].code
    named = {fact.partition(":")[0] for fact in entry.proof}
    near = {"propagation_delay", "federated_credential_mismatch", "wrong_authority_for_client_credentials"}
    near |= {"app_only_vs_delegated_confusion", "insufficient_workspace_role", "certificate_not_accepted"}
    codes = {entries()[cause].code for cause in named | near | {"wrong_cloud", "wrong_scope_format"}}
    assert {each.code for each in found} <= codes


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("number", FEW)
def test_the_form_does_not_matter(number: str, form: Callable[[str], str]) -> None:
    assert first(form(number)) == first(SAMPLES[number])
    for encoding in ("utf-16", "utf-8-sig"):
        assert first(form(number).encode(encoding)) == first(SAMPLES[number])


@pytest.mark.parametrize("number", SAMPLES)
def test_a_token_error_keeps_its_number_and_its_ids(number: str) -> None:
    text = as_json(number)
    assert number in {signal.value for signal in recognise(text.encode()).of("aadsts") or ()}
    ids = support_ids(text.encode())
    assert (ids["correlation id"], ids["trace id"]) == (CORRELATION, TRACE)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("65005", "Błąd AADSTS65005: aplikacja kliencka żąda dostępu do zasobu"),
        ("70008", "AADSTS70008：提供的存取授權已過期或撤銷。"),
        ("7000215", "AADSTS7000215: Es wurde ein ungültiger geheimer Clientschlüssel angegeben."),
        ("50126", "Erreur AADSTS50126 : nom d’utilisateur ou mot de passe non valide"),
        ("700016", "AADSTS700016: No se encontró la aplicación en el directorio"),
    ],
)
def test_translated_words_do_not_matter(number: str, text: str) -> None:
    assert first(text) == entries()[deep_entries()[number].cause].code


def test_a_number_within_a_longer_one_is_not_taken_for_it() -> None:
    assert {each.cause for each in explained("AADSTS70021")} != {each.cause for each in explained("AADSTS7000218")}
    for longer, shorter in (("700213", "70021"), ("7000215", "70002"), ("900144", "90014"), ("500113", "50011")):
        values = {signal.value for signal in recognise(f"AADSTS{longer}: text".encode()).of("aadsts") or ()}
        assert values == {longer}, shorter


def test_the_number_that_follows_70002_counts() -> None:
    text = "AADSTS70002: Error validating credentials. AADSTS50126: Invalid username or password"
    assert explained(text)[0].title == "User name or password is wrong"
    secret = "AADSTS70002: Error validating credentials. AADSTS50012: Invalid client secret is provided."
    assert explained(secret)[0].cause == "invalid_secret"


def test_a_number_that_is_its_own_diagnosis_has_its_own_remedies() -> None:
    only = explained("AADSTS50126: Error validating credentials due to invalid username or password.")[0]
    assert (only.code, only.cause, only.certainty) == ("PBI300", "entra_other", "likely")
    entry = deep("50126")
    assert entry is not None
    assert only.remedies[0].text == entry.remedies[0].text
    assert only.docs == "docs/aadsts.md#aadsts50126"


def test_other_numbers_are_left_out_where_a_cause_is_known() -> None:
    wrapper = "AADSTS50000: There was an error issuing a token. " + SAMPLES["7000222"]
    assert [each.cause for each in explained(wrapper)] == ["secret_expired"]


def test_ids_are_found_beside_the_number_and_nowhere_else() -> None:
    assert support_ids(b"Correlation ID: " + CORRELATION.encode()) == {}
    far = f"AADSTS50126\n{'x' * 9000}\nCorrelation ID: {CORRELATION}"
    assert support_ids(far.encode()) == {}
    assert support_ids(in_a_log("50126").encode("utf-16"))["correlation id"] == CORRELATION
    assert support_ids(f"AADSTS50126 ID de corrélation : {CORRELATION}".encode())["correlation id"] == CORRELATION
