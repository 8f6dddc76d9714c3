"""Collects repositories of an OCI image registry: tagged images, and what is attached to them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256

from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import Pages, Request, accesses, accounted
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("image",)
PAGE = 100
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
COSIGN = (".sig", ".att", ".sbom")
"""How cosign names what it attaches where a registry has no referrers: the tag ``sha256-DIGEST`` and one of these."""


class OciCollector:
    """Repositories of one registry, each a scope. Nothing but manifests is fetched."""

    kind = "oci-registry/1"
    name = CollectorName("oci-registry", "1")

    def __init__(
        self, *, url: str, repositories: Sequence[str], clock: Callable[[], datetime], token: str | None = None,
        patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        """``token`` is a bearer token, or USER:PASSWORD."""
        basic = token is not None and ":" in token
        secret = base64.b64encode(token.encode()).decode() if token is not None and basic else token
        self._api = Api("oci", url, secret, sent_behind="Basic " if basic else "Bearer ", patience=patience)
        self._repositories = tuple(dict.fromkeys(named(one) for one in repositories))
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every repository once. Raises InputRefused for an address that may not be asked."""
        for repository in self._repositories:
            asker = RestAsker(self._api, self._clock)
            tally = Tally(repository, FACTS)
            try:
                yield from accounted(tally, _Repository(asker, tally, repository).answers())
            finally:
                asker.close()

    def check(self) -> Sequence[Access]:
        """Ask of each repository for one tag."""
        asker = RestAsker(self._api, self._clock)
        try:
            return [
                access
                for one in self._repositories
                for access in accesses([(partial(_first, asker, one), FACTS)], f"oci:tags {one}", FACTS)
            ]
        finally:
            asker.close()


def named(repository: str) -> str:
    """A repository's name (OCI distribution specification, "Pulling manifests"). Raises InputRefused."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789._-/")
    if (
        not repository
        or not set(repository) <= allowed
        or not all(part.strip(".") for part in repository.split("/"))
    ):
        raise InputRefused(f"{repository!r} is no repository of images.", field="repositories")
    return repository


def _first(asker: RestAsker, repository: str) -> Answer:
    return asker.ask("tags", f"v2/{repository}/tags/list", {"n": 1}, scope=repository)


class _Repository:
    """One run over one repository.

    1. Walk its tags.
    2. Fetch the manifest of each; the digest is of the bytes that came.
    3. Of each digest, ask for its referrers, and for what cosign attached by tag.
    4. Walk the tags again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, asker: RestAsker, tally: Tally, name: str) -> None:
        self._asker = asker
        self._tally = tally
        self._name = name
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response]:
        yield from reconciled(self._tally, "tags", self._everything, self._tags)

    def _everything(self, moment: str) -> Step[set[str]]:
        tags = yield from self._tags(moment)  # 1
        wanted = {tag for tag in tags or () if not _is_attachment(tag)} - self._asked
        images: dict[str, list[Response]] = {}
        for tag in sorted(wanted):  # 2
            answer = self._manifest("manifest", tag)
            if answer.problem:
                yield answer.response
                self._tally.miss(answer.action, answer.problem, whole=True)
            else:
                images.setdefault(f"sha256:{sha256(answer.response.body).hexdigest()}", []).append(
                    answer.response
                )
            self._asked.add(tag)
        for digest, manifests in sorted(images.items()):  # 3
            yield from self._image(digest, manifests, tags or set())
            self._tally.got += 1
        return tags

    def _tags(self, moment: str) -> Step[set[str]]:
        first: Request = (f"v2/{self._name}/tags/list", {"n": PAGE})
        pages = Pages(self._asker, "tags", first, self._name, about={"moment": moment})
        tags: set[str] = set()
        for answer in pages:
            self._tally.pages += 1
            yield answer.response
            found = answer.said.get("tags") if isinstance(answer.said, dict) else None
            if answer.problem is None and not (found is None or isinstance(found, list)):
                self._tally.gap("oci:tags gave no list of tags")
                return None
            tags |= {str(tag) for tag in found or ()}
        return tags if pages.end(self._tally) else None

    def _image(self, digest: str, manifests: list[Response], tags: set[str]) -> Iterator[Response]:
        resource = f"{self._name}@{digest}"
        for response in manifests:
            yield replace(response, request={**response.request, "resource": resource}, joined=resource)
        referrers = self._asker.ask(
            "referrers",
            f"v2/{self._name}/referrers/{digest}",
            scope=self._name,
            resource=resource,
            joined=resource,
        )
        yield referrers.response
        if referrers.problem and referrers.problem.kind != "absent":
            self._tally.miss(referrers.action, referrers.problem, whole=False)
        base = digest.replace(":", "-")
        for tag in (f"{base}{suffix}" for suffix in ("", *COSIGN)):
            if tag in tags:
                answer = self._manifest("attached", tag, resource)
                yield answer.response
                if answer.problem:
                    self._tally.miss(answer.action, answer.problem, whole=False)

    def _manifest(self, operation: str, tag: str, resource: str = "") -> Answer:
        return self._asker.ask(
            operation, f"v2/{self._name}/manifests/{tag}", scope=self._name, accept=MANIFESTS, resource=resource,
            joined=resource,
        )  # fmt: skip


def _is_attachment(tag: str) -> bool:
    return tag.startswith("sha256-")
