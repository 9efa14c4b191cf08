"""What `init` asks and what its flags say: the answers that a manifest is made from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pbisetup.cli.context import Common
    from pbisetup.model.manifest import Manifest
    from pbisetup.observe.session import Session
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal


WHOM = "Whose assertions shall the app take?"


@dataclass(frozen=True)
class Answers:
    """What the manifest is made from; None: not answered yet."""

    name: str | None = None
    environments: tuple[str, ...] | None = None
    purposes: tuple[str, ...] | None = None
    workspaces: Mapping[str, tuple[str, ...]] | None = None
    """Environment -> workspace names or ids."""
    tenants: Mapping[str, str] = field(default_factory=dict)
    """Environment -> tenant, where it is not the one of the project."""
    adopt: Mapping[str, str] = field(default_factory=dict)
    """Environment -> client id of an app that exists."""
    role: str | None = None
    credential: str | None = None
    certificate: str | None = None
    """A certificate with its private key that exists, as it stands in the manifest."""
    federated: str | None = None
    subject: str | None = None
    """Of the assertions, where nobody else could tell it."""
    store: str | None = None
    lifetime: str | None = None
    group: str | None = None
    capacity: str | None = None
    creates: bool = False
    """Whether workspaces that do not exist are made."""
    redirect_uris: tuple[str, ...] = ()
    consent: str | None = None


def from_flags(
    *,
    name: str | None,
    env: str | None,
    purpose: str | None,
    workspace: list[str] | None,
    tenant: list[str] | None,
    adopt: list[str] | None,
    redirect_uri: list[str] | None,
    creates: bool,
    **plain: str | None,
) -> Answers:
    """What the flags say, checked. Raises UsageError with every mistake at once."""
    from pbisetup.model.errors import UsageError
    from pbisetup.planning.manifest import environment_problem, is_guid, name_problem, redirect_problem

    problems = []
    if name is not None and (problem := name_problem(name)):
        problems.append(f"--name: {problem}")
    environments = _split(env)
    names = environments or ("dev",)
    problems += [f"--env: {p}" for e in environments or () if (p := environment_problem(e))]
    if environments is not None and len(set(environments)) < len(environments):
        problems.append("--env names an environment twice")
    if environments == ():
        problems.append("--env is empty")
    for item in workspace or []:
        prefix, sign, _ = item.partition("=")
        if sign and environment_problem(prefix) is None and prefix not in names:
            problems.append(f"--workspace: {item!r} names the environment {prefix!r}, which is not in --env")
    chosen = _split(purpose)
    problems += _of_purposes(chosen) + _of_plain(plain)
    problems += [f"--redirect-uri: {uri!r} {p}" for uri in redirect_uri or () if (p := redirect_problem(uri))]
    adopted = _of_each("--adopt", adopt, names, problems, alone=True)
    problems += [
        f"--adopt: {id_!r} is no client id: the Application (client) ID is a GUID"
        for id_ in adopted.values()
        if not is_guid(id_)
    ]
    twice = {id_ for id_ in adopted.values() if sum(id_.lower() == each.lower() for each in adopted.values()) > 1}
    problems += [f"--adopt: {id_} is named twice; an app belongs to one environment" for id_ in sorted(twice)[:1]]
    tenants = _of_each("--tenant", tenant, names, problems, alone=False)
    if problems:
        raise UsageError("PBI104", "\n".join(problems))
    return Answers(
        name,
        environments,
        chosen,
        _workspaces(workspace, environments),
        tenants,
        adopted,
        creates=creates,
        redirect_uris=tuple(redirect_uri or ()),
        **plain,
    )


def _of_purposes(chosen: Sequence[str] | None) -> list[str]:
    from pbisetup.catalog.purposes import contradictions, purposes

    known = tuple(purposes())
    unknown = [f"--purpose: {p!r} is not one of {', '.join(known)}" for p in chosen or () if p not in known]
    return unknown + [f"--purpose: {each}" for each in contradictions(chosen or ())]


def _of_plain(plain: Mapping[str, str | None]) -> list[str]:
    from pbisetup.model.manifest import CredentialKind
    from pbisetup.model.tenant import WORKSPACE_ROLES
    from pbisetup.planning.credential_spec import parse_lifetime

    problems = []
    kinds = get_args(CredentialKind)
    listed = {"role": WORKSPACE_ROLES, "credential": kinds, "consent": ("all", "person")}
    for name, values in listed.items():
        if plain[name] is not None and plain[name] not in values:
            problems.append(f"--{name}: {plain[name]!r} is not one of {', '.join(values)}")
    lifetime = plain["lifetime"]
    if lifetime is not None and parse_lifetime(lifetime) is None:
        problems.append("--lifetime must be days such as 90d, 1d to 730d")
    return problems + _of_credential(plain)


def _of_credential(plain: Mapping[str, str | None]) -> list[str]:
    from pbisetup.model.manifest import StoreKind
    from pbisetup.planning.credential_spec import PLACES, parse_store, parse_trust

    problems = []
    kind, store, trust = plain["credential"], plain["store"], plain["federated"]
    if store is not None and isinstance(read := parse_store(store), str):
        forms = (PLACES[each][0] if each in PLACES else each for each in get_args(StoreKind))
        problems.append(f"--store: {read or f'{store!r} is not one of ' + ', '.join(forms)}")
    if trust is not None and isinstance(whom := parse_trust(trust), str):
        problems.append(f"--federated: {whom}")
    if trust is not None and kind not in (None, "federated"):
        problems.append(f"--federated does not go with --credential {kind}")
    if plain["certificate"] is not None and not (plain["certificate"].strip() and plain["certificate"].isprintable()):
        problems.append("--certificate: a file's name must be text that can be printed")
    if plain["certificate"] is not None and kind not in (None, "certificate"):
        problems.append(f"--certificate does not go with --credential {kind}")
    if plain["certificate"] is not None and trust is not None:
        problems.append("--certificate and --federated are two ways; choose one")
    if trust is not None and (store or "").partition(":")[0] in ("keyring", "key-vault"):
        problems.append(f"--store: {store} keeps secrets, and a federated credential has none")
    return problems


def credential_table(answers: Answers) -> dict[str, Any]:
    """The manifest's `credential`."""
    from pbisetup.planning.credential_spec import parse_trust, trust_table

    store = {"store": answers.store or "env-file"}
    if answers.federated is not None:
        trust = parse_trust(answers.federated)
        assert not isinstance(trust, str)
        told = {"subject": answers.subject} if answers.subject else {}
        return {"kind": "federated", **trust_table(trust), **told, **store}
    if answers.certificate is not None:
        return {"kind": "certificate", "file": answers.certificate, **store}
    return {"kind": answers.credential or "secret", "lifetime": answers.lifetime or "90d", **store}


