//! The traps, each set in a repository with a few good files and two commits.

#![allow(clippy::unwrap_used)]

mod folders;
mod of_git;
mod programs;

use super::repository::Repository;

/// Sets a trap.
pub type Trap = fn(&Repository);

/// All traps by name.
pub const TRAPS: &[(&str, Trap)] = &[
    ("a link to the folder above", folders::link_up),
    ("a link to itself", folders::link_to_itself),
    ("two links to each other", folders::links_in_a_ring),
    ("a link to the root of the machine", folders::link_to_root),
    ("a link to a device without end", folders::link_to_zero),
    ("a thousand links to one folder", folders::many_links),
    ("a pipe with the name of a source", folders::pipe),
    ("a socket with the name of a source", folders::socket),
    ("a pipe as .gitignore", folders::pipe_as_gitignore),
    ("a device as .gitignore", folders::link_as_gitignore),
    (
        "a .gitignore of a hundred thousand patterns",
        folders::many_patterns,
    ),
    ("a .gitignore of costly patterns", folders::costly_patterns),
    ("a .gitignore that is no text", folders::binary_patterns),
    ("a folder as .gitignore", folders::folder_as_gitignore),
    ("a thousand folders in each other", folders::deep),
    ("three thousand empty folders", folders::many_empty),
    ("three thousand small files", folders::many_files),
    ("files named like flags", folders::flags),
    ("names with lines, quotes and escapes", folders::odd_names),
    ("names that are no UTF-8", folders::names_without_encoding),
    ("a name of 255 bytes", folders::long_name),
    ("a sparse file of a terabyte", folders::sparse),
    ("a hundred sparse files", folders::many_sparse),
    ("files of no bytes", folders::empty_files),
    (
        "a folder with the name of a source",
        folders::folder_as_source,
    ),
    ("a submodule whose git is elsewhere", folders::submodule),
    ("repositories in repositories", folders::inner_repositories),
    (
        "a file of XML that names other files",
        folders::outer_entities,
    ),
    ("entities that grow to gigabytes", folders::entities),
    ("elements of XML in each other", folders::deep_xml),
    ("one line of a hundred megabytes", programs::long_line),
    ("a line of half a megabyte", programs::half_a_megabyte),
    ("bytes that are no UTF-8", programs::not_utf8),
    ("text of two bytes a letter", programs::two_bytes),
    (
        "marks of direction and of no width",
        programs::unseen_letters,
    ),
    ("letters with a thousand accents", programs::accents),
    ("only ends of lines of old machines", programs::old_ends),
    ("brackets in each other, every language", programs::brackets),
    ("functions in each other", programs::functions_in_each_other),
    ("classes in each other", programs::classes_in_each_other),
    (
        "tests in suites in each other",
        programs::suites_in_each_other,
    ),
    ("branches in each other", programs::branches),
    ("a chain of ten thousand else-ifs", programs::chain),
    ("operators in a row", programs::operators),
    ("a hundred thousand comments", programs::comments),
    ("a hundred thousand attributes", programs::attributes),
    ("texts that never end", programs::open_texts),
    ("templates in each other", programs::templates),
    ("what a grammar cannot decide", programs::undecided),
    ("directives that part functions", programs::directives),
    ("halves of programs", programs::halves),
    ("a name of a hundred kilobytes", programs::long_word),
    ("documentation without an end", programs::long_documentation),
    ("ten thousand functions that are the same", programs::same),
    (
        "a thousand functions that are nearly the same",
        programs::nearly_the_same,
    ),
    ("elements of TypeScript in each other", programs::elements),
    ("a pipe as HEAD", of_git::pipe_as_head),
    (
        "a pipe as the names of branches",
        of_git::pipe_as_packed_refs,
    ),
    ("a pipe as settings", of_git::pipe_as_config),
    ("a pipe as an object", of_git::pipe_as_object),
    ("a device as a branch", of_git::device_as_branch),
    ("git's folder is a pipe", of_git::pipe_as_git),
    ("git's folder is a link to itself", of_git::link_as_git),
    ("git's folder is elsewhere and not there", of_git::elsewhere),
    ("git's folder names itself", of_git::names_itself),
    (
        "a store of objects that is its own other",
        of_git::own_alternate,
    ),
    ("a branch that names itself", of_git::branch_of_itself),
    ("sparse names of branches", of_git::sparse_packed_refs),
    ("an object that grows to gigabytes", of_git::growing_object),
    ("an object that is cut", of_git::cut_objects),
    (
        "a folder of a commit that holds itself many times",
        of_git::folders_without_end,
    ),
    ("a commit without its folder", of_git::commit_without_folder),
    ("a commit whose time is none", of_git::commit_without_time),
    ("a commit of ten thousand files", of_git::large_commit),
    ("paths that lead out of a commit", of_git::paths_out),
    ("settings that include others", of_git::including_settings),
];
