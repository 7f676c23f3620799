UPDATE floor_change SET state = 'next', version = version + 1, body = printf('%.1900c', 'x') WHERE id = 1
INSERT INTO floor_event (change_id, body) VALUES (1, printf('%.430c', 'x'))
INSERT INTO floor_outbox (change_id, payload) VALUES (1, printf('%.60c', 'x'))
