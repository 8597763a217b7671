"""A network's parts, each with a program, put together to one."""
