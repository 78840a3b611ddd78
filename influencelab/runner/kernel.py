"""The process of a notebook that is run: a kernel that ends, with all that it started, when its runner is gone."""

import os
import signal
import sys
import threading
import time

# How often it is looked whether the runner is there, in seconds.
POLL = 0.5


def end_with(parent: int) -> None:
    """Kill this process's group when its parent has ended.

    A runner that is killed cannot end what it started: its kernel would notice, and leave its workers behind.
    """
    while os.getppid() == parent:
        time.sleep(POLL)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    # The kernel leads a group of its own, so that nothing else is in it.
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        threading.Thread(target=end_with, args=(int(os.environ["JPY_PARENT_PID"]),), daemon=True).start()
        # Its own check would end the kernel alone, and is left out for a parent of this number.
        sys.argv.append("--IPKernelApp.parent_handle=1")
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
