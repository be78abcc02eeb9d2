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

/// What is known of a request. When it is dropped the request is over, however it came to that. No
/// word of it is a client's text.
pub struct Account {
    pub house: Arc<House>,
    pub guest: Arc<Guest>,
    pub started: Instant,
    pub id: String,
    pub method: Method,
    /// One of the known routes, never the path as it was sent.
    pub route: &'static str,
    /// Nothing as long as there is no answer.
    pub status: Option<StatusCode>,
    pub bytes_in: usize,
    pub bytes_out: u64,
    /// The whole answer was taken.
    pub whole: bool,
    pub room: Option<OwnedSemaphorePermit>,
}

/// The status under which a request is counted whose client went before there was an answer.
const GONE: u16 = 499;

/// An answer's body with its account.
pub struct Told {
    body: Body,
    account: Account,
}

impl Told {
    pub fn new(body: Body, account: Account) -> Told {
        let mut told = Told { body, account };
        told.account.whole = told.body.is_end_stream();
        told
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
                self.account.bytes_out += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.account.whole = self.body.is_end_stream();
            }
            Poll::Ready(None) => self.account.whole = true,
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

impl Drop for Account {
    fn drop(&mut self) {
        self.guest.set_busy(false);
        let seconds = self.started.elapsed().as_secs_f64();
        let status = self.status.map_or(GONE, |status| status.as_u16());
        let numbers = &self.house.numbers;
        numbers.answered(self.route, status, seconds);
        numbers.in_flight.fetch_sub(1, Relaxed);
        tracing::info!(
            request_id = self.id,
            method = self.method.as_str(),
            route = self.route,
            status,
            milliseconds = (seconds * 1e5).round() / 1e2,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            whole = self.whole,
            "answered"
        );
    }
}
