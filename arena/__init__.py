"""Running it: one learner, a league, meetings of finished agents, and everything that is kept, told and shown of them.

Where to begin: `cli` has the commands, `config` and `sections` what arena.toml may say.

- One learner: `train` (rounds), `run` (its folder), `worker` and `cluster` (who plays, here or on Ray), `learners`
  (several that share every batch), `evaluation` (held-out games), `checkpoint` (going on), `engines` (other projects'
  loops), `recipes` (settings that are known to be good), `status` and `display` (the terminal), `curves` (TensorBoard).
- A league: `league` is of one learner and its snapshots, `population` of many learners with roles; both keep their
  members, games and ratings by `ledger`, on one `stage`.
- Meetings: `tournament` (matches too) on `terms` (clocks, adjudication), `entrants`, `openings`, `leaderboard` and its
  `page`, `comparison` (other rating systems, several games), `classroom` and its `classpage`.
- How good one agent is (`arena evaluate`): `seat_returns`, `exploitability` (exactly), `best_response` (from below).
- Games: `store` over `database` (arena.db), `replays` (for the viewers), `records` (files), `specs` (who is meant).
- Learners looked into: `doctor` (what is broken), `sweep` (how good, over seeds and settings: `samplers`, `summary`,
  `ranking`), `bench` (beside peers).
- Is it whole: `verify`, and `tryout` for programs.
- Pictures: `viewers`.
- Small things: `lock` (one writer a file), `stopping` (Ctrl-C and SIGTERM), `text` (for people), `toml` (written).
"""