def _says_credential(answers: Answers) -> bool:
    return any((answers.credential, answers.certificate, answers.federated, answers.store, answers.lifetime))


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _of_each(
    flag: str, given: list[str] | None, names: Sequence[str], problems: list[str], *, alone: bool
) -> dict[str, str]:
    """`ENV=VALUE` for one environment, `VALUE` for all, or with `alone` only where there is one."""
    found: dict[str, str] = {}
    for item in given or []:
        prefix, sign, rest = item.partition("=")
        if sign and prefix not in names:
            problems.append(f"{flag}: {item!r} names the environment {prefix!r}, which is not in --env")
        elif sign:
            found[prefix] = rest.strip()
        elif alone and len(names) > 1:
            problems.append(f"{flag}: say for which environment, such as {flag} {names[0]}={item}")
        else:
            found = {**dict.fromkeys(names, item.strip()), **found}
    return found


def _workspaces(given: list[str] | None, environments: tuple[str, ...] | None) -> Mapping[str, tuple[str, ...]] | None:
    """`ENV=NAME` for one environment, `NAME` for all; an empty name means none on purpose."""
    if given is None:
        return None
    names = environments or ("dev",)
    found: dict[str, tuple[str, ...]] = {each: () for each in names}
    for item in given:
        prefix, sign, rest = item.partition("=")
        targets, workspace = ((prefix,), rest) if sign and prefix in names else (names, item)
        for target in targets:
            if workspace.strip():
                found[target] = (*found[target], workspace.strip())
    return found


