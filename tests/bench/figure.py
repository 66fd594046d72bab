"""One measured figure and the bound it has to keep."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: `value` in `unit`, against `bound`.

    `bound` is the most it may be, or with `at_most=False` the least; None if it is only for
    information. `note` says what else is worth knowing, such as what it was compared with.
    """

    name: str
    value: float
    unit: str
    bound: float | None = None
    at_most: bool = True
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the bound is kept; None if there is none. A value that is no number is not."""
        if self.bound is None:
            return None
        return self.value <= self.bound if self.at_most else self.value >= self.bound
