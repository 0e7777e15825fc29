"""The only SQL. Functions take a session and give frozen values; whoever calls opens the transaction."""
