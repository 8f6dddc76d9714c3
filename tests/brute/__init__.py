"""A second reading of record usage, slow and literal, that the engine is compared with.

It was written from the contract alone. Every function stands for one rule and says it in its own
words; everything that feeds on itself is iterated until nothing changes. Nothing here is fast.
"""

from tests.brute.answer import brute_record_usage

__all__ = ["brute_record_usage"]
