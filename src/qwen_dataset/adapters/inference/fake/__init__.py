"""The service that is not there: ``backend`` is the adapter, ``service`` its remote side and ledger."""
