"""The benchmark suite: tasks, the scripts that train networks on them, and the networks."""
