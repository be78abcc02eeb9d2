//! Every limit of the tokenizer in one place. They bound work and memory on files and texts that nobody vouches for;
//! each lies well above the largest published tokenizer or any source file worth reading.

/// Bytes of `tokenizer.json`, `vocab.json`, `merges.txt` or `vocab.txt` (the largest published is about 33 MB).
pub const MAX_TOKENIZER_FILE: u64 = 256 << 20;
/// Bytes of the small files beside it: configuration, special tokens, chat templates.
pub const MAX_SIDE_FILE: u64 = 16 << 20;
/// No token id reaches this (published vocabularies end near 262,000).
pub const MAX_TOKEN_ID: u64 = 1 << 22;
/// Bytes of one token's text.
pub const MAX_TOKEN_BYTES: usize = 4096;
/// How many added tokens a file may declare.
pub const MAX_ADDED_TOKENS: usize = 100_000;
/// Normalizers, splitters and decoders, counted through all sequences.
pub const MAX_COMPONENTS: usize = 64;
/// How deep sequences of components may nest.
pub const MAX_COMPONENT_DEPTH: usize = 8;
/// Pieces of a post-processing template.
pub const MAX_TEMPLATE_PIECES: usize = 64;
/// Bytes of one regular expression.
pub const MAX_PATTERN_BYTES: usize = 4096;
/// How deep groups of a regular expression may nest.
pub const MAX_PATTERN_DEPTH: u32 = 64;
/// Bytes of a literal that a normalizer or decoder inserts.
pub const MAX_LITERAL_BYTES: usize = 256;
/// Characters that a decoder may strip from an end of a token.
pub const MAX_STRIP: u64 = 64;
/// Bytes of one text to encode.
pub const MAX_TEXT_BYTES: usize = 64 << 20;
/// Bytes of one run of white space: the splitter's look-ahead keeps a step for each character of a run, and gives up
/// silently at a million of them; a text that would come near it is refused instead of being split wrongly.
pub const MAX_BLANK_RUN: usize = 500_000;
/// Tokens that the streaming decoder holds back while they do not yet form whole characters.
pub const MAX_HELD_TOKENS: usize = 16;
/// Steps a chat template may take.
pub const TEMPLATE_FUEL: u64 = 2_000_000;
/// How deep a chat template's macros and includes may recurse.
pub const TEMPLATE_RECURSION: usize = 64;
/// Bytes of one chat template.
pub const MAX_TEMPLATE_BYTES: usize = 1 << 20;
/// Bytes of what a chat template writes.
pub const MAX_RENDERED_BYTES: usize = 64 << 20;
