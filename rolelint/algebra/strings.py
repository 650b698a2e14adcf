"""Exact languages of strings: globs, ARN patterns and their combinations.

A `Pattern` is a sequence of atoms (a character, any character, any character but a colon) with stars before some of
them. All questions about several patterns together are answered by one search over bit-parallel states, shortest
string first, so an answer comes with a readable member and no pattern is ever slow by backtracking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rolelint.memory import memo
from rolelint.records import record

#: Atoms that are not one given character. Private-use characters, which IAM text cannot hold (S1.13).
ANY = "\uf8fe"  # exactly one character
STAR = "\uf8ff"  # any run of characters: a wildcard in marked text, never an atom
_WILD = str.maketrans({"?": ANY, "*": STAR})
CROSS = "\uf8fc"  # a wildcard in marked ARN text that stands for any run of characters, colons included
FIELD_ANY = "\uf8fd"  # any character but a colon: a wildcard in the first five fields of an ARN (S3.4)

#: States one search may visit. Past it the question is answered UNKNOWN. Searches over real policies visit some
#: hundreds; two 10-star patterns against each other some thousands.
MAX_STATES = 12_000

#: States that all searches of one question may visit together, each counted for every 64 atoms of its patterns. Past it
#: further questions of strings are answered UNKNOWN, until `replenish`.
MAX_EFFORT = 60_000
_effort = [0]


def replenish() -> None:
    """Begin another question: the searches before it count no more."""
    _effort[0] = 0


def unspent() -> bool:
    """Tell whether this question needed no search so far."""
    return not _effort[0]


def exhausted() -> bool:
    """Tell whether the searches of this question passed their limit."""
    return _effort[0] > MAX_EFFORT


#: Characters tried for "any other character", most readable first.
_OTHER = "xyzwvutsrqponmlkjihgfedcbaXYZ0123456789-_./@ =+,"


class LimitReached(Exception):
    """A search passed `MAX_STATES`: the question stays undecided; carries the reason."""

    def __init__(self, reason: str = "a string search passed its limit") -> None:
        super().__init__(reason)


class ExhaustedError(LimitReached):
    """The searches of one question passed `MAX_EFFORT`: it stays undecided, but by itself might be decided."""


@record
class Pattern:
    """One pattern.

    Attributes:
        atoms: characters, `ANY` or `FIELD_ANY`.
        stars: bit i set: any run of characters may stand before atom i (bit len(atoms): at the end).
        field_stars: likewise, for runs without a colon.
        folded: compare ignoring case; the atoms are then lower-cased.
    """

    atoms: str
    stars: int = 0
    field_stars: int = 0
    folded: bool = False

    @property
    def literal(self) -> str | None:
        """The only member, where there is just one."""
        if self.stars or self.field_stars or self.folded or ANY in self.atoms or FIELD_ANY in self.atoms:
            return None
        return self.atoms

    def matches(self, text: str) -> bool:
        """Tell whether the text is a member; linear in text and pattern."""
        atoms = self.atoms
        if self.folded:
            text = text.lower()
        if not (self.stars or self.field_stars) and ANY not in atoms and FIELD_ANY not in atoms:
            return atoms == text
        if self.stars == 1 << len(atoms) and not self.field_stars and ANY not in atoms and FIELD_ANY not in atoms:
            return text.startswith(atoms)
        masks = _masks(self)
        head = masks.head
        if not text.startswith(head) or masks.needle not in text:
            return False
        any_mask, field_mask = masks.any, masks.field
        table = masks.table
        stars, field_stars = self.stars, self.field_stars
        state = 1 << len(head)
        for c in text[len(head) :]:
            if c == ":":
                state = ((state & (table.get(c, 0) | any_mask)) << 1) | (state & stars)
            else:
                state = ((state & (table.get(c, 0) | any_mask | field_mask)) << 1) | (state & (stars | field_stars))
            if not state:
                return False
        return bool(state >> len(atoms) & 1)

    def show(self) -> str:
        """Write the pattern with `*` and `?`."""
        out = []
        for i, atom in enumerate(self.atoms):
            if (self.stars | self.field_stars) >> i & 1:
                out.append("*")
            out.append("?" if atom in (ANY, FIELD_ANY) else atom)
        if (self.stars | self.field_stars) >> len(self.atoms) & 1:
            out.append("*")
        return "".join(out)


class _Masks:
    """The bits of a pattern, how members begin, and the longest text that all hold behind a wildcard."""

    __slots__ = ("any", "field", "head", "needle", "table")

    def __init__(self, pattern: Pattern) -> None:
        self.any = self.field = 0
        table: dict[str, int] = {}
        needle = ""
        run: str | None = None  # None before the first wildcard: how a text begins is seen at once
        first = len(pattern.atoms)
        for i, atom in enumerate(pattern.atoms):
            if atom in (ANY, FIELD_ANY):
                first, run = min(first, i), ""
            elif (pattern.stars | pattern.field_stars) >> i & 1:
                first, run = min(first, i), atom
            elif run is not None:
                run += atom
            needle = max(needle, run or "", key=len)
            if atom == ANY:
                self.any |= 1 << i
            elif atom == FIELD_ANY:
                self.field |= 1 << i
            else:
                table[atom] = table.get(atom, 0) | 1 << i
        self.head, self.needle = pattern.atoms[:first], needle
        self.table = table


_masks_memo: dict[Pattern, _Masks] = memo()


def _masks(pattern: Pattern) -> _Masks:
    found = _masks_memo.get(pattern)
    if found is None:
        found = _masks_memo[pattern] = _Masks(pattern)
    return found


def literal(text: str, *, folded: bool = False) -> Pattern:
    """Make the pattern whose only member is the text."""
    return Pattern(text.lower() if folded else text, folded=folded)


def wildcards(text: str) -> str:
    """Mark the wildcards of a text: `*` becomes `STAR`, `?` becomes `ANY`."""
    return text.translate(_WILD)


def glob(text: str, *, folded: bool = False) -> Pattern:
    """Read a glob: `*` is any run, `?` any one character, over the whole text."""
    return marked(text.translate(_WILD), folded=folded)


def arn(text: str) -> Pattern:
    """Read an ARN pattern: wildcards of the first five fields stay inside their field (S3.3, S3.4).

    Fewer than six fields are completed with `*` (S3.5).
    """
    return marked_arn(text.translate(_WILD))


def marked(text: str, *, folded: bool = False) -> Pattern:
    """Read a glob in which `STAR` and `ANY` stand for the wildcards and every other character for itself."""
    atoms: list[str] = []
    stars = 0
    for c in text.lower() if folded else text:
        if c == STAR:
            stars |= 1 << len(atoms)
        else:
            atoms.append(c)
    return Pattern("".join(atoms), stars, 0, folded)


def marked_arn(text: str) -> Pattern:
    """Read an ARN pattern in which `STAR` and `ANY` stand for the wildcards.

    Text with `CROSS` is read as one glob: the fields are then not known.
    """
    if CROSS in text:
        return marked(text.replace(CROSS, STAR))
    fields = text.split(":", 5)
    fields += [STAR] * (6 - len(fields))
    atoms: list[str] = []
    stars = field_stars = 0
    for i, field in enumerate(fields):
        for c in field:
            if c == STAR:
                if i < 5:
                    field_stars |= 1 << len(atoms)
                else:
                    stars |= 1 << len(atoms)
            elif c == ANY:
                atoms.append(FIELD_ANY if i < 5 else ANY)
            else:
                atoms.append(c)
        if i < 5:
            atoms.append(":")
    return Pattern("".join(atoms), stars, field_stars)


EVERYTHING = glob("*")


def member(
    unions: Sequence[Sequence[Pattern]], without: Iterable[Pattern] = (), *, limit: int = MAX_STATES
) -> str | None:
    """Find a string that is in every union and in none of `without`.

    Args:
        unions: each a list of alternatives; an empty alternative list has no member.

    Returns:
        A shortest member, or None when there is provably none.

    Raises:
        LimitReached: when `limit` states did not decide it.
    """
    without = list(without)
    for union in unions:
        texts = [text for p in union if (text := p.literal) is not None]
        if len(texts) == len(union):
            # A finite union decides by itself.
            others = [u for u in unions if u is not union]
            return next((text for text in texts if is_member(text, others, without)), None)
    if without:
        # What is taken away again adds nothing.
        unions = [[p for p in union if p not in without] for union in unions]
        if not all(unions):
            return None
    return _search(unions, without, limit)


def is_member(text: str, unions: Iterable[Sequence[Pattern]], without: Iterable[Pattern] = ()) -> bool:
    """Tell whether a string is in every union and in none of `without`."""
    return all(any(p.matches(text) for p in u) for u in unions) and not any(p.matches(text) for p in without)


def includes(outer: Iterable[Pattern], inner: Pattern) -> bool:
    """Tell whether every member of `inner` is a member of some pattern of `outer`.

    Raises:
        LimitReached: when the search passed its limit.
    """
    return member([[inner]], outer) is None


def overlaps(one: Pattern, other: Pattern) -> bool:
    """Tell whether two patterns have a member in common.

    Raises:
        LimitReached: when the search passed its limit.
    """
    return member([[one], [other]]) is not None


def may_overlap(one: Pattern, other: Pattern) -> bool:
    """Tell whether two patterns may have a member in common, as a question by itself: what a limit leaves open may."""
    replenish()
    try:
        return overlaps(one, other)
    except LimitReached:
        return True


def _search(unions: Sequence[Sequence[Pattern]], without: Sequence[Pattern], limit: int) -> str | None:
    # All patterns stand side by side in one integer; a pattern of n atoms takes n + 1 positions.
    any_mask = field_mask = stars = field_stars = start = bad = 0
    folded_any = False
    table: dict[str, int] = {}
    atoms: list[str] = []
    accepts: list[int] = []
    alive: list[int] = []
    base = 0

    def place(pattern: Pattern) -> tuple[int, int]:
        nonlocal any_mask, field_mask, stars, field_stars, start, base, folded_any
        for i, atom in enumerate(pattern.atoms):
            bit = 1 << (base + i)
            if atom == ANY:
                any_mask |= bit
            elif atom == FIELD_ANY:
                field_mask |= bit
            else:
                table[atom] = table.get(atom, 0) | bit
                upper = atom.upper()
                if pattern.folded and upper != atom and upper.lower() == atom:
                    table[upper] = table.get(upper, 0) | bit
                    folded_any = True
        stars |= pattern.stars << base
        field_stars |= pattern.field_stars << base
        start |= 1 << base
        size = len(pattern.atoms)
        atoms.extend(pattern.atoms)
        atoms.append("")
        accept, whole = 1 << (base + size), ((1 << (size + 1)) - 1) << base
        base += size + 1
        return accept, whole

    for union in unions:
        accept_all = whole_all = 0
        for pattern in union:
            accept, whole = place(pattern)
            accept_all |= accept
            whole_all |= whole
        accepts.append(accept_all)
        alive.append(whole_all)
    for pattern in without:
        bad |= place(pattern)[0]

    fresh = [c for c in _OTHER if c not in table]
    other = fresh[0] if fresh else next(chr(c) for c in range(0xA1, 0x100) if chr(c) not in table)
    all_stars = stars | field_stars

    def accepted(state: int) -> bool:
        return not state & bad and all(state & a for a in accepts)

    if accepted(start):
        return ""
    if _effort[0] > MAX_EFFORT:
        raise ExhaustedError
    weight = 1 + base // 64
    seen = {start}
    frontier: list[tuple[int, str]] = [(start, "")]
    while frontier:
        following: list[tuple[int, str]] = []
        for state, text in frontier:
            # Only characters that some live atom names can act differently from any other character.
            candidates: list[str] = []
            live = state
            while live:
                low = live & -live
                atom = atoms[low.bit_length() - 1]
                if atom and atom != ANY and atom != FIELD_ANY and atom not in candidates:
                    candidates.append(atom)
                live ^= low
            if folded_any:
                candidates += [c.upper() for c in candidates if c.upper() in table and c.upper() not in candidates]
            if state & (any_mask | field_mask | all_stars):
                candidates.append(other)
                if ":" not in candidates and state & (field_mask | field_stars):
                    candidates.append(":")
            for c in candidates:
                if c == ":":
                    new = ((state & (table.get(c, 0) | any_mask)) << 1) | (state & stars)
                else:
                    new = ((state & (table.get(c, 0) | any_mask | field_mask)) << 1) | (state & all_stars)
                if new in seen or not all(new & a for a in alive):
                    continue
                if accepted(new):
                    _effort[0] += weight * len(seen)
                    return text + c
                seen.add(new)
                if len(seen) > limit or weight * len(seen) > MAX_EFFORT:
                    _effort[0] += weight * len(seen)
                    raise LimitReached
                following.append((new, text + c))
        frontier = following
    _effort[0] += weight * len(seen)
    return None
