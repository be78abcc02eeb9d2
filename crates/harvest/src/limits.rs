//! All limits of a harvest. None of them is about time, so that the same input gives the same rows.

use skillbelt_code::Limits;

/// Bytes of a source file.
pub const FILE_BYTES: u64 = 1 << 20;
/// Bytes of one line of a source file; nobody writes longer ones by hand.
pub const LINE_BYTES: usize = 5_000;
/// Mean bytes of a line, of files of more than a few lines.
pub const MEAN_LINE_BYTES: usize = 200;
/// Folders in each other.
pub const FOLDERS_DEEP: usize = 128;
/// Bytes of a `.gitignore`.
pub const IGNORE_BYTES: u64 = 1 << 20;
/// Of a function that is used.
pub const FUNCTION_LINES: std::ops::RangeInclusive<usize> = 3..=200;
pub const FUNCTION_WORDS: std::ops::RangeInclusive<usize> = 15..=1_500;
pub const FUNCTION_BYTES: usize = 8 << 10;
/// Words of documentation.
pub const SUMMARY_WORDS: std::ops::RangeInclusive<usize> = 4..=100;
/// Bytes of documentation.
pub const SUMMARY_BYTES: usize = 1_000;
/// Share of runs of five words from which on two texts are nearly the same.
pub const NEAR: f64 = 0.8;
/// Files of one commit that is read; a commit of more is an import or a sweep.
pub const COMMIT_FILES: usize = 100;
/// Functions that one bug-fixing commit changes; a commit of more does more than to fix a bug.
pub const FIX_FUNCTIONS: usize = 10;
/// Bytes of one JUnit file.
pub const JUNIT_BYTES: u64 = 256 << 20;
/// Entries of one folder tree in a commit, and folders in each other.
pub const TREE_ENTRIES: usize = 1_000_000;
/// Entries of all folders that are read of one history; each folder counts as 200 more. 2,000 usual
/// commits of a large project stay below.
pub const HISTORY_ENTRIES: usize = 20_000_000;
/// Bytes of all versions of files that are parsed of one history, the newest first.
pub const HISTORY_BYTES: u64 = 1 << 30;
/// What one file may cost to parse.
pub const PARSE: Limits = Limits {
    bytes: FILE_BYTES as usize,
    steps: 100,
    nodes: 600_000,
};
