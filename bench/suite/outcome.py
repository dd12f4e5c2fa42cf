"""What a case brings, and the yardsticks that its ratios refer to."""

import dataclasses

PLAIN, PARTITIONS, STREAM = "mariadb --quick, thrown away", "connectorx, 2 partitions", "connectorx, arrow_stream"


@dataclasses.dataclass
class Outcome:
    """What a case brought."""

    name: str
    about: str
    rows: int
    # Bytes of the rows, as MariaDB's client writes them, or as `form` says.
    size: int
    contenders: list
    # Headings and lines below the table; both are printed and saved.
    notes: dict = dataclasses.field(default_factory=dict)
    form: str = "as text"
