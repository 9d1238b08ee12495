-- Forget a worker that has stopped.
-- KEYS: prefix. ARGV: worker. Reply: 1. O(workers).
-- needs: crew

forget(KEYS[1], ARGV[1])
return 1
