\set n :n + 1
BEGIN;
UPDATE floor_change SET state = 'next', version = version + 1, updated_at = :n, body = :change WHERE id = :client_id AND version = :n - 1;
INSERT INTO floor_event (change_id, n, kind, body) VALUES (:client_id, :n, 'voted', :event);
INSERT INTO floor_outbox (change_id, kind, payload, due_at) VALUES (:client_id, 'refresh_card', :payload, :n);
COMMIT;
