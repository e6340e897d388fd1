"""What carries remedies out in the store. Each does one kind, bounded, to what it names and nothing else."""
