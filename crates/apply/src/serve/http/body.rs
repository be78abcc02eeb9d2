//! Reads the body of a request: all of it, within its time, and no more than there is room for.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody};
use axum::http::StatusCode;
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::serve::limits::Limits;
use crate::serve::refusal::Refusal;

/// Bodies are counted in this many bytes.
pub const UNIT: usize = 1024;

/// A body, and the room that it takes as long as its request is answered.
pub struct Read {
    pub bytes: Bytes,
    pub room: Option<OwnedSemaphorePermit>,
}

/// All of a body. `room` is what all bodies together may still take.
pub async fn read(body: Incoming, limits: &Limits, room: &Arc<Semaphore>) -> Result<Read, Refusal> {
    let told = body.size_hint();
    if told.lower() > limits.body_bytes as u64 {
        return Err(too_large(limits));
    }
    let reading = frames(body, limits, room);
    match tokio::time::timeout(limits.body_time, reading).await {
        Ok(read) => read,
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_timeout",
            "the body of the request did not come in time",
        )),
    }
}

async fn frames(
    mut body: Incoming,
    limits: &Limits,
    room: &Arc<Semaphore>,
) -> Result<Read, Refusal> {
    let mut bytes = Vec::new();
    let mut taken: Option<OwnedSemaphorePermit> = None;
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Refusal::wrong("the body of the request broke off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        let held = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = (bytes.len() + data.len()).div_ceil(UNIT);
        if needed > held {
            let more = Arc::clone(room).try_acquire_many_owned((needed - held) as u32);
            let more = more.map_err(|_| Refusal::busy(1))?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                none => *none = Some(more),
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Read {
        bytes: bytes.into(),
        room: taken,
    })
}

fn too_large(limits: &Limits) -> Refusal {
    let most = limits.body_bytes;
    Refusal::too_large(format_args!(
        "the body of a request has at most {most} bytes"
    ))
}
