"""Reads entries of image registry collections: images with what is attached to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from collectors.fields import Fields, fragment, members, text, text_or_none, time_or_none
from collectors.forge.reading import answer, by_resource, is_absent
from collectors.items import SeenItem, items_of
from collectors.oci_registry.schemas import IMAGE
from collectors.rest.answers import problem_of, said
from compliance.canonical import Json
from compliance.facts import FactSchema, Opened, Reading, Unseen

ANNOTATION = "org.opencontainers.image."
SIGNATURES = ("cosign.artifact.sig", "notary.signature", "sigstore.bundle", "dev.cosign.simplesigning")
SBOMS = ("spdx", "cyclonedx", "syft", "sbom")
PROVENANCE = ("slsa", "provenance")
BY_TAG = {".sig": "cosign.artifact.sig", ".att": "cosign.attestation", ".sbom": "cosign.sbom"}
Said = Mapping[str, Json]


class OciReader:
    """Reads ``oci-registry/1``."""

    kinds: tuple[str, ...] = ("oci-registry/1",)
    schemas: tuple[FactSchema, ...] = (IMAGE,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each image that a tag names."""
        for resource, items in by_resource(items_of(opened)).items():
            manifest = answer(items, "manifest")
            if isinstance(manifest, Unseen) or not isinstance(manifest, dict):
                continue
            repository, _, digest = resource.partition("@")
            attached = _attached(items)
            fields: Fields = {
                "repository": partial(str, repository),
                "digest": partial(str, digest),
                "tags": partial(_tags, items),
                "media_type": partial(_media_type, manifest),
                "created": partial(_annotated, manifest, "created", time_or_none),
                **{
                    name: partial(_annotated, manifest, key, text_or_none)
                    for name, key in (("revision", "revision"), ("source", "source"), ("base", "base.name"))
                },
                "signatures": partial(_that, attached, lambda types: len(_like(types, SIGNATURES))),
                "signed": partial(_that, attached, lambda types: bool(_like(types, SIGNATURES))),
                "sbom": partial(_that, attached, lambda types: bool(_like(types, SBOMS))),
                "provenance": partial(_that, attached, lambda types: bool(_like(types, PROVENANCE))),
                "attached": partial(_that, attached, lambda types: sorted(set(types))),
            }
            yield fragment(items[0], "image", resource, "image", fields)


READER = OciReader()


def _tags(items: Sequence[SeenItem]) -> list[str]:
    paths = [str(one.item.request.get("path", "")) for one in items if one.operation == "manifest"]
    return sorted({path.rsplit("/", 1)[-1] for path in paths})


def _media_type(manifest: Said) -> str:
    return text(manifest.get("mediaType") or "application/vnd.oci.image.manifest.v1+json")


def _annotated(manifest: Said, name: str, read: Callable[[Json], Json]) -> Json:
    return read((manifest.get("annotations") or {}).get(f"{ANNOTATION}{name}"))


def _that(attached: list[str] | Unseen, read: Callable[[list[str]], Json]) -> Json | Unseen:
    return attached if isinstance(attached, Unseen) else read(attached)


def _like(types: Iterable[str], parts: Iterable[str]) -> list[str]:
    return [one for one in types if any(part in one.lower() for part in parts)]


def _attached(items: Sequence[SeenItem]) -> list[str] | Unseen:
    """What kinds of artifact are attached: one for each referrer, and for each tag of cosign's."""
    types: list[str] = []
    if not is_absent(items, "referrers"):
        referrers = answer(items, "referrers")
        if isinstance(referrers, Unseen):
            return referrers
        types += _referring(referrers)
    for seen in (one for one in items if one.operation == "attached"):
        problem = problem_of(seen.item.status, seen.body)
        if problem:
            return problem.unseen(seen.action)
        types += _by_tag(str(seen.item.request["path"]), said(seen.body))
    return types


def _referring(index: Json) -> list[str]:
    found = members(index.get("manifests") if isinstance(index, dict) else None, "manifests")
    return [
        f"{one.get('artifactType') or one.get('mediaType')} {(one.get('annotations') or {}).get('in-toto.io/predicate-type', '')}".strip()
        for one in found
    ]


def _by_tag(path: str, manifest: Json) -> list[str]:
    """A tag without suffix holds an index of referrers; one of cosign's a layer for each signature or attestation."""
    suffix = next((one for one in BY_TAG if path.endswith(one)), None)
    if suffix is None:
        return _referring(manifest)
    layers = members(manifest.get("layers") if isinstance(manifest, dict) else None, "layers")
    return [
        f"{BY_TAG[suffix]} {(one.get('annotations') or {}).get('predicateType', '')}".strip()
        for one in layers
    ]
