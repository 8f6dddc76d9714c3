"""Bundles: evidence for somebody without access to the store, who verifies it with standard tools.

``write_bundle`` makes one, as a folder or a ZIP; ``verify_bundle`` verifies one from its bytes
alone, as ``verify.sh`` in it does with ``sh``, ``openssl`` and ``sha256sum``. Equal selections of
equal logs give equal bytes.
"""

from compliance.bundle.archives import is_bundle
from compliance.bundle.verifying import BundleVerification, verify_bundle
from compliance.bundle.writing import Bundle, write_bundle

__all__ = ["Bundle", "BundleVerification", "is_bundle", "verify_bundle", "write_bundle"]
