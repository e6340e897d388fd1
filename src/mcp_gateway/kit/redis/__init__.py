"""The kit's stores on Redis 7 or Valkey 9. Nothing outside this folder imports a Redis library."""
