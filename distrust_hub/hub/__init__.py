"""The Hub client, and what is read from the Hub and published with it."""
