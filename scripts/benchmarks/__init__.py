"""What scripts/bench.py measures, and how it writes it down.

`work` makes and prints documents, `sites` starts servers at some distance (`line`), `drives` mounts ours and its peers,
`bare` sends without a drive, `processes` reads what a process used; `parts` are the measurements, each of which gives
plain data. `targets` compares that data with what is wanted, `document` writes docs/performance.md with the pictures
of `pictures`. `limits.toml` has what people have to say about a target that is not met.
"""
