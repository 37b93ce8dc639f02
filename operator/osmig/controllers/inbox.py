"""Per object: the newest body that was seen, and every verb seen since verbs were last recorded in status.

A verb that is set and removed again while a step is busy is still here for the next step, which records it in status.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from osmig.api.names import Kind, Verb, verb_annotation
from osmig.api.plan_names import PlanVerb
from osmig.controllers.claims import has_ended, is_under_way
from osmig.controllers.keys import Key
from osmig.controllers.mirror_marks import keep_marks
from osmig.controllers.plan_owners import keep_owner
from osmig.domain.observation import VerbRequest
from osmig.domain.plans.observation import PlanVerbRequest
from osmig.domain.verbs import bound_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from enum import StrEnum

_MAX_VERB_REQUESTS = 20
"""Verb requests kept per object until a step records them; a script that writes faster loses the oldest."""


_PARTS = ("apiVersion", "kind", "spec", "status")
_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation", "deletionTimestamp", "finalizers")
_VERB_ANNOTATIONS = tuple(dict.fromkeys(verb_annotation(verb) for verb in (*Verb, *PlanVerb)))
_FASTEST = 1

T = TypeVar("T")


@dataclass(slots=True)
class Entry:
    """One object as last seen.

    Attributes:
        uid: another object of the same name has another.
        resource_version: as the API server gave it.
        kept: what is read of the body; as text while nothing is under way, for those are many, are rarely looked at,
            and take a fraction of the memory so. The same of plans, which may be large.
        verb_requests: verbs seen and not recorded in status yet, oldest first, as the decisions of the kind know them.
        parsed: a resourceVersion, and the object as parsed from its body.
        is_being_deleted: its deletion may wait for us; of one that has finished, nothing waits.
        provider_name: of the Provider that its spec names; empty where it names none.
    """

    uid: str
    resource_version: str
    kept: Mapping[str, Any] | bytes
    verb_requests: list[Any] = field(default_factory=list)
    seen: dict[StrEnum, str] = field(default_factory=dict)
    parsed: tuple[str, Any] | None = None
    is_being_deleted: bool = False
    provider_name: str = ""

    @property
    def body(self) -> Mapping[str, Any]:
        """What is read of the object as the API server sent it; never changed in place."""
        if isinstance(self.kept, bytes):
            body: Mapping[str, Any] = json.loads(zlib.decompress(self.kept))
            return body
        return self.kept

    def parse(self, parse: Callable[[Mapping[str, Any]], T]) -> T:
        """Return the body as ``parse`` reads it; the same body is parsed once, for a step looks at it several times.

        Raises:
            InvalidManifest: as ``parse`` does.
        """
        known = self.parsed
        if known is None or known[0] != self.resource_version:
            self.parsed = known = (self.resource_version, parse(self.body))
        parsed: T = known[1]
        return parsed

    @property
    def version(self) -> int:
        """The resourceVersion as a number, which Kubernetes makes comparable; 0 where it is not one."""
        return _to_number(self.resource_version)


class Inbox:
    """All objects known to this process."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}

    def offer(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Take a body from the watch, a list, or the answer to an own write; say whether it brought anything new.

        Bodies may arrive out of order: an older one never replaces a newer one, but the verbs it shows count.
        """
        key = key_of(kind, body)
        entry = self._entries.get(key)
        uid, word = str(body["metadata"]["uid"]), read_version(body)
        version = _to_number(word)
        if entry is not None and entry.uid != uid and version and version < entry.version:
            # an earlier object of this name, out of a list that was begun before it was deleted
            return False
        if entry is None or entry.uid != uid:
            self._entries[key] = entry = _read(kind, body)
            _collect(kind, entry, body)
            return True
        has_new = _collect(kind, entry, body)
        if (version != 0 and version <= entry.version) or word == entry.resource_version:
            # as the watch brings every own write again, whose answer was taken already
            return has_new
        fresh = _read(kind, body)
        entry.kept, entry.resource_version = fresh.kept, fresh.resource_version
        entry.is_being_deleted, entry.provider_name = fresh.is_being_deleted, fresh.provider_name
        return True

    def knows(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Whether to take a body would bring nothing: this very version was taken, and its verbs were seen last."""
        entry = self._entries.get(key_of(kind, body))
        if entry is None or not (version := read_version(body)):
            return False
        is_same = entry.uid == str(body["metadata"]["uid"]) and entry.resource_version == version
        return is_same and not any(_find_unseen(kind, entry, body))

    def get(self, key: Key) -> Entry | None:
        """Return the object's entry, ``None`` when there is no such object."""
        return self._entries.get(key)

    def forget(self, key: Key, uid: str | None = None) -> Entry | None:
        """Drop an object that is gone, with ``uid`` only if it is that very one; return what was known of it."""
        entry = self._entries.get(key)
        if entry is None or (uid is not None and entry.uid != uid):
            return None
        return self._entries.pop(key)

    def drop_parsed(self, key: Key) -> None:
        """Keep an object as its body alone: parsed, it would take several times the memory until its next step."""
        entry = self._entries.get(key)
        if entry is not None:
            entry.parsed = None

    def settle(self, key: Key, verb_requests: Iterable[VerbRequest | PlanVerbRequest]) -> None:
        """Drop verb requests that status records now; those that came meanwhile stay."""
        entry = self._entries.get(key)
        if entry is not None:
            done = list(verb_requests)
            entry.verb_requests = [request for request in entry.verb_requests if request not in done]

    def keys(self, kind: Kind) -> tuple[Key, ...]:
        """Return the keys of all objects of a kind."""
        return tuple(key for key in self._entries if key.kind is kind)

    def __len__(self) -> int:
        """Count the objects."""
        return len(self._entries)


def read_version(body: Mapping[str, Any]) -> str:
    """Return the resourceVersion of the object in ``body``, empty where it has none."""
    return str(body["metadata"].get("resourceVersion", ""))


def _to_number(version: str) -> int:
    return int(version) if version.isdigit() else 0


def key_of(kind: Kind, body: Mapping[str, Any]) -> Key:
    """Return the key of the object in ``body``."""
    metadata = body["metadata"]
    return Key(kind, metadata["namespace"], metadata["name"])


def keep_read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an object what is read of it, whoever sends it: other people's metadata may be of any size.

    Labels, other annotations (with kubectl's copy of the whole manifest) and owners go, but for what tells a mirror or
    makes a Migration a plan's; managedFields go as well unless a verb is set, whose tool they name. A verb's value is
    bounded.
    """
    metadata = body["metadata"]
    kept = {name: metadata[name] for name in _METADATA if name in metadata}
    kept |= keep_marks(metadata)
    annotations = metadata.get("annotations") or {}
    kept |= keep_owner(metadata)
    verbs = {name: bound_token(annotations[name]) for name in _VERB_ANNOTATIONS if name in annotations}
    if verbs:
        kept["annotations"] = verbs
        if "managedFields" in metadata:
            kept["managedFields"] = metadata["managedFields"]
    return {**{name: body[name] for name in _PARTS if name in body}, "metadata": kept}


def _read(kind: Kind, body: Mapping[str, Any]) -> Entry:
    """Leave out what no step reads: managedFields alone are more than half of an object's memory."""
    kept = keep_read(body)
    kept["metadata"].pop("managedFields", None)
    status = kept.get("status") or {}
    return Entry(
        uid=str(kept["metadata"]["uid"]),
        resource_version=read_version(body),
        kept=_pack(kept) if kind is Kind.PLAN or (kind is Kind.MIGRATION and not is_under_way(status)) else kept,
        is_being_deleted="deletionTimestamp" in kept["metadata"] and not has_ended(status),
        provider_name=str(((kept.get("spec") or {}).get("providerRef") or {}).get("name", "")),
    )


def _pack(body: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(body, separators=(",", ":")).encode(), _FASTEST)


def _collect(kind: Kind, entry: Entry, body: Mapping[str, Any]) -> bool:
    """Note the verbs whose value differs from the one seen last; say whether there was one."""
    has_new = False
    for verb, token in _find_unseen(kind, entry, body):
        entry.seen[verb] = token
        entry.verb_requests.append(_request(verb, token, find_manager(body, verb_annotation(verb))))
        has_new = True
    del entry.verb_requests[:-_MAX_VERB_REQUESTS]
    return has_new


def _find_unseen(kind: Kind, entry: Entry, body: Mapping[str, Any]) -> Iterator[tuple[Verb | PlanVerb, str]]:
    annotations = body["metadata"].get("annotations")
    for verb in (PlanVerb if kind is Kind.PLAN else Verb) if annotations else ():
        value = annotations.get(verb_annotation(verb))
        if value is not None and entry.seen.get(verb) != (token := bound_token(value)):
            yield verb, token


def _request(verb: Verb | PlanVerb, token: str, manager: str) -> VerbRequest | PlanVerbRequest:
    if isinstance(verb, PlanVerb):
        return PlanVerbRequest(verb=verb, token=token, field_manager=manager)
    return VerbRequest(verb=verb, token=token, field_manager=manager)


def find_manager(body: Mapping[str, Any], annotation: str) -> str:
    """Return which tool owns an annotation as managedFields tell, newest first; empty when none does."""
    owners = [
        (str(managed.get("time", "")), str(managed.get("manager", "")))
        for managed in body["metadata"].get("managedFields") or ()
        if f"f:{annotation}" in _owned_annotations(managed)
    ]
    return max(owners, default=("", ""))[1]


def _owned_annotations(managed: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = (managed.get("fieldsV1") or {}).get("f:metadata") or {}
    annotations: Mapping[str, Any] = metadata.get("f:annotations") or {}
    return annotations
