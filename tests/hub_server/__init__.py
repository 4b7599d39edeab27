"""A small Hugging Face Hub over loopback HTTP, for the real, unpatched clients.

Start one with ``HubServer(folder)`` (see ``server.py``) or with the ``hub`` pytest fixture (``fixtures.py``).
Requests pass through ``wire.py`` (HTTP) to a handler in ``repos.py``, ``tree.py``, ``commits.py``, ``lfs.py`` or
``accounts.py``; those read and change the ``Store`` (``store.py``).
"""

from __future__ import annotations
