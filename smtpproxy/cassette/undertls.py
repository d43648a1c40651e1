"""What of a cassette was recorded under TLS, and what was not: looked up where something is missed.

Owns the question whether TLS is all that keeps a connection from what was recorded.
"""

from __future__ import annotations

from collections import defaultdict

from smtpproxy.cassette.matching import STARTTLS, Key, begins_tls
from smtpproxy.cassette.points import Point
from smtpproxy.cassette.tree import Tree

#: Which of the two was under TLS, where the other was not.
RECORDING, CONNECTION = "recording", "connection"


class UnderTls:
    """Knows where each command of a cassette was recorded."""

    def __init__(self, tree: Tree) -> None:
        self._where: dict[Key, set[bool]] = defaultdict(set)  # under TLS, or not
        for start in tree.starts:
            self._walk(start.root)

    def _walk(self, root: Point) -> None:
        points = [(root, False)]  # dialogues may be long: no recursion
        while points:
            point, secure = points.pop()
            points += [(one, secure) for one in (point.pool, point.after) if one is not None]
            for key, branch in point.branches.items():
                stage = branch.example.stage
                self._where[key].add(secure)
                self._where[stage,].add(secure)
                for way in branch.ways():
                    points.append((way.point, secure or begins_tls(stage, way.heard)))

    def alone(self, stage: str, key: Key, secure: bool) -> str:
        """Return which was under TLS alone, where a connection misses this; "" where neither was.

        Where this very command was never recorded, its stage is what counts.
        """
        where = self._where.get(key) or self._where.get((stage,))
        if stage == STARTTLS and not where:
            return CONNECTION if not secure else ""
        if not where or secure in where:
            return ""
        return CONNECTION if secure else RECORDING
