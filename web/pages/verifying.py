"""How to verify a page without trusting it: the values that it was computed from, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from compliance.checking import standing_of
from compliance.vouching import who_vouches
from web.pages.frame import Frame
from web.pages.visits import Visit, visiting
from web.problems import described

router = APIRouter(tags=["pages"], include_in_schema=False)
Anyone = Annotated[Visit, Depends(visiting("engineer", "auditor", "dpo"))]


@dataclass(frozen=True)
class VerifyPage:
    """Everything that the page shows."""

    frame: Frame
    checkpoint: str
    """Signed, of the size that the page was computed at."""
    vkey: str
    vouched_by: str
    standing: tuple[str, ...]
    """What verification on the schedule found last, and whether a second place guards against roll-back."""


@router.get("/verify", responses=described(401, 403, 404, 422))
def verify(visit: Anyone) -> Response:
    """How to verify what another page says."""
    log = visit.store.log
    page = VerifyPage(
        visit.frame, log.checkpoint(visit.basis.log_size), log.vkey,
        who_vouches(log, visit.store.settings.home / "log", visit.basis.log_size),
        tuple(standing_of(visit.store)),
    )  # fmt: skip
    return visit.page("verify.html", page)
