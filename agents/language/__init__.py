"""Small language models: how they write, what they learn from, and what their learners share.

The body is `agents.backbones.gpt`, the learners are `agents.learn.sft`, `grpo`, `reward_model`, `rlhf` and `dpo`, and
the tasks lie in `envs.language`.

- Asking a model: `model` (log-probabilities and values, with gradients), `attention` (where its heads look).
- Writing: `sampling` (many texts at once), `block` (those side by side, and what is kept of them), `columns` (the
  layers, compiled), `draws` (temperature, top-k, top-p).
- Experience: `groups` (answers to a prompt, judged by a verifier), `lessons` (right answers), `pairs` (answers that a
  judge has put in order: `judges`), `scoring` (a stored reward model).
- Learning: `losses` and `preferences` beside their equations, `remarks` (what goes wrong, in words).
- Playing: `agent` (any task, token by token), `board` (a game that it is told of in words).
"""
