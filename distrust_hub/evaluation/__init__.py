"""Whether it worked: benchmarks and their statistics."""
