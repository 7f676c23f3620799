//! Figures of the ledger for docs/benchmarks.md; they take a minute, so they run only when asked for:
//! `cargo test -p tests ledger_speed:: -- --ignored --nocapture`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Statement, Value};
use tests::{
    db::{BOTH, Kind},
    desk::{Desk, desk, log_key},
};
use workflow_engine::{
    engine::seal::Sealer,
    ledger::{
        merkle::{Head, Plan, leaf_hash},
        note::Checkpoint,
        tiles::{Edge, Kind as TileKind, Tile},
    },
    ports::clock::Clock,
    store::db::Db,
};

use crate::sealing::ledger;

/// Entries of the large ledger.
const MANY: u64 = 10_000_000;
/// Events of the sealing run.
const EVENTS: i64 = 20_000;

async fn write(db: &Db, sql: &'static str, values: Vec<Value>) {
    let unit = db.write(move |tx| {
        Box::pin(async move {
            tx.execute_raw(Statement::from_sql_and_values(
                tx.get_database_backend(),
                sql,
                values,
            ))
            .await?;
            Ok(())
        })
    });
    unit.await.unwrap();
}

/// Fills the tables of tiles with a ledger of [`MANY`] entries, and its signed head.
async fn fill(db: &Db) {
    let mut edge = Edge::default();
    let mut from = 0;
    while from < MANY {
        let leaves: Vec<_> = (from..(from + 65_536).min(MANY))
            .map(|n| leaf_hash(&n.to_be_bytes()))
            .collect();
        from += leaves.len() as u64;
        let tiles = edge.append(&leaves);
        let unit = db.write(move |tx| {
            Box::pin(async move {
                for (tile, bytes) in tiles {
                    let TileKind::Hashes(level) = tile.kind else { continue };
                    let sql = "INSERT INTO ledger_tile (level, n, width, bytes) VALUES ($1, $2, $3, $4)
                               ON CONFLICT (level, n) DO UPDATE SET width = excluded.width, bytes = excluded.bytes";
                    let values: Vec<Value> = vec![
                        i32::from(level).into(),
                        (tile.index as i64).into(),
                        i32::from(tile.width).into(),
                        bytes.into(),
                    ];
                    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
                    tx.execute_raw(statement).await?;
                }
                Ok(())
            })
        });
        unit.await.unwrap();
    }
    let head = Head {
        size: MANY,
        root: edge.root(),
    };
    let (size, root) = (MANY as i64, head.root.to_vec());
    let note = Checkpoint::sign(head, &log_key()).to_text();
    let sql = "INSERT INTO checkpoint (size, root, signature, at) VALUES ($1, $2, $3, 0)";
    write(db, sql, vec![size.into(), root.clone().into(), note.into()]).await;
    let sql = "UPDATE ledger_head SET size = $1, root = $2 WHERE id = 1";
    write(db, sql, vec![size.into(), root.into()]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, and a minute"]
async fn the_proof_of_a_leaf_among_ten_million_from_the_stored_tiles() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        fill(desk.engine.db()).await;
        let (ledger, mut took, mut tiles) = (ledger(&desk), Vec::new(), 0);
        for round in 0..500_u64 {
            let index = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) % MANY;
            let started = Instant::now();
            let proof = ledger.proof(index).await.unwrap();
            took.push(started.elapsed());
            proof.verify(&index.to_be_bytes(), log_key().public()).unwrap();
            let plan = Plan::inclusion(index, MANY).unwrap();
            let mut read: Vec<Tile> = plan.nodes().map(|node| Tile::holding(node, MANY)).collect();
            read.sort();
            read.dedup();
            tiles = tiles.max(read.len());
        }
        said(kind, "proof of one leaf among 10 million", &mut took);
        println!("{kind:?}: at most {tiles} tiles read for a proof");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, and a minute"]
async fn sealing_twenty_thousand_events() {
    for kind in BOTH {
        let Some(desk) = desk(kind).await else { continue };
        events(&desk).await;
        let sealer = Sealer::new(desk.engine.db().clone(), Arc::new(log_key()), "one");
        let (started, mut rounds) = (Instant::now(), Vec::new());
        let mut sealed = 0;
        while sealed < EVENTS as u64 {
            let round = Instant::now();
            sealed = sealer.seal_once(desk.clock.now()).await.unwrap().to;
            rounds.push(round.elapsed());
        }
        let rate = EVENTS as f64 / started.elapsed().as_secs_f64();
        println!("{kind:?}: {rate:.0} events sealed a second");
        said(kind, "a batch of 2,000", &mut rounds);
    }
}

/// Events that wait, of one change each, as the engine would have written them.
async fn events(desk: &Desk) {
    let db = desk.engine.db();
    let unit = db.write(move |tx| {
        Box::pin(async move {
            let backend = tx.get_database_backend();
            for n in 0..EVENTS {
                let body = format!(r#"{{"actor":"ana","at":{n},"change":"c{n}","event":{{"kind":"noted"}},"n":1}}"#);
                let sql = "INSERT INTO event (change_id, n, kind, actor, command_key, at, body, prev_hash, hash)
                           VALUES ($1, 1, 'noted', 'ana', $1, $2, $3, $4, $4)";
                let values: Vec<Value> =
                    vec![format!("c{n}").into(), n.into(), body.into_bytes().into(), vec![0_u8; 32].into()];
                tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            }
            let sql = "INSERT INTO ledger_pending (event_seq, change_id, n, at) SELECT seq, change_id, n, at FROM event";
            tx.execute_raw(Statement::from_string(backend, sql)).await?;
            Ok(())
        })
    });
    unit.await.unwrap();
}

fn said(kind: Kind, what: &str, took: &mut [Duration]) {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{kind:?}: {what}: p50 {:.2} ms, p99 {:.2} ms, largest {:.2} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
