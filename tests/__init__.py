"""The suite: flat, a module for each module of the product, and what several of them share."""
