"""Use a published adapter with plain transformers and PEFT; nothing of distrust-hub is imported or installed.

    pip install torch transformers peft
    python examples/use_with_peft.py you/my-adapter

The adapter's config names its base, which is fetched too. PEFT says that it ignores the keys it does not know: they are
mlx-lm's, which reads the same file.
"""

from __future__ import annotations

import sys

import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

repo_id = sys.argv[1]

model = AutoPeftModelForCausalLM.from_pretrained(repo_id, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(model.peft_config["default"].base_model_name_or_path)

messages = [{"role": "user", "content": "What is a primary source in history?"}]
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
with torch.no_grad():
    reply = model.generate(**inputs, max_new_tokens=60, do_sample=False)
print(tokenizer.decode(reply[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
