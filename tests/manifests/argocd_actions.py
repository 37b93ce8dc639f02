"""Argo CD's resource actions for a Migration, one per verb, made of the operator's own table of what is legal when.

An action sets the verb's annotation to the time, which is a token that was not there before. Lua 5.1 as Argo CD has it:
base, table, ``os.date``.
"""

from __future__ import annotations

import textwrap

from osmig.api.migration import MigrationStatus
from osmig.api.names import MigrationType, Phase, Verb, verb_annotation
from osmig.domain.verbs import is_legal

KEY = "resource.customizations.actions.osmig.dev_Migration"
ICONS = {
    Verb.ABORT: "fa fa-fw fa-stop",
    Verb.FORCE_COMPLETE: "fa fa-fw fa-forward",
    Verb.CONFIRM: "fa fa-fw fa-check",
    Verb.REVERT: "fa fa-fw fa-undo",
    Verb.RETRY: "fa fa-fw fa-repeat",
    Verb.RECONCILE: "fa fa-fw fa-sync",
    Verb.RUN_NOW: "fa fa-fw fa-play",
}
ONLY_FOR = {Verb.FORCE_COMPLETE: MigrationType.LIVE_MIGRATION, Verb.RUN_NOW: MigrationType.MAILBOX_MIGRATION}
"""Nova can hurry a live move alone; only a job of mailboxes has executions."""

_DISCOVERY = """\
-- false where the table has no such order now: docs/openstack.md, What happens when
local legal = {{
{legal}}}
local status, actions = obj.status or {{}}, {{}}
local phase = status.phase or "{unseen}"
local kind = obj.spec.type
{actions}return actions
"""
_ACTION = """\
if obj.metadata.annotations == nil then obj.metadata.annotations = {{}} end
obj.metadata.annotations["{annotation}"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
"""


def render_discovery() -> str:
    """Return the Lua that says which actions there are, and which are disabled now."""
    legal = "".join(f'  ["{verb}"] = {{{_list_phases(verb)}}},\n' for verb in Verb)
    actions = "".join(
        f'actions["{verb}"] = {{["disabled"] = not (legal["{verb}"][phase]{_of_type(verb)}), '
        f'["iconClass"] = "{ICONS[verb]}"}}\n'
        for verb in Verb
    )
    return _DISCOVERY.format(legal=legal, actions=actions, unseen=Phase.PENDING)


def render_action(verb: Verb) -> str:
    """Return the Lua that gives an order."""
    return _ACTION.format(annotation=verb_annotation(verb))


def render_actions() -> str:
    """Return the value of Argo CD's key: discovery, and one definition per verb, as YAML."""
    definitions = "".join(
        f"- name: {verb}\n  action.lua: |\n{textwrap.indent(render_action(verb), '    ')}" for verb in Verb
    )
    return f"discovery.lua: |\n{textwrap.indent(render_discovery(), '  ')}definitions:\n{definitions}"


def _list_phases(verb: Verb) -> str:
    return ", ".join(f"{phase} = true" for phase in Phase if is_legal(verb, MigrationStatus(phase=phase)))


def _of_type(verb: Verb) -> str:
    return f' and kind == "{ONLY_FOR[verb]}"' if verb in ONLY_FOR else ""
