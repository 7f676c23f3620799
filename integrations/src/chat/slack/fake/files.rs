//! The stand-in's uploads: a slot, the bytes, then the message that shows them.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    Shared,
    api::{Call, Outcome, message, open_channel, push},
    world::World,
};

pub(super) fn upload_slot(shared: &Shared, world: &mut World, call: &Call) -> Outcome {
    if call.text("filename").is_empty() || call.text("length").parse::<u64>().is_err() {
        return Err("invalid_arguments".into());
    }
    let id = format!("F{}", world.next_serial());
    world
        .uploads
        .insert(id.clone(), (call.text("filename").to_owned(), Vec::new()));
    Ok(json!({"upload_url": format!("{}/upload/{id}", shared.base_url()), "file_id": id}))
}

pub(super) async fn upload(State(shared): State<Shared>, Path(id): Path<String>, body: Bytes) -> Response {
    match shared.world().uploads.get_mut(&id) {
        Some((_, bytes)) => {
            *bytes = body.to_vec();
            format!("OK - {}", body.len()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) fn complete_upload(shared: &Shared, world: &mut World, call: &Call) -> Outcome {
    let channel = open_channel(world, call.text("channel_id"))?;
    let mut files = Vec::new();
    for file in call.fields["files"].as_array().map_or(&[][..], Vec::as_slice) {
        let id = file["id"].as_str().unwrap_or("");
        let (name, bytes) = world.uploads.get(id).ok_or("file_not_found")?;
        if bytes.is_empty() {
            return Err("file_not_found".into());
        }
        files.push((file["title"].as_str().unwrap_or(name).to_owned(), id.to_owned()));
    }
    let thread = call.fields["thread_ts"].as_str().map(str::to_owned);
    let mut message = message(shared, world, call, thread);
    message.files = files;
    push(world, &channel, message);
    Ok(json!({"files": call.fields["files"]}))
}
