INSERT INTO change (id, number, workflow, requester, definition, definition_version, state, version, revision, event_n,
  head_hash, filed_at, updated_at, body)
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT printf('h%012d', i), i, 'support-answer', 'maya', 'route_change', 1, 'completed', 7, 1, 9, zeroblob(32), i, i,
  printf('%.1500c', 'x') FROM n;
INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT printf('h%012d', i), value, 'vote_cast', 'ana', 'h:' || i || ':' || value, i, CAST(printf('%.300c', 'x') AS BLOB),
  zeroblob(32), zeroblob(32) FROM n, json_each('[1,2,3,4,5,6,7,8,9]');
INSERT INTO ledger (pos, event_seq, leaf, chain)
SELECT seq - 1000000000000, seq, hash, prev_hash FROM event
WHERE change_id BETWEEN printf('h%012d', {first}) AND printf('h%012d', {last});
INSERT INTO command (key, change_id, payload_sha256, result, at)
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT 'h:' || i || ':' || value, printf('h%012d', i), zeroblob(32), '{"state":"completed"}', i
FROM n, json_each('[1,2,3,4,5,6,7]');
INSERT INTO vote (change_id, revision, slot, seat, approver, packet_sha256, at)
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT printf('h%012d', i), 1, value, 0, value, zeroblob(32), i FROM n, json_each('["platform","finance"]');
INSERT INTO job (id, change_id, event_n, kind, lane, payload, due_at, token, attempts, max_attempts, created_at,
  done_at, outcome)
WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
SELECT 'h' || i || ':' || value, printf('h%012d', i), value, 'refresh_card', printf('thread:h%012d', i),
  '{"refresh_card":null}', i, 1, 1, 12, i, i, 'done'
FROM n, json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]')
