//! The routes that clients of OpenAI's interface know: models, embeddings, completions, conversations.
//!
//! What a client asks for and this server cannot do is refused by name; it is never passed over where
//! that would change the answer.

pub mod asked;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod models;
mod stream;
pub mod writing;
