"""Knowledge: articles customers' questions are answered from, and the search that finds the right one."""
