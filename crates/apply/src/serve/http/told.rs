//! The body of an answer on its way out. When it has gone, or its client has, the request is over: it
//! is counted and logged, and its connection may give way to others.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Method, StatusCode};
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::guests::Guest;
use crate::serve::house::House;

/// What is known of a request when its answer begins. No word of it is a client's text.
pub struct Account {
    pub house: Arc<House>,
    pub guest: Arc<Guest>,
    pub started: Instant,
    pub id: String,
    pub method: Method,
    /// One of the known routes, never the path as it was sent.
    pub route: &'static str,
    pub status: StatusCode,
    pub bytes_in: usize,
    pub room: Option<OwnedSemaphorePermit>,
}

/// An answer's body with its account.
pub struct Told {
    body: Body,
    account: Account,
    bytes_out: u64,
    whole: bool,
}

impl Told {
    pub fn new(body: Body, account: Account) -> Told {
        Told {
            body,
            account,
            bytes_out: 0,
            whole: false,
        }
    }
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                self.bytes_out += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.whole = self.body.is_end_stream();
            }
            Poll::Ready(None) => self.whole = true,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let account = &self.account;
        account.guest.set_busy(false);
        let seconds = account.started.elapsed().as_secs_f64();
        let numbers = &account.house.numbers;
        numbers.answered(account.route, account.status, seconds);
        numbers.in_flight.fetch_sub(1, Relaxed);
        let whole = self.whole || self.body.is_end_stream();
        tracing::info!(
            request_id = account.id,
            method = account.method.as_str(),
            route = account.route,
            status = account.status.as_u16(),
            milliseconds = (seconds * 1e5).round() / 1e2,
            bytes_in = account.bytes_in,
            bytes_out = self.bytes_out,
            whole,
            "answered"
        );
    }
}
