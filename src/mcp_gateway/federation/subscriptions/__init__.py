"""Being told of changes: one watch per upstream, one bus between replicas, any number of listening clients."""
