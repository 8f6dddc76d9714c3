"""The domain of Muniment: evidence, judgement and record usage, a pure core with a thin shell."""
