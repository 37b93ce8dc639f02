"""The admission policy that asks for a right per verb, made of the table of verbs that the operator has.

A verb's annotation may be set, changed or carried into a new object only by who may ``update`` the virtual resource
``migrations/VERB`` or ``migrationplans/VERB`` of group osmig.dev there. To take an annotation away is free: it changes
nothing. The operator, which hands orders on from a plan to its Migrations, is known by its right to write a status.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from manifests.crd_files import ROOT
from osmig.api.names import GROUP, Verb
from osmig.api.plan_names import PlanVerb

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY = ROOT / "deploy" / "components" / "verbs-policy" / "policy.yaml"
FREE: frozenset[str] = frozenset({Verb.RECONCILE, PlanVerb.RECONCILE})
"""It only makes osmig read again."""
GUARDED = {
    "migrations": tuple(verb for verb in Verb if verb not in FREE),
    "migrationplans": tuple(verb for verb in PlanVerb if verb not in FREE),
}
"""By resource, the verbs that ask for a right."""
WORDS = tuple(dict.fromkeys(str(verb) for verbs in GUARDED.values() for verb in verbs))


def _wrap(words: Iterable[str], indent: int) -> str:
    """List words with commas, on as many lines as they need."""
    text = textwrap.fill(", ".join(words), width=100, break_on_hyphens=False)
    return text.replace("\n", "\n" + " " * indent)


_HEAD = f"""\
# Made of operator/osmig/api/names.py and plan_names.py: make charts
#
# Each verb's annotation may be set, changed or brought along by those alone who may update the virtual resource
# migrations/VERB, or migrationplans/VERB, of {GROUP}. To take one away is free.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: osmig-verbs
  labels:
    app.kubernetes.io/name: osmig
    app.kubernetes.io/part-of: osmig
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: # not migrations/status: annotations sent there are ignored by the API server
    - apiGroups: [{GROUP}]
      apiVersions: ["*"]
      operations: [CREATE, UPDATE]
      resources: [migrations, migrationplans]
      scope: Namespaced
  matchConditions:
  - name: not-the-operator # it alone may write a status, and hands the orders of a plan on to its Migrations
    expression: >-
      !authorizer.group('{GROUP}').resource(request.resource.resource).subresource('status')
      .namespace(request.namespace).name(request.name).check('update').allowed()
  variables:
  - name: new
    expression: "has(object.metadata.annotations) ? object.metadata.annotations : {{}}"
  - name: old
    expression: "oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {{}}"
  - name: asked # verbs whose annotation this request adds or changes
    expression: >-
      [{_wrap((f"'{verb}'" for verb in WORDS), 6)}].filter(v, ('{GROUP}/' + v) in variables.new &&
      !(('{GROUP}/' + v) in variables.old && variables.old['{GROUP}/' + v] == variables.new['{GROUP}/' + v]))
  validations: # one per verb: an authorizer check costs a third of what one expression may spend
"""
_VALIDATION = """\
  - expression: >-
      !('{verb}' in variables.asked) || authorizer.group('{group}').resource(request.resource.resource)
      .subresource('{verb}').namespace(request.namespace).name(request.name).check('update').allowed()
    reason: Forbidden
    messageExpression: >-
      'user ' + request.userInfo.username + ' may not set {group}/{verb}: it needs update on ' +
      request.resource.resource + '/{verb} ({group}), which the role osmig-verbs has'
"""
_TAIL = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: osmig-verbs
  labels:
    app.kubernetes.io/name: osmig
    app.kubernetes.io/part-of: osmig
spec:
  policyName: osmig-verbs
  validationActions: [Deny]
"""


_ROLE = """\
---
{comment}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: osmig
    app.kubernetes.io/part-of: osmig
{label}rules:
{rules}"""
_ADMINS = '    rbac.authorization.k8s.io/aggregate-to-admin: "true"\n'


def _rule(resources: str, verbs: str) -> str:
    resources = _wrap(resources.split(", "), 14)  # below the first
    return f"- apiGroups: [{GROUP}]\n  resources: [{resources}]\n  verbs: [{verbs}]\n"


_SEE = _rule("migrations, providers, migrationmappings, migrationplans", "get, list, watch")
_STEER = "".join(
    _rule(", ".join(f"{resource}/{verb}" for verb in verbs), "update") for resource, verbs in GUARDED.items()
)
_ROLES = (
    _ROLE.format(
        name="osmig-verbs",
        comment="# Whoever has the role admin in a namespace has all verbs there; bind it, or a part of it, to others.",
        label=_ADMINS,
        rules=_STEER,
    ),
    _ROLE.format(
        name="osmig-requester",
        comment=(
            "# To be bound in a namespace, to whom the roles view, edit and admin give too little or too much. Who "
            "orders moves and\n# steers none: without update, it cannot annotate what is there. Plans are not for it: "
            "they disable hosts."
        ),
        label="",
        rules=_SEE + _rule("migrations", "create, delete"),
    ),
    _ROLE.format(
        name="osmig-operator",
        comment="# Who steers what others ordered, and empties hosts.",
        label="",
        rules=_SEE
        + _rule("migrations", "update, patch")
        + _rule("migrationplans", "create, update, patch, delete")
        + _STEER,
    ),
)


def render_policy() -> str:
    """Return the policy, its binding and the roles, as YAML."""
    validations = (_VALIDATION.format(verb=verb, group=GROUP) for verb in WORDS)
    return "".join((_HEAD, *validations, _TAIL, *_ROLES))
