"""`python -m nagatha_desktop` is `nagatha-desktop`."""

import sys

from nagatha_desktop.app import main

sys.exit(main())
