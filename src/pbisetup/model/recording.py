"""A recorded snapshot: what an examination observed, as a JSON file that others can read, diagnose or build a twin from.

A recording is a list of facts. Each names what it is about (`fact`, and `of` where there are several of a kind), says
whether it is known, absent or unknown, and who saw it where and when. Facts and keys that a reader does not know are no
error: newer versions record more. docs/recording.md describes the facts, `catalog/data/recording.schema.json` their shapes.

This module knows the envelope only, and nothing of snapshots, so that whoever judges and whoever builds may both read it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

SCHEMA = "pbisetup/recording/v1"
MAX_BYTES = 32 * 1024 * 1024
"""More than the largest tenant of an audit gives; what is larger is not read."""
MAX_FACTS = 100_000
MAX_DEPTH = 40
MAX_PROBLEMS = 20

Status = Literal["known", "absent", "unknown"]
Observer = Literal["local", "operator", "app"]
Names = Literal["replaced", "original"]
Json = Any
"""A plain JSON value."""

_FAMILY = re.compile(r"pbisetup/recording/v([1-9][0-9]{0,3})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}")


class RecordingError(ValueError):
    """The text is no recording that can be read; `problems` says why, in words for its owner."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class RecordedFact:
    """One fact. `value` belongs to a known one, `reason` and `code` to an unknown one."""

    fact: str
    """What kind of fact: `app`, `settings`, `group`, ... in lower case with underscores."""
    status: Status
    of: str | None = None
    """Which one, where there are several of a kind: a key of the manifest, an id, a request."""
    value: Json = None
    reason: str | None = None
    code: str | None = None
    """Code of the error that kept it unknown."""
    observer: Observer | None = None
    source: str | None = None
    """Where it was seen: `token endpoint`, `GET /v1.0/myorg/groups`, `.env.dev`."""
    said: str | None = None
    """What was seen there, in a line."""
    time: datetime | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Recording:
    """One examination."""

    made: datetime
    version: str
    """Of the pbisetup that made it."""
    cloud: str
    environment: str | None
    names: Names
    """Whether names and ids stand as they were, or were replaced by others."""
    facts: tuple[RecordedFact, ...]

    def find(self, fact: str, of: str | None = None, *, observer: Observer | None = None) -> RecordedFact | None:
        """The first fact of this kind; by this observer, if one is named."""
        return next((f for f in self.all(fact, observer=observer) if of is None or f.of == of), None)

    def all(self, fact: str, *, observer: Observer | None = None) -> Iterator[RecordedFact]:
        """All facts of this kind, in their order."""
        return (f for f in self.facts if f.fact == fact and observer in (None, f.observer))

    def value(self, fact: str, of: str | None = None) -> Json:
        """The value of the first known fact of this kind, else None."""
        return next((f.value for f in self.all(fact) if f.status == "known" and of in (None, f.of)), None)


