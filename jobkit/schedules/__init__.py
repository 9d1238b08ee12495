"""When a schedule ticks: cron specs in a time zone, and intervals. Pure.

`parse_spec` turns what a user wrote into a `Cron` or an `Every`. Both are values with `text` (the
spec in its one spelling), `timezone` and `is_interval_like`, and both tell

- the next tick: `Cron.next_after(instant)`, `Every.next_after(instant, anchor=first_tick)`;
- how far a tick is from the one after it: `interval_after(tick)`.

`upcoming` lists the next ticks of either, and of a `Schedule` of the user's own.
"""

from jobkit.schedules.cron import Cron as Cron
from jobkit.schedules.every import Every as Every
from jobkit.schedules.spec import Rule as Rule
from jobkit.schedules.spec import parse_spec as parse_spec
from jobkit.schedules.upcoming import upcoming as upcoming
