"""The control library as data: requirement lists, unified controls, enforcement points."""
