INSERT INTO change (id, number, workflow, requester, definition, definition_version, state, version, revision, event_n,
  head_hash, filed_at, updated_at, body)
SELECT 'h' || lpad(i::text, 12, '0'), i, 'support-answer', 'maya', 'route_change', 1, 'completed', 7, 1, 9,
  sha256(i::text::bytea), i, i, repeat('x', 1500)
FROM generate_series({first}, {last}) AS i;
INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
SELECT 'h' || lpad(i::text, 12, '0'), n, 'vote_cast', 'ana', 'h:' || i || ':' || n, i, repeat('x', 300)::bytea,
  sha256(n::text::bytea), sha256(i::text::bytea)
FROM generate_series({first}, {last}) AS i, generate_series(1, 9) AS n;
INSERT INTO ledger (pos, event_seq, leaf, chain)
SELECT seq - 1000000000000, seq, hash, prev_hash FROM event
WHERE change_id BETWEEN 'h' || lpad('{first}', 12, '0') AND 'h' || lpad('{last}', 12, '0');
INSERT INTO command (key, change_id, payload_sha256, result, at)
SELECT 'h:' || i || ':' || n, 'h' || lpad(i::text, 12, '0'), sha256(i::text::bytea), '{"state":"completed"}', i
FROM generate_series({first}, {last}) AS i, generate_series(1, 7) AS n;
INSERT INTO vote (change_id, revision, slot, seat, approver, packet_sha256, at)
SELECT 'h' || lpad(i::text, 12, '0'), 1, slot, 0, slot, sha256(i::text::bytea), i
FROM generate_series({first}, {last}) AS i, unnest(ARRAY['platform', 'finance']) AS slot;
INSERT INTO job (id, change_id, event_n, kind, lane, payload, due_at, token, attempts, max_attempts, created_at,
  done_at, outcome)
SELECT 'h' || i || ':' || n, 'h' || lpad(i::text, 12, '0'), n, 'refresh_card', 'thread:h' || lpad(i::text, 12, '0'),
  '{"refresh_card":null}', i, 1, 1, 12, i, i, 'done'
FROM generate_series({first}, {last}) AS i, generate_series(1, 17) AS n
