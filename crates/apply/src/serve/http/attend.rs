//! One request, before and after its route: its number, its host, its key, its body; and that whatever
//! becomes of it is counted and logged.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use tower::ServiceExt;

use super::body;
use super::guests::Guest;
use super::told::{Account, Told};
use crate::serve::house::House;
use crate::serve::refusal::Refusal;
use crate::serve::routes;

/// The header that carries a request's number, both ways.
const NUMBER: &str = "x-request-id";

/// A request's number, for those who answer it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Answers a request, whatever it is.
pub async fn attend(
    house: Arc<House>,
    router: Router,
    guest: Arc<Guest>,
    request: Request<Incoming>,
) -> Result<Response<Told>, Infallible> {
    house.numbers.in_flight.fetch_add(1, Relaxed);
    let mut account = Account {
        started: Instant::now(),
        id: number(&house, request.headers()),
        method: request.method().clone(),
        route: routes::name(request.uri().path()),
        status: None,
        bytes_in: 0,
        bytes_out: 0,
        whole: false,
        room: None,
        house,
        guest,
    };
    let response = match answer(&mut account, router, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    account.status = Some(response.status());
    let (mut parts, body) = response.into_parts();
    if let Ok(id) = HeaderValue::from_str(&account.id) {
        parts.headers.insert(NUMBER, id);
    }
    let sniff = HeaderValue::from_static("nosniff");
    parts.headers.insert(header::X_CONTENT_TYPE_OPTIONS, sniff);
    Ok(Response::from_parts(parts, Told::new(body, account)))
}

async fn answer(
    account: &mut Account,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let house = Arc::clone(&account.house);
    let (mut parts, body) = request.into_parts();
    house.door.admit(account.route, &parts.headers)?;
    if parts.method == Method::POST {
        expect_json(&parts.headers)?;
    }
    let read = body::read(body, &house.limits, &house.bodies).await?;
    account.bytes_in = read.bytes.len();
    account.room = read.room;
    account.guest.set_busy(true);
    parts.extensions.insert(RequestId(account.id.clone()));
    let request = Request::from_parts(parts, Body::from(read.bytes));
    match router.oneshot(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}

/// A page of another site can send a form here without asking, but no JSON.
fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "the body must be JSON, with Content-Type: application/json",
        )),
    }
}

/// The client's own number where it has one that can be written down, else a new one.
fn number(house: &House, headers: &HeaderMap) -> String {
    let own = headers.get(NUMBER).and_then(|own| own.to_str().ok());
    let fits = |own: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (1..=128).contains(&own.len()) && own.bytes().all(plain)
    };
    match own.filter(fits) {
        Some(own) => own.to_owned(),
        None => house.next_id(),
    }
}
