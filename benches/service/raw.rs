//! What the database itself can take: rows like those of a registration, inserted and upserted in five-hundreds, a transaction each.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use lumbung::storage::{AnyConnection, Database};

const MEASURED: Duration = Duration::from_secs(3);
const ROWS: usize = 500;

const SCHEMA: &str = "CREATE TABLE raw_events (position BIGINT PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, stream TEXT NOT NULL, \
    version BIGINT NOT NULL, data TEXT NOT NULL, UNIQUE (stream, version)); \
    CREATE TABLE raw_states (id TEXT PRIMARY KEY, version BIGINT NOT NULL, doc TEXT NOT NULL);";

/// Events inserted, with one upserted state each, in a second.
pub fn insert_and_upsert(database: &Database) -> f64 {
    let mut connection = database.open_writer().unwrap();
    connection.batch_execute(SCHEMA).unwrap();
    let (data, doc) = ("x".repeat(400), "y".repeat(600));
    let (begin, mut position) = (Instant::now(), 0_i64);
    while begin.elapsed() < MEASURED {
        let positions: Vec<i64> = (position..).take(ROWS).collect();
        let ids: Vec<String> = positions.iter().map(|_| uuid::Uuid::now_v7().to_string()).collect();
        match &mut connection {
            AnyConnection::Postgres(postgres) => {
                let statement = "WITH e AS (INSERT INTO raw_events SELECT p, i, i, 1, $3 FROM unnest($1, $2) AS t (p, i)) \
                    INSERT INTO raw_states SELECT i, 1, $4 FROM unnest($2) AS t (i) \
                    ON CONFLICT (id) DO UPDATE SET version = excluded.version, doc = excluded.doc";
                diesel::sql_query(statement)
                    .bind::<Array<BigInt>, _>(&positions)
                    .bind::<Array<Text>, _>(&ids)
                    .bind::<Text, _>(&data)
                    .bind::<Text, _>(&doc)
                    .execute(postgres)
                    .unwrap();
            }
            AnyConnection::Sqlite(sqlite) => {
                sqlite
                    .transaction::<_, diesel::result::Error, _>(|sqlite| {
                        for (position, id) in positions.iter().zip(&ids) {
                            insert(sqlite, *position, id, &data, &doc)?;
                        }
                        Ok(())
                    })
                    .unwrap();
            }
        }
        position += i64::try_from(ROWS).unwrap();
    }
    f64::from(u32::try_from(position).unwrap()) / begin.elapsed().as_secs_f64()
}

diesel::table! { raw_events (position) { position -> BigInt, event_id -> Text, stream -> Text, version -> BigInt, data -> Text, } }
diesel::table! { raw_states (id) { id -> Text, version -> BigInt, doc -> Text, } }

fn insert(sqlite: &mut SqliteConnection, position: i64, id: &str, data: &str, doc: &str) -> QueryResult<()> {
    let event = (
        raw_events::position.eq(position),
        raw_events::event_id.eq(id),
        raw_events::stream.eq(id),
        raw_events::version.eq(1_i64),
        raw_events::data.eq(data),
    );
    diesel::insert_into(raw_events::table).values(event).execute(sqlite)?;
    let state = (raw_states::id.eq(id), raw_states::version.eq(1_i64), raw_states::doc.eq(doc));
    diesel::insert_into(raw_states::table)
        .values(state)
        .on_conflict(raw_states::id)
        .do_update()
        .set((raw_states::version.eq(1_i64), raw_states::doc.eq(doc)))
        .execute(sqlite)?;
    Ok(())
}
