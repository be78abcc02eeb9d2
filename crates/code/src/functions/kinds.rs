//! Kinds of nodes that functions stand in or behind, over all grammars: one name means the same in
//! every grammar that has it.

/// Functions that go by the name of something else, and are too small to be asked about.
pub const UNNAMED: &[&str] = &[
    "accessor_declaration",
    "operator_declaration",
    "destructor_declaration",
];

/// What functions are members of.
pub const CONTAINERS: &[&str] = &[
    "class_definition",
    "class_declaration",
    "abstract_class_declaration",
    "class",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "struct_declaration",
    "class_specifier",
    "struct_specifier",
    "union_specifier",
    "impl_item",
    "trait_item",
    "module",
    "trait_declaration",
    "object",
];

/// Nodes around a function that are read as one with it.
pub const WRAPPERS: &[&str] = &[
    "decorated_definition",
    "template_declaration",
    "export_statement",
    "global_statement",
];

/// Nodes before a function that say something about it without being its text.
pub const MARKS: &[&str] = &[
    "attribute_item",
    "decorator",
    "annotation",
    "attribute_list",
];

/// Comments, over all grammars.
pub const COMMENTS: &[&str] = &["comment", "line_comment", "block_comment"];
