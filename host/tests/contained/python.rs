//! Packs in Python.
