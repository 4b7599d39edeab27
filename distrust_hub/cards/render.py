"""Render a card from the artifacts of a folder: no network, no clock, no randomness."""

from __future__ import annotations

import logging
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from distrust_hub.artifacts import CARD_FILE
from distrust_hub.cards import escape
from distrust_hub.cards.check import check_card
from distrust_hub.cards.data import CardData, Facts, Result, collect, is_repo_id
from distrust_hub.cards.dataset import render_dataset_card
from distrust_hub.cards.edits import extract_notes, is_untouched, notes_section, seal, with_notes
from distrust_hub.cards.front_matter import model_front_matter
from distrust_hub.cards.template import environment, load_template
from distrust_hub.files import atomic_write

__all__ = ["check_card", "render_dataset_card", "render_model_card", "write_card"]
