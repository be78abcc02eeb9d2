//! Every limit of reading, in one place.

/// Bytes of one row: a line, an element of a JSON array, a record of a CSV file. A longer one is
/// rejected without being held.
pub const ROW_BYTES: usize = 32 << 20;

/// Bytes of texts that rows name by number, held in memory; more go to an unnamed file.
pub const HELD_BYTES: usize = 256 << 20;

/// Bytes that are looked at to tell JSON from JSONL.
pub const SNIFFED_BYTES: usize = 1 << 20;

/// Characters of a value that are shown in a rejection.
pub const SHOWN_CHARS: usize = 60;

/// Fields of a row that are listed when one is missing.
pub const SHOWN_FIELDS: usize = 24;

/// Memory that zstd may ask for to read a frame, as a power of two: what its own program allows.
pub const ZSTD_WINDOW: u32 = 27;
