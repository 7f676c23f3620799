//! What is erased of a person: texts with their salts, names and addresses in catalogs that no longer hold, deliveries.

use entities::{catalog_version, inbox, note};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use serde_json::Value;

use super::super::error::StoreError;

/// Erases the texts that `author` wrote, value and salt; gives their ids. The rows stay: entries commit to them.
///
/// # Errors
/// When the database cannot be written.
pub async fn texts(tx: &DatabaseTransaction, author: &str, at: i64) -> Result<Vec<String>, StoreError> {
    let theirs = note::Column::Author
        .eq(author)
        .and(note::Column::Body.is_not_null());
    let ids: Vec<String> = note::Entity::find()
        .select_only()
        .column(note::Column::Id)
        .filter(theirs.clone())
        .order_by_asc(note::Column::Id)
        .into_tuple()
        .all(tx)
        .await?;
    note::Entity::update_many()
        .col_expr(note::Column::Body, Expr::value(Option::<String>::None))
        .col_expr(note::Column::Salt, Expr::value(Option::<Vec<u8>>::None))
        .col_expr(note::Column::ErasedAt, Expr::value(at))
        .filter(theirs)
        .exec(tx)
        .await?;
    Ok(ids)
}

/// Takes a person's name and addresses out of every catalog but the newest; gives the number of catalogs and the
/// chat users that stood there.
///
/// # Errors
/// When the database cannot be written, or a catalog cannot be read.
pub async fn catalogs(tx: &DatabaseTransaction, person: &str) -> Result<(u64, Vec<String>), StoreError> {
    let (mut changed, mut users) = (0, Vec::new());
    let rows = catalog_version::Entity::find()
        .order_by_desc(catalog_version::Column::Seq)
        .all(tx)
        .await?;
    for row in rows.into_iter().skip(1) {
        let mut body: Value = serde_json::from_str(&row.body)?;
        let people = body["people"].as_array_mut().into_iter().flatten();
        let mut touched = false;
        for entry in people.filter(|entry| entry["id"] == person && entry["name"] != "erased") {
            users.extend(entry["slack"].as_str().map(str::to_owned));
            entry["name"] = "erased".into();
            entry["email"] = Value::Null;
            entry["slack"] = Value::Null;
            touched = true;
        }
        if touched {
            let row = catalog_version::ActiveModel {
                seq: Set(row.seq),
                body: Set(body.to_string()),
                ..catalog_version::ActiveModel::default()
            };
            catalog_version::Entity::update(row).exec(tx).await?;
            changed += 1;
        }
    }
    users.sort();
    users.dedup();
    Ok((changed, users))
}

/// Removes what chat delivered of these users and was dealt with; gives how many deliveries.
///
/// # Errors
/// When the database cannot be written.
pub async fn deliveries(tx: &DatabaseTransaction, users: &[String]) -> Result<u64, StoreError> {
    let mut gone = 0;
    for user in users {
        let outcome = inbox::Entity::delete_many()
            .filter(inbox::Column::HandledAt.is_not_null())
            .filter(inbox::Column::Body.contains(format!("\"user\":\"{user}\"")))
            .exec(tx)
            .await?;
        gone += outcome.rows_affected;
    }
    Ok(gone)
}
