"""parliament's grammar and resource checks, on the catalogue's data and with places in the user's files.

parliament (BSD-3-Clause) is imported when a `Pack` is opened and by nothing else. It reads a transcript of each
policy; what it says is compared with the catalogue, whose action list is newer, and becomes findings.

```python
with opened(judge, Settings(), report) as front:  # `front` judges as `judge` does, and adds grammar findings
    lint(request, front, rulebook, options, report)
```
"""

from __future__ import annotations

from rolelint.grammar.issues import ISSUES, PREFIX, Issue, find_issue
from rolelint.grammar.pack import Pack, Settings, opened

__all__ = ["ISSUES", "PREFIX", "Issue", "Pack", "Settings", "find_issue", "opened"]