def check_against(manifest: Manifest, answers: Answers) -> None:
    """Flags may add environments to a manifest, not contradict it. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    if answers.name is not None and answers.name != manifest.name:
        raise UsageError(
            "PBI106",
            f"the manifest here is of the project {manifest.name!r}; --name says {answers.name!r}",
            remedy="Use another folder, or --manifest, for another project.",
        )
    for name, tenant in answers.tenants.items():
        there = manifest.environments.get(name)
        if there is not None and there.tenant and there.tenant.lower() != tenant.lower():
            raise UsageError("PBI106", f"the manifest says tenant {there.tenant} for {name!r}; --tenant says {tenant}")
    for name, client_id in answers.adopt.items():
        there = manifest.environments.get(name)
        if there is not None and (there.client_id or "").lower() != client_id.lower():
            raise UsageError(
                "PBI106",
                f"the environment {name!r} is in the manifest already; --adopt would give it another app",
                remedy=f'Write client_id = "{client_id}" into [environments.{name}], or choose another --env.',
            )


def need_answers(terminal: Terminal, answers: Answers, existing: Manifest | None, yes: bool) -> None:
    """Without a terminal every answer must be there. Raises UsageError naming the flags."""
    from pbisetup.model.errors import UsageError

    if answers.credential == "federated" and answers.federated is None and (yes or not terminal.interactive):
        raise UsageError(
            "PBI108",
            "--credential federated needs --federated, which says whose assertions the app takes",
            command="pbisetup init --federated github:OWNER/NAME:environment:ENV",
        )
    if yes or terminal.interactive:
        return
    flags = {"--name": answers.name, "--env": answers.environments, "--purpose": answers.purposes}
    flags["--workspace"] = answers.workspaces  # type: ignore[assignment]
    missing = [] if existing else [flag for flag, value in flags.items() if value is None]
    raise UsageError(
        "PBI108",
        "there is no terminal to ask in" + (f"; not answered: {', '.join(missing)}" if missing else ""),
        remedy="Add --yes to take the defaults for what no flag says and to agree to the plan.",
        command="pbisetup init --yes",
    )


def ask_first(terminal: Terminal, common: Common, answers: Answers, yes: bool) -> Answers:
    """The questions that need no sign-in."""
    name = _folder_name(common)
    if yes:
        return replace(
            answers,
            name=answers.name or name,
            environments=answers.environments or ("dev",),
            purposes=answers.purposes or ("automation",),
        )
    from pbisetup.ui import prompts

    terminal.say("This sets up an app that can call the Power BI and Fabric APIs.", "bold")
    terminal.say("Nothing is changed before you have seen the plan and said yes.")
    own = bool(answers.adopt)
    if not own:
        kinds = [("new", "a new app"), ("adopt", "one that exists: take it over")]
        own = prompts.choose("Which app?", kinds, "new") == "adopt"
    return _ask_rest(answers, name, adopts=own)


def _ask_rest(answers: Answers, folder: str, *, adopts: bool) -> Answers:
    from pbisetup.catalog.purposes import purposes
    from pbisetup.planning.credential_spec import FORMS, parse_trust
    from pbisetup.planning.manifest import environment_problem, is_guid, name_problem
    from pbisetup.ui import prompts

    if answers.name is None:
        answers = replace(answers, name=prompts.text("Name of the project:", folder, name_problem))
    if answers.environments is None:

        def check(text: str) -> str | None:
            parts = _split(text) or ()
            if not parts:
                return "name at least one, such as dev"
            return next((p for e in parts if (p := environment_problem(e))), None)

        answers = replace(
            answers, environments=_split(prompts.text("Environments (with commas: dev,test,prod):", "dev", check))
        )
    environments = answers.environments or ()
    if adopts and not answers.adopt:

        def is_id(text: str) -> str | None:
            return None if not text or is_guid(text) else "the Application (client) ID is a GUID; empty: a new app"

        answers = replace(answers, adopt=_for_each("Client id of the app for {}:", environments, is_id))
    if answers.purposes is None:
        options = [(p.name, p.title) for p in purposes().values()]
        answers = replace(answers, purposes=(prompts.choose("What is it for?", options, "automation"),))
    if answers.credential == "federated" and answers.federated is None:

        def whom(text: str) -> str | None:
            read = parse_trust(text)
            return read if isinstance(read, str) else None

        answers = replace(answers, federated=prompts.text(f"{WHOM} ({FORMS}):", "", whom))
    if answers.store is None and any(purposes()[p].sign_in == "app" for p in answers.purposes or ()):
        kept = [
            ("env-file", "in .env.<environment>, readable by you alone"),
            ("keyring", "in the keyring of this machine"),
            ("stdout", "printed once, I keep it myself"),
            ("certificate", "no secret: a certificate, its key beside .env.<environment>"),
        ]
        if answers.credential or answers.certificate or answers.federated:
            return replace(answers, store="env-file")
        store = prompts.choose("Where shall the secret be kept?", kept, "env-file")
        if store == "certificate":
            return replace(answers, credential="certificate", store="env-file")
        answers = replace(answers, store=store)
    return answers


def _for_each(question: str, names: Sequence[str], check: Callable[[str], str | None]) -> dict[str, str]:
    from pbisetup.ui import prompts

    given = {name: prompts.text(question.format(name), "", check) for name in names}
    return {name: answer for name, answer in given.items() if answer}


def _folder_name(common: Common) -> str:
    """The folder's name, made fit for a project's name."""
    from pbisetup.planning.manifest import MAX_NAME

    kept = "".join(c if c.isprintable() else "-" for c in common.manifest_path.parent.name).strip()
    return re.sub(r"\s+", " ", kept)[:MAX_NAME] or "pbisetup"


# -- after sign-in -----------------------------------------------------------------------------------------------


def subject_asked(terminal: Terminal, reach: Network, answers: Answers, yes: bool) -> Answers:
    """Where the platform could not be asked for the exact subject, the person is: it is never made up from names."""
    from pbisetup.model.facts import Known
    from pbisetup.planning.credential_spec import parse_trust
    from pbisetup.services.trust import resolve

    trust = parse_trust(answers.federated) if answers.federated is not None else ""
    if yes or not terminal.interactive or isinstance(trust, str) or trust.issuer != "github" or trust.subject:
        return answers
    fact = resolve(reach, trust)
    if isinstance(fact, Known):
        return answers
    from pbisetup.ui import prompts
    from pbisetup.ui.terminal import visible

    reason = getattr(fact, "reason", "")
    terminal.wrapped(f"The subject of its assertions could not be read: {visible(reason)}", "")
    subject = prompts.text("Subject, as a job's own assertion shows it (empty: later):")
    return replace(answers, subject=subject.strip() or None)


def ask_workspaces(sessions: Mapping[str, Session], answers: Answers, yes: bool) -> Answers:
    """Which workspaces each environment should reach; only asked where no flag said so. `sessions`: by environment."""
    from pbisetup.execution.converge import visible_workspaces
    from pbisetup.planning.wanted import reaches_workspaces

    if answers.workspaces is not None or not reaches_workspaces(answers.purposes or ("automation",)):
        return answers

    seen = {id(session): [name for _, name in visible_workspaces(session)] for session in sessions.values()}
    listed = {name: seen[id(session)] for name, session in sessions.items()}
    guessed = {name: _guess(name, listed[name]) for name in sessions}
    if yes or not any(listed.values()):
        return replace(answers, workspaces=guessed)
    from pbisetup.ui import prompts

    chosen = {
        name: tuple(prompts.choose_some(f"Workspaces for {name}:", [(w, w) for w in listed[name]], guessed[name]))
        if listed[name]
        else ()
        for name in sessions
    }
    return replace(answers, workspaces=chosen)


def _guess(environment: str, listed: list[str]) -> tuple[str, ...]:
    """The one workspace whose name holds the environment's as a word, else the only one there is, else none."""
    fitting = [w for w in listed if environment in re.split(r"[^a-z0-9]+", w.lower())]
    if len(fitting) == 1:
        return (fitting[0],)
    return (listed[0],) if len(listed) == 1 else ()


def environment_table(answers: Answers, environment: str, tenant: str | None, *, added: bool) -> dict[str, Any]:
    """One environment's table of the manifest. `tenant`: where it is not the project's; `added`: to a manifest whose
    defaults may be others than what was asked for now.
    """
    from pbisetup.catalog.purposes import least_role
    from pbisetup.planning.manifest import is_guid

    role = answers.role or least_role(answers.purposes or ("automation",))
    listed = [
        {
            "id" if is_guid(each) else "name": each,
            "role": role,
            **({"create": True} if answers.creates and not is_guid(each) else {}),
        }
        for each in (answers.workspaces or {}).get(environment, ())
    ]
    entry = {
        "tenant": tenant,
        "purposes": list(answers.purposes) if added and answers.purposes else None,
        "client_id": answers.adopt.get(environment),
        "credential": credential_table(answers) if added and _says_credential(answers) else None,
        "groups": {"api": answers.group} if answers.group else None,
        "workspaces": listed,
        "capacity": answers.capacity,
        "redirect_uris": list(answers.redirect_uris) or None,
        "consent": answers.consent,
    }
    return {key: value for key, value in entry.items() if value is not None}
