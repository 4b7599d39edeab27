"""Import every module outside the zones made for heavy libraries, in an interpreter where those are blocked.

Run as a script: by ``tests/test_imports.py`` in a child process, and by ``nox -s imports`` where only the base
dependencies are installed.
"""

from __future__ import annotations

import importlib
import importlib.abc
import pkgutil
import sys

HEAVY = ("mlx", "mlx_lm", "gradio", "datasets", "evaluate", "transformers", "torch", "pyarrow", "pandas", "gguf")

ZONES = (
    "distrust_hub.adapters.fuse",
    "distrust_hub.adapters.load",
    "distrust_hub.adapters.mlx_format",
    "distrust_hub.app.ui",
    "distrust_hub.chat.backends",
    "distrust_hub.chat.decoding",
    "distrust_hub.chat.torch_backend",
    "distrust_hub.evaluation.metrics",
    "distrust_hub.evaluation.mlx_backend",
    "distrust_hub.models.load",
    "distrust_hub.models.quantized",
    "distrust_hub.models.runtime",
    "distrust_hub.scoring.datatrove",
    "distrust_hub.training",
)


class _Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in HEAVY:
            raise ImportError(f"{name} must not be imported here")
        return None


def main() -> int:
    sys.meta_path.insert(0, _Blocked())
    import distrust_hub

    names = [module.name for module in pkgutil.walk_packages(distrust_hub.__path__, "distrust_hub.")]
    free = [n for n in names if not n.startswith(ZONES) and not n.endswith("__main__")]
    for name in free:
        importlib.import_module(name)
    loaded = sorted({name.split(".")[0] for name in sys.modules} & set(HEAVY))
    print(f"{len(free)} of {len(names)} modules imported without {', '.join(HEAVY)}")
    return 1 if loaded or len(free) < len(names) / 2 else 0


if __name__ == "__main__":
    raise SystemExit(main())
