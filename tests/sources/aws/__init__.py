"""A live account, simulated by a moto server over HTTP."""
