//! An answer that is sent while it is written: server-sent events, as OpenAI's clients read them.
//!
//! When the client goes, the channel closes and the writing ends with it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Frame;
use serde_json::Value;
use tokio::time::{Sleep, sleep};

use super::writing::Hearing;
use crate::serve::refusal::Refusal;
use crate::serve::work::order::Heard;

/// Turns what is heard into the events that are sent, and says what comes last.
pub trait Telling: Send + Unpin + 'static {
    /// Events of a piece of a text, or of its end.
    fn tell(&mut self, number: usize, heard: Heard) -> Vec<Value>;

    /// The last event before the end, if there is one.
    fn last(&mut self) -> Option<Value>;
}

/// Events on their way.
struct Events<T> {
    hearing: Hearing,
    telling: T,
    /// Texts that are still written.
    left: usize,
    time: Pin<Box<Sleep>>,
    over: bool,
}

/// An answer of events about so many texts, that may take so long.
pub fn response(hearing: Hearing, count: usize, time: Duration, telling: impl Telling) -> Response {
    let events = Events {
        hearing,
        telling,
        left: count,
        time: Box::pin(sleep(time)),
        over: false,
    };
    let mut response = Response::new(Body::new(events));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn event(text: &mut String, value: &Value) {
    text.push_str("data: ");
    text.push_str(&value.to_string());
    text.push_str("\n\n");
}

impl<T: Telling> Events<T> {
    /// The events of what was heard; after the last text, the end.
    fn events(&mut self, number: usize, heard: Heard) -> String {
        let mut text = String::new();
        if let Heard::Failed(refusal) = &heard {
            return self.broken(refusal);
        }
        self.left -= usize::from(matches!(heard, Heard::End(_)));
        for value in self.telling.tell(number, heard) {
            event(&mut text, &value);
        }
        if self.left == 0 {
            if let Some(last) = self.telling.last() {
                event(&mut text, &last);
            }
            text.push_str("data: [DONE]\n\n");
            self.over = true;
        }
        text
    }

    /// An answer that breaks off says so; that there is no end shows it to those who do not read.
    fn broken(&mut self, refusal: &Refusal) -> String {
        let mut text = String::new();
        event(&mut text, &refusal.body());
        self.over = true;
        text
    }
}

impl<T: Telling> HttpBody for Events<T> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if self.over {
                return Poll::Ready(None);
            }
            let text = match self.hearing.poll_recv(context) {
                Poll::Ready(Some((number, heard))) => self.events(number, heard),
                Poll::Ready(None) => {
                    self.broken(&Refusal::failed("the thread that computes is gone"))
                }
                Poll::Pending => match self.time.as_mut().poll(context) {
                    Poll::Ready(()) => self.broken(&Refusal::timed_out()),
                    Poll::Pending => return Poll::Pending,
                },
            };
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))));
            }
        }
    }
}
