"""Values that cannot be meant are refused before anything is made, by a message that names them and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.helm import HelmError
from manifests.chart_files import CHART, CRD_CHART

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.helm import Helm

HALF = [{"cidr": "192.0.2.1/32", "ports": [6443]}]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replcas": 3}, "replcas"),
        ({"image": {"digset": "x"}}, "digset"),
        ({"metrics": {"serviceMonitor": {"enabled": True}}}, "serviceMonitor"),
        ({"networkPolicy": {"egress": []}}, "egress"),
        ({"resources": {"limit": {}}}, "limit"),
        ({"extraEnv": [{"nane": "A"}]}, "nane"),
        ({"replicas": "2"}, "/replicas"),
        ({"replicas": 0}, "/replicas"),
        ({"namespaces": "team-a"}, "/namespaces"),
        ({"namespaces": ["Team_A"]}, "/namespaces/0"),
        ({"image": {"digest": "sha256:123"}}, "/image/digest"),
        ({"metrics": {"monitor": "both"}}, "/metrics/monitor"),
        ({"metrics": {"interval": "5s"}}, "/metrics/interval"),
        ({"extraArgs": ["sweep-period=5"]}, "/extraArgs/0"),
        ({"podLabels": {"a": 1}}, "/podLabels/a"),
        ({"httpPort": 80}, "/httpPort"),
        ({"networkPolicy": {"providers": [{"cidr": "keystone.example.org", "ports": [443]}]}}, "/providers/0/cidr"),
    ],
)
def test_a_misspelt_value_and_a_wrong_type_are_refused_by_name(
    helm: Helm, values: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(HelmError, match=said):
        helm.render(CHART, values)


def test_the_chart_of_the_crds_takes_no_values(helm: Helm) -> None:
    with pytest.raises(HelmError, match="keep"):
        helm.render(CRD_CHART, {"keep": False})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"serviceAccount": {"create": False}}, r"serviceAccount\.name must say"),
        (
            {"namespaces": ["a"], "verbsPolicy": {"enabled": True}},
            r"set verbsPolicy\.enabled=false and have a cluster administrator apply deploy/components/verbs-policy",
        ),
        (
            {"namespaces": ["a"], "rbac": {"userRoles": "Create"}},
            r"set rbac\.userRoles=Skip and have a cluster administrator",
        ),
        ({"namespaces": ["a"], "credentialNamespaces": ["b"]}, "credentialNamespaces names b"),
        ({"networkPolicy": {"apiServer": HALF}}, "name both, or none"),
        ({"networkPolicy": {"providers": HALF}}, "name both, or none"),
        ({"extraArgs": ["--namespace=a"]}, "use the value namespaces"),
        ({"extraArgs": ["--lease-namespace=a"]}, "take it away"),
        ({"extraEnv": [{"name": "OSMIG_LEASE_NAME", "value": "a"}]}, "use the value nameOverride"),
    ],
)
def test_values_that_cannot_work_together_are_refused_with_what_to_do(
    helm: Helm, values: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(HelmError, match=said):
        helm.render(CHART, values)


def test_a_parent_chart_may_hand_down_its_globals(helm: Helm) -> None:
    assert helm.render(CHART, {"global": {"region": "one"}}) == helm.render(CHART)
