"""What `$filter` and `$orderby` may ask of the directory's objects, and which of it needs an advanced query.

source: msgraph-sdk 1.65 models ("Supports $filter (...)" of each property); which operators are advanced:
concepts/aad-advanced-queries.md and its include filter-directory-objects.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.relations import RELATIONS
from pbisetup.sandbox.graph.schema import ENTITIES, Entity
from pbisetup.sandbox.odata import Expression

_ORDERED = "eq ne not ge le in startswith"
_FLAG = "eq ne not in"
_TIME = "eq ne not ge le in"
_LIST = "eq not ge le startswith"
_COUNT_0 = "count0"
_COUNT_1 = "count0 count1"


def _all(operators: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), operators)


FILTERS: Final[dict[str, dict[str, str]]] = {
    "application": {
        **_all("eq ne not in", "id"),
        **_all("eq in", "appId"),
        # guess: the models name no operator for uniqueName, but it is a key.
        **_all("eq in", "uniqueName"),
        **_all(_ORDERED, "displayName"),
        **_all("eq ne not ge le startswith", "description"),
        **_all(_TIME, "createdDateTime deletedDateTime"),
        **_all("eq ne not", "applicationTemplateId disabledByMicrosoftStatus signInAudience"),
        **_all("eq ne not ge le", "info"),
        **_all("eq ne not ge le startswith", "identifierUris publisherDomain"),
        **_all("eq not ge le", "keyCredentials requiredResourceAccess"),
        **_all(_LIST, "tags"),
        **_all(_COUNT_1, "owners"),
        **_all(_COUNT_0, "extensionProperties"),
        **_all(f"startswith {_COUNT_0}", "federatedIdentityCredentials"),
    },
    "servicePrincipal": {
        **_all("eq ne not in", "id"),
        **_all("eq ne not in startswith", "appId"),
        **_all(_ORDERED, "displayName"),
        **_all("eq ne not ge le startswith", "description"),
        **_all(_TIME, "createdDateTime deletedDateTime"),
        **_all(_FLAG, "accountEnabled"),
        **_all("eq ne not ge le", "appOwnerOrganizationId info"),
        **_all("eq ne not", "appRoleAssignmentRequired applicationTemplateId disabledByMicrosoftStatus"),
        # guess: no model names it, but scripts rely on it.
        **_all("eq ne not in", "servicePrincipalType"),
        **_all("eq not ge le", "keyCredentials"),
        **_all(_LIST, "alternativeNames servicePrincipalNames tags"),
        **_all(_COUNT_1, "owners ownedObjects"),
        **_all(_COUNT_0, "federatedIdentityCredentials"),
    },
    "group": {
        **_all("eq ne not in", "id"),
        **_all("eq in", "uniqueName"),  # guess, as above
        **_all(_ORDERED, "displayName mail mailNickname onPremisesSamAccountName preferredLanguage"),
        **_all("eq ne not ge le startswith", "classification description membershipRule"),
        **_all(_TIME, "deletedDateTime expirationDateTime onPremisesLastSyncDateTime renewedDateTime"),
        **_all("eq ne not", "isAssignableToRole mailEnabled"),
        **_all(_FLAG, "membershipRuleProcessingState onPremisesSyncEnabled securityEnabled"),
        **_all("eq", "assignedLicenses hasMembersWithLicenseErrors onPremisesSecurityIdentifier"),
        **_all("eq not", "groupTypes onPremisesProvisioningErrors serviceProvisioningErrors"),
        **_all("eq not startswith", "resourceProvisioningOptions"),
        **_all(f"{_LIST} endswith {_COUNT_0}", "proxyAddresses"),
        **_all(_COUNT_1, "owners"),
    },
    "user": {
        **_all("eq ne not in", "id"),
        **_all(
            _ORDERED,
            "city companyName country department displayName employeeId employeeType faxNumber givenName jobTitle "
            "mailNickname mobilePhone officeLocation onPremisesSamAccountName onPremisesUserPrincipalName "
            "postalCode preferredLanguage state streetAddress surname usageLocation",
        ),
        **_all(f"{_ORDERED} endswith", "mail userPrincipalName"),
        **_all(f"{_LIST} in endswith {_COUNT_0}", "otherMails"),
        **_all(f"{_LIST} endswith {_COUNT_0}", "proxyAddresses"),
        **_all(_LIST, "businessPhones imAddresses securityIdentifier"),
        **_all(
            _TIME,
            "createdDateTime deletedDateTime employeeHireDate employeeLeaveDateTime employeeOrgData "
            "onPremisesImmutableId onPremisesLastSyncDateTime",
        ),
        **_all(
            _FLAG,
            "accountEnabled ageGroup consentProvidedForMinor creationType externalUserState "
            "externalUserStateChangeDateTime onPremisesExtensionAttributes onPremisesSyncEnabled passwordProfile "
            "userType",
        ),
        **_all("eq ne", "isResourceAccount"),
        **_all("eq not", "assignedPlans serviceProvisioningErrors"),
        **_all(f"eq not {_COUNT_0}", "assignedLicenses"),
        **_all("eq not ge le", "onPremisesProvisioningErrors provisionedPlans"),
        **_all("eq", "identities onPremisesSecurityIdentifier"),
        **_all("eq ne not", "passwordPolicies"),
        **_all("eq ne not ge le", "signInActivity"),
        **_all(_COUNT_1, "ownedObjects"),
    },
    "directoryRole": _all("eq", "id description displayName roleTemplateId"),
}

ADVANCED_OPERATORS: Final = frozenset({"ne", "not", "endswith", "count0", "count1"})
ADVANCED_PROPERTIES: Final = frozenset(
    _all(
        "",
        "companyName employeeHireDate employeeType faxNumber mobilePhone officeLocation onPremisesExtensionAttributes "
        "onPremisesImmutableId onPremisesLastSyncDateTime onPremisesSamAccountName passwordPolicies postalCode "
        "preferredLanguage streetAddress",
    )
)
"""Every operator on these needs an advanced query."""
ADVANCED_PAIRS: Final = frozenset(
    {("accountEnabled", "ge"), ("accountEnabled", "le"), ("createdDateTime", "in"), ("deletedDateTime", "in")}
)

# property -> whether it sorts by default or in an advanced query only.
SORTS: Final[dict[str, dict[str, str]]] = {
    "application": {"createdDateTime": "advanced", "deletedDateTime": "advanced", "displayName": "advanced"},
    "group": {"deletedDateTime": "advanced", "displayName": "default"},
    "servicePrincipal": {"createdDateTime": "advanced", "deletedDateTime": "advanced", "displayName": "advanced"},
    "user": {
        "createdDateTime": "advanced",
        "deletedDateTime": "advanced",
        "displayName": "default",
        "userPrincipalName": "default",
    },
}

_KINDS: Final = {"eq": "Equal", "ne": "NotEqual", "ge": "GreaterThanOrEqual", "le": "LessThanOrEqual",
                 "gt": "GreaterThan", "lt": "LessThan"}  # fmt: skip
_LITERALS: Final = {"string": "Edm.String", "guid": "Edm.Guid", "date": "Edm.DateTimeOffset", "bool": "Edm.Boolean",
                    "number": "Edm.Int32"}  # fmt: skip
_GUIDS: Final = frozenset({"appOwnerOrganizationId", "tokenEncryptionKeyId", "keyId"})
_FLAGS: Final = frozenset(
    {
        "accountEnabled",
        "hasMembersWithLicenseErrors",
        "isArchived",
        "isResourceAccount",
        "onPremisesSyncEnabled",
        "showInAddressList",
    }
)

MOST_CLAUSES: Final = 15
"""source: a published script quotes the refusal of 18 clauses by OR, of 2019-12; that `in` counts alike: guess."""


@dataclass(frozen=True)
class Use:
    """One comparison of a filter."""

    path: tuple[str, ...]
    operator: str
    expression: Expression
    element: tuple[str, ...] | None = None
    """Inside a lambda: the path from the element on; `path` is then that of the collection."""


def check(expression: Expression, kind: str, *, beta: bool) -> str | None:
    """The first operator that only an advanced query serves, or None. Raises GraphError for what no query serves."""
    spec, supported = ENTITIES[kind], FILTERS.get(kind)
    advanced: str | None = None
    for use in _uses(expression, negated=False):
        name = use.path[0]
        if name not in RELATIONS.get(kind, {}) and name != "id" and not spec.knows(name, beta=beta):
            raise GraphError("filter_property", property=name, type=kind)
        inner = spec.nested(name)
        if len(use.path) > 1 and inner is not None and use.path[1] not in (*inner, "$count"):
            raise GraphError("filter_property", property=use.path[1], type=name)
        _check_types(spec, use)
        if supported is None:
            continue
        words = supported.get(spec.beta.get(name) or name, "").split()
        if use.operator not in words:
            raise GraphError("query_unsupported", property=name, resource=spec.resource)
        pair = (name, use.operator)
        if use.operator in ADVANCED_OPERATORS or name in ADVANCED_PROPERTIES or pair in ADVANCED_PAIRS:
            advanced = advanced or _spelling(use.operator)
        elif use.operator == "eq" and use.expression.value is None and use.element is None:
            advanced = advanced or "eq null"  # the include's column "null values"
    return advanced


def widest(expression: Expression) -> int:
    """The most clauses that any OR of the filter joins, or that any `in` lists."""
    own = len(expression.value) if expression.op == "in" else 0
    if expression.op == "or":
        own = sum(1 for _ in _alternatives(expression))
    return max([own, *(widest(part) for part in expression.parts)])


def _alternatives(expression: Expression) -> Iterator[Expression]:
    """The clauses of an OR, also of those that stand in it in parentheses."""
    for part in expression.parts:
        if part.op == "or":
            yield from _alternatives(part)
        else:
            yield part


def _spelling(operator: str) -> str:
    return {"endswith": "endsWith", "count0": "$count", "count1": "$count"}.get(operator, operator)


def _uses(expression: Expression, *, negated: bool) -> Iterator[Use]:
    if expression.op in ("and", "or"):
        for part in expression.parts:
            yield from _uses(part, negated=negated)
        return
    if expression.op == "not":
        yield from _uses(expression.parts[0], negated=True)
        return
    if expression.op in ("any", "all"):
        if negated:
            yield Use(expression.path, "not", expression)
        if expression.op == "all":
            yield Use(expression.path, "all", expression)
        if not expression.parts:
            yield Use(expression.path, "eq", expression, ())
        for part in expression.parts:
            for use in _uses(part, negated=False):
                # An element of an element is nothing that the directory serves.
                operator = use.operator if use.element is None else "any"
                yield Use(expression.path, operator, use.expression, use.path[1:])
        return
    if negated:
        yield Use(expression.path, "not", expression)
    yield Use(expression.path, _operator(expression), expression)


def _operator(expression: Expression) -> str:
    if expression.path[-1:] != ("$count",):
        return expression.op
    fits = expression.op in ("eq", "ne") and expression.value in (0, 1) and not isinstance(expression.value, bool)
    return f"count{expression.value}" if fits else "count"


def _check_types(spec: Entity, use: Use) -> None:
    operator, literal = use.expression.op, use.expression.literal
    if operator not in _KINDS or literal == "null" or use.operator in ("not", "all"):
        return
    path = use.path if use.element is None else use.element
    if path[-1:] == ("$count",):
        return
    left = _type(spec, use)
    right = _LITERALS[literal]
    if left is not None and left != right:
        raise GraphError("filter_types", left=left, right=right, operator=_KINDS[operator])


def _type(spec: Entity, use: Use) -> str | None:
    """The type of what is compared, or None where the table does not tell."""
    name = use.path[-1]
    if use.element is not None:
        if not use.element:
            return "Edm.String" if spec.writable.get(name) is list or name in spec.read_only else None
        name = use.element[-1]
    elif len(use.path) == 1 and spec.writable.get(name) is list:
        return "Collection(Edm.String)"
    if name in _GUIDS:
        return "Edm.Guid"
    if name.endswith("DateTime"):
        return "Edm.DateTimeOffset"
    if name in _FLAGS or spec.writable.get(name) is bool:
        return "Edm.Boolean"
    if len(use.path) == 1 and use.element is None and (name == "id" or spec.writable.get(name) is str):
        return "Edm.String"
    if name in ("appId", "resourceAppId", "userPrincipalName", "mail", "roleTemplateId"):
        return "Edm.String"
    return None
