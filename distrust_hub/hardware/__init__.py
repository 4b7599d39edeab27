"""What this machine can train."""
