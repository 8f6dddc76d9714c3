"""The bank's datasets and what their contracts say. Names are those that lineage, contracts and manifests share."""

from __future__ import annotations

from dataclasses import dataclass, field

from compliance.canonical import Json

LAKE = "s3://meridian-lake"
CORE = "postgres://core.meridian-bank.example:5432"
CRM = "postgres://crm.meridian-bank.example:5432"
BUREAU = "sftp://bureau.example"
"""The card bureau, a processor of the bank, which prints the cards."""
DESK = "postgres://desk.meridian-bank.example:5432"
REGION = "eu-central-1"

FRAUD = "fraud-detection"
SERVICING = "card-servicing"
SUPPORT = "customer-support"
RELATIONS = "customer-relations"
MARKETING = "marketing"
CARD = "payment-card"
"""The key space of cards."""

REGISTER: tuple[dict[str, Json], ...] = (
    {"id": FRAUD, "lawful_basis": "legitimate-interests", "retention_days": 730},
    {"id": SERVICING, "lawful_basis": "contract", "retention_days": 1825},
    {"id": SUPPORT, "lawful_basis": "contract", "retention_days": 730},
    {"id": RELATIONS, "lawful_basis": "contract", "retention_days": 1095},
    {"id": MARKETING, "lawful_basis": "consent", "retention_days": 365},
)
"""The register of processing; the bank is the controller of all of it."""


@dataclass(frozen=True)
class Dataset:
    """A dataset: its columns with their sensitivity, whose records it holds, and what its contract permits.

    ``derived`` says for each column from which column of which dataset it is made.
    """

    namespace: str
    name: str
    columns: dict[str, str]
    purposes: tuple[str, ...] = ()
    key_spaces: tuple[str, ...] = ("customer",)
    retention_days: int = 365
    key_alias: str = "alias/meridian/lake"
    derived: dict[str, tuple[tuple[Dataset, str], ...]] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, str]:
        """How documents name it."""
        return {"namespace": self.namespace, "name": self.name}

    def contract(self, valid_from: str) -> dict[str, Json]:
        """Its data contract."""
        keys = {"customer_id": "customer", "card_id": CARD}
        columns = [
            {"name": name, "sensitivity": sensitivity, **({"key_space": keys[name]} if name in keys else {})}
            for name, sensitivity in self.columns.items()
        ]
        return {
            **self.identity, "permitted_purposes": list(self.purposes), "valid_from": valid_from,
            "retention_days": self.retention_days, "residency": [REGION], "key_spaces": list(self.key_spaces),
            "fields": columns, "encryption_key": self.key_alias, "owner": "data-platform",
        }  # fmt: skip


def _from(dataset: Dataset, **columns: str) -> dict[str, tuple[tuple[Dataset, str], ...]]:
    """Columns made of one column each of a single dataset."""
    return {column: ((dataset, source),) for column, source in columns.items()}


BOTH = ("customer", CARD)
PAYMENT = {
    "customer_id": "personal", "card_id": "card-data", "amount": "financial", "merchant": "internal",
    "booked_at": "internal",
}  # fmt: skip
SAME = {name: name for name in PAYMENT}
WITHOUT_CARD = {name: sensitivity for name, sensitivity in PAYMENT.items() if name != "card_id"}

CORE_PAYMENTS = Dataset(
    CORE, "core.public.card_payments", PAYMENT, (FRAUD, SERVICING), BOTH, 730, "alias/meridian/core"
)
RAW_PAYMENTS = Dataset(
    LAKE, "cards/raw_payments", PAYMENT, (FRAUD, SERVICING), BOTH, 365, "alias/meridian/cards",
    _from(CORE_PAYMENTS, **SAME),
)  # fmt: skip
PAYMENTS = Dataset(
    LAKE, "cards/payments", WITHOUT_CARD, (FRAUD, SERVICING), ("customer",), 365, "alias/meridian/cards",
    _from(RAW_PAYMENTS, **{name: name for name in WITHOUT_CARD}),
)  # fmt: skip
FRAUD_FEATURES = Dataset(
    LAKE, "cards/fraud_features",
    {"customer_id": "personal", "spend_7d": "financial", "merchants_7d": "internal", "night_share": "financial"},
    (FRAUD,), ("customer",), 365, "alias/meridian/features",
    {**_from(PAYMENTS, customer_id="customer_id", spend_7d="amount", merchants_7d="merchant", night_share="booked_at")},
)  # fmt: skip
FRAUD_SCORES = Dataset(
    LAKE, "cards/fraud_scores", {"customer_id": "personal", "score": "financial"}, (FRAUD, SERVICING), ("customer",),
    365, "alias/meridian/cards", _from(FRAUD_FEATURES, customer_id="customer_id", score="spend_7d"),
)  # fmt: skip

CONTACTS = Dataset(
    CRM, "crm.public.contacts", {"customer_id": "personal", "email": "personal", "city": "personal", "tenure": "internal"},
    (RELATIONS, SUPPORT, MARKETING), ("customer",), 1095, "alias/meridian/crm",
)  # fmt: skip
PROFILES = Dataset(
    LAKE, "marketing/profiles", {"customer_id": "personal", "city": "personal", "tenure": "internal"},
    (RELATIONS, MARKETING), ("customer",), 365, "alias/meridian/lake",
    _from(CONTACTS, customer_id="customer_id", city="city", tenure="tenure"),
)  # fmt: skip
CHURN_FEATURES = Dataset(
    LAKE, "marketing/churn_features", {"customer_id": "personal", "tenure": "internal", "region": "personal"},
    (MARKETING,), ("customer",), 365, "alias/meridian/features",
    _from(PROFILES, customer_id="customer_id", tenure="tenure", region="city"),
)  # fmt: skip
AUDIENCE = Dataset(
    LAKE, "marketing/audience", {"customer_id": "personal", "propensity": "personal"}, (MARKETING,), ("customer",),
    180, "alias/meridian/lake", _from(CHURN_FEATURES, customer_id="customer_id", propensity="tenure"),
)  # fmt: skip

TICKETS = Dataset(
    DESK, "desk.public.tickets", {"customer_id": "personal", "body": "personal"}, (SUPPORT,), ("customer",), 730,
    "alias/meridian/desk",
)  # fmt: skip
PASSAGES = Dataset(
    LAKE, "assistant/passages", {"customer_id": "personal", "passage": "personal"}, (SUPPORT,), ("customer",), 365,
    "alias/meridian/lake", _from(TICKETS, customer_id="customer_id", passage="body"),
)  # fmt: skip

PRINTED = Dataset(
    BUREAU, "vault/printed_cards", {"card_id": "card-data", "printed_at": "internal"}, (SERVICING,), (CARD,), 730,
    "alias/meridian/cards",
)  # fmt: skip

EXTRACT = Dataset(
    LAKE, "adhoc/campaign_extract", {"customer_id": "personal", "tenure": "internal"}, (), ("customer",),
    derived=_from(CHURN_FEATURES, customer_id="customer_id", tenure="tenure"),
)  # fmt: skip
"""Made by hand, without a contract or a manifest: nobody says for what it may be used, nor whose data it holds."""

UNDER_CONTRACT = (
    CORE_PAYMENTS, RAW_PAYMENTS, PAYMENTS, FRAUD_FEATURES, FRAUD_SCORES, CONTACTS, PROFILES, CHURN_FEATURES, AUDIENCE,
    TICKETS, PASSAGES, PRINTED,
)  # fmt: skip
