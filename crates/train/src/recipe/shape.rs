//! The shape of a recipe: which keys a section has, what each may hold, and what it means.
//!
//! Everything here follows from the typed sections: names from `serde`, meanings from the doc
//! comments, kinds of values from the types of the fields. There is no second list of keys.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

/// What a value may be.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A whole number from zero on.
    Count,
    /// A finite number.
    Number,
    /// `true` or `false`.
    Switch,
    Text,
    /// Relative to the folder of the recipe, or, in a flag, to the current folder.
    Path,
    /// One of these words, each with its meaning.
    Words(Vec<(&'static str, &'static str)>),
    List(Box<Shape>),
    /// Names of the user's own, each with a value.
    Map(Box<Shape>),
    Section(Vec<Key>),
    /// Whichever has the form of what was written: a scalar, a list or a map.
    OneOf(&'static str, Vec<Shape>),
}

/// A key of a section.
#[derive(Debug, Clone)]
pub struct Key {
    pub name: &'static str,
    /// Its meaning, in one line; what holds without it stands in brackets.
    pub meaning: String,
    pub shape: Shape,
}

/// A type that a recipe may hold.
pub trait Shaped {
    fn shape() -> Shape;
}

impl Shape {
    /// What a person should have written here.
    pub fn expected(&self) -> String {
        match self {
            Shape::Count => "a whole number".into(),
            Shape::Number => "a number".into(),
            Shape::Switch => "`true` or `false`".into(),
            Shape::Text => "a text".into(),
            Shape::Path => "a path".into(),
            Shape::Words(words) => {
                let words: Vec<String> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Shape::List(_) => "a list".into(),
            Shape::Map(_) => "a map of names and values".into(),
            Shape::Section(_) => "keys and values".into(),
            Shape::OneOf(expected, _) => (*expected).into(),
        }
    }

    /// The keys of a section, or of the sections in a map.
    pub fn keys(&self) -> &[Key] {
        match self {
            Shape::Section(keys) => keys,
            Shape::Map(inner) => inner.keys(),
            _ => &[],
        }
    }

    /// Whether a list may stand here.
    pub fn takes_list(&self) -> bool {
        match self {
            Shape::List(_) => true,
            Shape::OneOf(_, shapes) => shapes.iter().any(Shape::takes_list),
            _ => false,
        }
    }
}

macro_rules! plain {
    ($($type:ty => $shape:ident),*) => {$(
        impl Shaped for $type {
            fn shape() -> Shape { Shape::$shape }
        }
    )*};
}
plain!(u64 => Count, usize => Count, f64 => Number, f32 => Number, bool => Switch, String => Text, PathBuf => Path);

impl<T: Shaped> Shaped for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Shaped> Shaped for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<T: Shaped> Shaped for IndexMap<String, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

/// Writes a struct down once: as a type, and as a list of keys with their meanings.
macro_rules! section {
    (
        $(#[$outer:meta])*
        pub struct $Name:ident {
            $( $(#[doc = $doc:literal])+ $(#[serde($($serde:tt)*)])* pub $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$outer])*
        pub struct $Name {
            $( $(#[doc = $doc])+ $(#[serde($($serde)*)])* pub $field: $type, )*
        }
        impl $crate::recipe::shape::Shaped for $Name {
            fn shape() -> $crate::recipe::shape::Shape {
                use $crate::recipe::shape::{Shape, Shaped, section_of};
                Shape::Section(section_of::<$Name>(vec![
                    $( (concat!($($doc),+), <$type as Shaped>::shape()), )*
                ]))
            }
        }
    };
}
pub(crate) use section;

/// Writes an enum down once: as a type, and as a list of words with their meanings.
macro_rules! words {
    (
        $(#[$outer:meta])*
        pub enum $Name:ident {
            $( $(#[doc = $doc:literal])+ $(#[serde($($serde:tt)*)])* $(#[default $($none:tt)?])? $Variant:ident, )*
        }
    ) => {
        $(#[$outer])*
        pub enum $Name {
            $( $(#[doc = $doc])+ $(#[serde($($serde)*)])* $(#[default $($none)?])? $Variant, )*
        }
        impl $crate::recipe::shape::Shaped for $Name {
            fn shape() -> $crate::recipe::shape::Shape {
                use $crate::recipe::shape::{Shape, words_of};
                Shape::Words(words_of::<$Name>(vec![$( concat!($($doc),+) ),*]))
            }
        }
    };
}
pub(crate) use words;

/// The keys of a section: names as `serde` reads them, in the order of the fields.
pub fn section_of<T: DeserializeOwned>(fields: Vec<(&'static str, Shape)>) -> Vec<Key> {
    let key = |(name, (meaning, shape)): (&&'static str, (&str, Shape))| Key {
        name,
        meaning: meaning.trim().to_owned(),
        shape,
    };
    names_of::<T>().iter().zip(fields).map(key).collect()
}

/// The words of an enum, as `serde` reads them.
pub fn words_of<T: DeserializeOwned>(
    meanings: Vec<&'static str>,
) -> Vec<(&'static str, &'static str)> {
    let meanings = meanings.into_iter().map(str::trim);
    names_of::<T>().iter().copied().zip(meanings).collect()
}

/// What `serde` calls the fields or variants of a type.
fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The listener never yields a value: it only hears what is asked for.
    let _refused = T::deserialize(Listener(&mut names));
    names
}

/// A deserializer that hears which names a type knows, and yields nothing.
struct Listener<'n>(&'n mut &'static [&'static str]);

#[derive(Debug, thiserror::Error)]
#[error("names were heard")]
struct Heard;

impl de::Error for Heard {
    fn custom<T: std::fmt::Display>(_: T) -> Heard {
        Heard
    }
}

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Heard;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Heard> {
        Err(Heard)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Heard> {
        *self.0 = fields;
        Err(Heard)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Heard> {
        *self.0 = variants;
        Err(Heard)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}