def dump(recording: Recording) -> str:
    """The recording as JSON text, one line's end at its end. Control characters become U+FFFD."""
    shape = {
        "schema": SCHEMA,
        "made": _written(recording.made),
        "version": recording.version,
        "cloud": recording.cloud,
        "environment": recording.environment,
        "names": recording.names,
        "facts": [_fact_json(fact) for fact in recording.facts],
    }
    return json.dumps(_clean(shape), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def parse(text: str | bytes) -> Recording:
    """Read a recording. Raises RecordingError; never anything else, whatever the text."""
    if len(text) > MAX_BYTES:
        raise RecordingError(f"it is larger than {MAX_BYTES // 1024**2} MB")
    given = _json(text)
    if not isinstance(given, dict):
        raise RecordingError("it is JSON, but not an object: not a recording")
    _check_schema(given)
    problems = _depth(given) or [*_strings(given), *_envelope(given)]
    facts = given.get("facts")
    if not problems and isinstance(facts, list):
        problems = [p for number, fact in enumerate(facts) for p in _fact_problems(f"facts[{number}]", fact)]
    if problems:
        more = len(problems) - MAX_PROBLEMS
        raise RecordingError(*problems[:MAX_PROBLEMS], *([f"and {more} more"] if more > 0 else []))
    return Recording(
        made=_time(given["made"]),
        version=given["version"],
        cloud=given["cloud"],
        environment=given.get("environment"),
        names=given["names"],
        facts=tuple(_fact(each) for each in given["facts"]),
    )


def is_clean(text: str) -> bool:
    """Whether a text can be shown and stored as it is: no control, direction or half characters but line ends and tabs."""
    return all(each in "\n\r\t" or unicodedata.category(each) not in ("Cc", "Cs") for each in text)


# -- writing -----------------------------------------------------------------------------------------------------


def _fact_json(fact: RecordedFact) -> dict[str, Json]:
    shape: dict[str, Json] = {"fact": fact.fact, "of": fact.of, "status": fact.status}
    if fact.status == "known":
        shape["value"] = fact.value
    shape |= {
        "reason": fact.reason,
        "code": fact.code,
        "observer": fact.observer,
        "source": fact.source,
        "said": fact.said,
        "time": _written(fact.time) if fact.time else None,
        "request_id": fact.request_id,
    }
    return {key: value for key, value in shape.items() if value is not None or key in ("fact", "status", "value")}


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _clean(value: Json) -> Json:
    if isinstance(value, str):
        return value if is_clean(value) else "".join(each if is_clean(each) else "\ufffd" for each in value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(each) for key, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list | tuple) else value


# -- reading -----------------------------------------------------------------------------------------------------


def _json(text: str | bytes) -> Json:
    def no_number(name: str) -> None:
        raise ValueError(f"{name} is not a number")

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")  # some editors put a mark in front
        return json.loads(text.removeprefix("\ufeff"), parse_constant=no_number)
    except UnicodeDecodeError:
        raise RecordingError("it is not UTF-8 text: not a recording, or saved in another encoding") from None
    except RecursionError:
        raise RecordingError("it is nested too deeply") from None
    except ValueError as error:
        # The decoder's own words name the place and quote nothing; others (a number of 5000 digits) are short too.
        raise RecordingError(f"it is not JSON ({error})") from None


def _check_schema(given: dict[str, Json]) -> None:
    schema = given.get("schema")
    if schema == SCHEMA:
        return
    match = _FAMILY.fullmatch(schema) if isinstance(schema, str) else None
    if match:
        by = f" ({given['version']})" if _plain(given.get("version"), 40) else ""
        raise RecordingError(
            f"it is a recording of version {match[1]}, made by a newer pbisetup{by}; this one reads version 1"
        )
    if _plain(schema, 80):
        raise RecordingError(f"its schema is {schema!r}, not {SCHEMA!r}: it is not a recording")
    raise RecordingError(f"it has no schema; a recording says {SCHEMA!r}")


def _depth(value: Json) -> list[str]:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return []
    return ["it is nested too deeply"]


def _strings(value: Json, where: str = "") -> list[str]:
    if isinstance(value, str):
        return [] if is_clean(value) else [f"{where} holds control characters or half characters"]
    if isinstance(value, dict):
        found = []
        for key, each in value.items():
            if not is_clean(key):
                found.append(f"{where or 'the recording'} has a key with control characters or half characters")
            else:
                found += _strings(each, f"{where}.{key}" if where else key)
        return found
    if isinstance(value, list):
        return [problem for number, each in enumerate(value) for problem in _strings(each, f"{where}[{number}]")]
    return []


def _envelope(given: dict[str, Json]) -> list[str]:
    found = [f"{name} is missing" for name in ("made", "version", "cloud", "names", "facts") if name not in given]
    if "made" in given and not _is_time(given["made"]):
        found.append("made must be a time such as 2027-01-31T00:00:00Z")
    found += [
        f"{name} must be a text of 1 to 64 characters"
        for name in ("version", "cloud")
        if name in given and not _plain(given[name], 64)
    ]
    if given.get("environment") is not None and not _plain(given["environment"], 256):
        found.append("environment must be a text of 1 to 256 characters, or null")
    if "names" in given and given["names"] not in get_args(Names):
        found.append(f"names must be one of {', '.join(get_args(Names))}")
    facts = given.get("facts", [])
    if not isinstance(facts, list):
        found.append("facts must be a list")
    elif len(facts) > MAX_FACTS:
        found.append(f"facts has more than {MAX_FACTS} entries")
    return found


def _fact_problems(where: str, fact: Json) -> list[str]:
    if not isinstance(fact, dict):
        return [f"{where} must be an object"]
    found = []
    if not isinstance(fact.get("fact"), str) or not _KIND.fullmatch(fact["fact"]):
        found.append(f"{where}.fact must be a name such as service_principal")
    if fact.get("status") not in get_args(Status):
        found.append(f"{where}.status must be one of {', '.join(get_args(Status))}")
    elif (fact["status"] == "known") != ("value" in fact):
        found.append(f"{where}: a known fact has a value, and no other has one")
    elif fact["status"] == "unknown" and not _plain(fact.get("reason"), 100_000):
        found.append(f"{where}: an unknown fact has a reason")
    if fact.get("observer") not in (None, *get_args(Observer)):
        found.append(f"{where}.observer must be one of {', '.join(get_args(Observer))}")
    if fact.get("time") is not None and not _is_time(fact["time"]):
        found.append(f"{where}.time must be a time such as 2027-01-31T00:00:00Z")
    return found + [
        f"{where}.{name} must be a text"
        for name in ("of", "reason", "code", "source", "said", "request_id")
        if fact.get(name) is not None and not isinstance(fact[name], str)
    ]


def _fact(given: dict[str, Json]) -> RecordedFact:
    texts = {name: given.get(name) for name in ("of", "reason", "code", "observer", "source", "said", "request_id")}
    return RecordedFact(
        fact=given["fact"],
        status=given["status"],
        value=given.get("value"),
        time=_time(given["time"]) if given.get("time") else None,
        **texts,
    )


def _plain(value: Json, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most and is_clean(value)


def _is_time(value: Json) -> bool:
    try:
        return isinstance(value, str) and _TIME.fullmatch(value) is not None and _time(value) is not None
    except ValueError:
        return False


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)
