"""Every test gets its own Hugging Face home and no token."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

# Before any Hugging Face library is imported: never the real cache, never the real Hub.
_HOME = tempfile.mkdtemp(prefix="distrust-hub-tests-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.update(
    HF_HOME=_HOME,
    DISTRUST_HUB_CACHE=os.path.join(_HOME, "distrust-hub"),
    DISTRUST_HUB_CONFIG=os.path.join(_HOME, "settings"),
    HF_HUB_DISABLE_XET="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_ENDPOINT="http://127.0.0.1:9",
    GRADIO_ANALYTICS_ENABLED="False",
    TOKENIZERS_PARALLELISM="false",
)
if "PYTEST_XDIST_WORKER" in os.environ:  # one core each: BLAS threads of two workers would wait for each other
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
for _name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
    os.environ.pop(_name, None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts jobs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("suite", deadline=None)  # machines differ and are shared
hypothesis.settings.load_profile("suite")

pytest_plugins = ["tests.hub_server.fixtures"]


@pytest.fixture(autouse=True)
def log_levels() -> Iterator[None]:
    """A command run in this process sets them for itself, and not for the tests after it."""
    yield
    for name in ("distrust_hub", "distrust_hub.training", "transformers.tokenization_utils_base"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.getLogger("huggingface_hub").propagate = True
