"""Makes what the tests need and this machine has not, in words, before the first of them runs.

Each test asks again for what it uses, so that it also runs alone; then it is there.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "localcluster"))

from localcluster import ClusterError, build, build_helm3, build_krew  # noqa: E402

from chart.promtool import find_promtool  # noqa: E402
from real_curl import path_with_curl  # noqa: E402
from ui.browser import find_browser  # noqa: E402

say = functools.partial(print, flush=True)  # progress, also through a pipe


def main() -> int:
    """Make them; 1, and one line that says why, if one of them cannot be had."""
    try:
        build(say)
        build_helm3(say)
        build_krew(say)
        find_promtool(say)
        find_browser(say)
        path_with_curl(say)
    except ClusterError as error:
        print(f"make tools: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
