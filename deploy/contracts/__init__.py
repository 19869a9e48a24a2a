"""The published language as files: JSON Schemas, AsyncAPI, a page, and the gate that keeps them.

Everything is made from `contracts.catalogue`. `python -m deploy.contracts --help` lists the work.
"""
