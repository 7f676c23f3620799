-- The least that a transition needs: the change, its event, a row for whoever sends the effect. Made anew each turn.
DROP TABLE IF EXISTS floor_change, floor_event, floor_outbox;
CREATE TABLE floor_change (
  id INTEGER PRIMARY KEY, state TEXT NOT NULL, version BIGINT NOT NULL, updated_at BIGINT NOT NULL, body TEXT NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE floor_event (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, change_id INTEGER NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, UNIQUE (change_id, n)
);
CREATE TABLE floor_outbox (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, change_id INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL,
  due_at BIGINT NOT NULL, done_at BIGINT
);
CREATE INDEX floor_outbox_due ON floor_outbox (due_at, id) WHERE done_at IS NULL;
INSERT INTO floor_change SELECT id, 'open', 0, 0, '' FROM generate_series(0, 999) AS id;
