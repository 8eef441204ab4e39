"""The agent desk: agents, queue and assignment, tickets and clocks, live events, and the API that the page and other systems use."""
