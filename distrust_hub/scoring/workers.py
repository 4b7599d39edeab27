"""Work in several processes, in order, that ends with an error when one of them is killed.

``concurrent.futures.ProcessPoolExecutor`` cannot promise that: its workers share one pipe for results, and one that is
killed in the middle of writing there leaves the parent waiting for the rest for ever. Here each has a pipe of its own.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

from distrust_hub.errors import OutputError

T = TypeVar("T")

_AHEAD = 4
"""Items taken for each process before the first result is waited for: with the size of an item, what bounds memory."""


def in_processes(work: Callable[..., T], items: Iterable[Any], argument: Any, processes: int) -> Iterator[T]:
    """``work(item, argument)`` of each item, in order.

    Args:
        work: A function at the top of a module.
        items: Anything that can be pickled.
        argument: The same for all items.
        processes: How many, from 1.

    Raises:
        OutputError: If a process was ended.
        Exception: What ``work`` raises.
    """
    context = multiprocessing.get_context("spawn")
    idle: SimpleQueue[Connection] = SimpleQueue()
    with ExitStack() as stack:
        for _ in range(processes):
            ours, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=_serve, args=(theirs, work, argument), daemon=True)
                process.start()
            stack.callback(process.join)  # it ends once its pipe is closed
            stack.enter_context(ours)
            idle.put(ours)
        pool = ThreadPoolExecutor(processes)  # a thread waits for each process
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(pool.submit(_ask, idle, item))
            if len(waiting) >= processes * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _ask(idle: SimpleQueue[Connection], item: Any) -> Any:
    connection = idle.get()
    try:
        connection.send(item)
        answer = connection.recv()
    except (EOFError, OSError) as error:
        problem = "a worker process was ended, perhaps for lack of memory; use fewer --workers and --resume"
        raise OutputError(problem) from error
    finally:
        idle.put(connection)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(connection: Connection, work: Callable[..., Any], argument: Any) -> None:
    """Answer until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it closes the pipe
    while True:
        try:
            item = connection.recv()
        except EOFError:
            return
        try:
            answer = work(item, argument)
        except Exception as error:
            answer = error
        connection.send(answer)
