//! Why a request is not answered, in the two shapes that clients of this kind of server know:
//! OpenAI's, and text-embeddings-inference's. What a client did wrong is never told with a status of 500.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A request that is not answered.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The field that is wrong.
    pub param: Option<String>,
    /// Seconds after which it is worth another try.
    pub retry_after: Option<u64>,
}

/// The same in the shape of text-embeddings-inference.
#[derive(Debug)]
pub struct Plain(pub Refusal);

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Refusal {
        Refusal {
            status,
            code,
            message: message.to_string(),
            param: None,
            retry_after: None,
        }
    }

    /// A request that could never be answered as it is.
    pub fn wrong(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// A field that is not as it should be.
    pub fn field(param: &str, message: impl ToString) -> Refusal {
        Refusal::wrong(message).of(param)
    }

    /// Something that is named and not there.
    pub fn unknown(code: &'static str, message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, code, message)
    }

    /// More than the server holds at the moment.
    pub fn busy(seconds: u64) -> Refusal {
        let message = format!("too much is waiting; try again in {seconds} s");
        Refusal {
            retry_after: Some(seconds),
            ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", message)
        }
    }

    /// Larger than any request may be.
    pub fn too_large(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// Taken, and not answered within its time.
    pub fn timed_out() -> Refusal {
        Refusal {
            retry_after: Some(5),
            ..Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                "timeout",
                "the answer took too long",
            )
        }
    }

    /// A defect here, not there.
    pub fn failed(message: impl ToString) -> Refusal {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// No longer taking requests.
    pub fn closing() -> Refusal {
        Refusal {
            retry_after: Some(5),
            ..Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "closing",
                "the server is being stopped",
            )
        }
    }

    pub fn of(self, param: &str) -> Refusal {
        Refusal {
            param: Some(param.to_owned()),
            ..self
        }
    }

    /// OpenAI's word for the kind of an error.
    fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// The other server's word for it.
    fn plain_kind(&self) -> &'static str {
        match self.status.as_u16() {
            429 => "Overloaded",
            500.. => "Backend",
            _ => "Validation",
        }
    }

    /// What an event of a stream says when the answer breaks off.
    pub fn body(&self) -> serde_json::Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind(),
            "param": self.param,
            "code": self.code,
        }})
    }

    fn headed(&self, mut response: Response) -> Response {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.headed(Json(self.body()).into_response())
    }
}

impl From<Refusal> for Plain {
    fn from(refusal: Refusal) -> Plain {
        Plain(refusal)
    }
}

impl IntoResponse for Plain {
    fn into_response(self) -> Response {
        let body = json!({"error": self.0.message, "error_type": self.0.plain_kind()});
        self.0.headed(Json(body).into_response())
    }
}
