"""An AWS account or Organization as a source: it yields a document in the shape of the account dump.

```python
session = connect(Access(profile="audit"))
dump = read_account(Caller(session), Wanted(inventory=True))     # what `rolelint scan --dump` writes
```

Nothing here knows what a policy means. `calls.CALLS` names every call that is ever made.
"""
