"""Text and metadata to scores with named evidence."""
