//! Where the paths of a recipe lead: those of the file into its folder, those of flags as they are.

use std::path::Path;

use skillbelt_model::pocket;

use crate::recipe::shape::Shape;
use crate::recipe::tree::{Node, Origin, Value};

/// Puts paths of the file into the folder of the file.
pub fn place(node: &mut Node, shape: &Shape, folder: &Path) {
    let of_file = matches!(node.origin, Origin::File { .. });
    match (&mut node.value, shape) {
        (Value::Word(word), Shape::Path) if of_file => {
            // `Path::join` leaves absolute paths as they are.
            *word = folder.join(&*word).to_string_lossy().into_owned();
        }
        (Value::Word(_), Shape::OneOf(_, shapes)) => {
            if let Some(shape @ Shape::Path) = shapes.first() {
                place(node, shape, folder);
            }
        }
        (Value::Word(_), Shape::List(inner)) => place(node, inner, folder),
        (Value::List(items), Shape::List(inner)) => {
            items.iter_mut().for_each(|item| place(item, inner, folder));
        }
        (Value::List(_) | Value::Map(_), Shape::OneOf(_, shapes)) => {
            for shape in shapes {
                place(node, shape, folder);
            }
        }
        (Value::Map(entries), Shape::Map(inner)) => {
            let values = entries.iter_mut().map(|(_, node)| node);
            values.for_each(|node| place(node, inner, folder));
        }
        (Value::Map(entries), Shape::Section(keys)) => {
            for (name, node) in entries {
                if let Some(key) = keys.iter().find(|key| key.name == name) {
                    place(node, &key.shape, folder);
                }
            }
        }
        _ => {}
    }
}

/// A base is a folder beside the recipe if there is one of this name, else as it is written; `pocket`
/// is always the one that is built in.
pub fn place_base(tree: &mut Node, folder: &Path) {
    for (section, key) in [("base", "name"), ("prompting", "base")] {
        if tree.at(&[section, key]).is_none() {
            continue;
        }
        if let Some(section) = tree.section(section, &Origin::Default) {
            beside(section, key, folder);
        }
    }
}

fn beside(section: &mut Node, key: &str, folder: &Path) {
    let Some(
        node @ Node {
            origin: Origin::File { .. },
            value: Value::Word(name),
        },
    ) = section.get(key)
    else {
        return;
    };
    let beside = folder.join(name);
    let relative = name.starts_with("./") || name.starts_with("../");
    if relative || (beside.is_dir() && name != pocket::NAME) {
        let word = beside.to_string_lossy().into_owned();
        let node = Node::word(node.origin.clone(), word);
        section.set(key, node);
    }
}
