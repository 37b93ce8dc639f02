"""What a Secret shows of itself."""

from __future__ import annotations

from osmig.kube.secrets import SecretValues


def test_a_secret_is_a_mapping_that_shows_only_its_keys() -> None:
    values = SecretValues({"clouds.yaml": b"hunter2", "ca": b""})

    assert values["clouds.yaml"] == b"hunter2"
    assert dict(values) == {"clouds.yaml": b"hunter2", "ca": b""}
    assert len(values) == 2
    assert (values.type, values.version) == ("Opaque", "")
    assert repr(values) == f"{values}" == "SecretValues(keys=['ca', 'clouds.yaml'])"
