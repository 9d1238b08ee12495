-- Give a queue an order.
-- KEYS: prefix. ARGV: 'priority' or 'run_at'. Reply: 1, or 0 if its jobs have another. O(1).
-- needs: order

if not may_have_order(KEYS[1], ARGV[1]) then return 0 end
set_order(KEYS[1], ARGV[1])
return 1
