"""Contenders in turn: the machine is noisy, so they alternate and the medians count."""

import dataclasses
import statistics
import sys
from collections.abc import Callable

from suite.measure import KEPT, Run, measure


@dataclasses.dataclass
class Contender:
    """One way to move a case's rows."""

    name: str
    # Prepares a round with this number; returns the command and its environment.
    start: Callable[[int], tuple]
    # The number of rows that a run reports; None for a yardstick that reports none.
    moved: Callable[[Run], int] | None = None
    # After each round, not measured: checks that all rows arrived, and cleans up.
    after: Callable[[int], None] = lambda turn: None
    # Whether a first, uncounted run fills caches: for reads, but not for cases that begin from nothing each time.
    warms: bool = True
    runs: list = dataclasses.field(default_factory=list)

    def take_turn(self, turn, rows):
        run = measure(*self.start(turn), keep=KEPT if self.moved else 0)
        if self.moved and self.moved(run) != rows:
            sys.exit(f"bench: {self.name} moved {self.moved(run):,} rows instead of {rows:,}")
        self.after(turn)
        return run

    def median(self, figure):
        return statistics.median(getattr(run, figure) for run in self.runs)

    @property
    def peak(self):
        return max(run.rss for run in self.runs)


def contest(contenders, rows, rounds, before=lambda turn: None):
    """Every contender's runs; `before` prepares a round for all of them."""
    for turn in range(rounds + 1):
        before(turn)
        for contender in contenders:
            if turn > 0:
                contender.runs.append(contender.take_turn(turn, rows))
            elif contender.warms:
                contender.take_turn(turn, rows)
    return contenders
