"""Makes the bundled broker known to the programs that the foreign tests start by themselves."""

import worker.broker  # noqa: F401  (registers the nagatha+file scheme)
