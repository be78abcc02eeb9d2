//! Writes small files as `torch.save` does, in both forms, to be read back or damaged.
//!
//! It is no part of the program, whose own writer knows one of these forms.

#![allow(dead_code, reason = "each test file uses its part")]

use skillbelt_model::checkpoint::Dtype;

/// A tensor over a part of a storage.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: String,
    pub storage: usize,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// Numbers of one kind.
#[derive(Debug, Clone)]
pub struct Storage {
    pub dtype: Dtype,
    pub bytes: Vec<u8>,
}

/// Ways in which real files wrap their dictionary of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// An ordered dictionary with versions of modules as an attribute.
    Ordered,
    /// Under `state_dict`, beside plain values.
    Nested,
    /// With the shorter instructions of protocol 4.
    Protocol4,
    /// Each tensor as a parameter.
    Parameters,
}

pub const STYLES: [Style; 5] = [
    Style::Plain,
    Style::Ordered,
    Style::Nested,
    Style::Protocol4,
    Style::Parameters,
];

fn class_of(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F64 => "DoubleStorage",
        Dtype::F32 => "FloatStorage",
        Dtype::F16 => "HalfStorage",
        Dtype::Bf16 => "BFloat16Storage",
        Dtype::I64 => "LongStorage",
        other => panic!("{other} is not written"),
    }
}

/// Instructions, one after another.
struct Pickle {
    bytes: Vec<u8>,
    style: Style,
    legacy: bool,
}

impl Pickle {
    fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        if self.style == Style::Protocol4 && text.len() < 256 {
            self.raw(&[0x8c, text.len() as u8]);
        } else {
            self.raw(b"X");
            self.raw(&(text.len() as u32).to_le_bytes());
        }
        self.raw(text.as_bytes());
        if self.style == Style::Protocol4 {
            self.raw(&[0x94]);
        }
    }

    fn global(&mut self, module: &str, name: &str) {
        if self.style == Style::Protocol4 {
            self.text(module);
            self.text(name);
            self.raw(&[0x93]);
        } else {
            self.raw(format!("c{module}\n{name}\n").as_bytes());
        }
    }

    fn int(&mut self, number: usize) {
        match number {
            0..256 => self.raw(&[b'K', number as u8]),
            256..65536 => {
                self.raw(b"M");
                self.raw(&(number as u16).to_le_bytes());
            }
            _ => {
                self.raw(b"J");
                self.raw(&(number as i32).to_le_bytes());
            }
        }
    }

    fn tuple(&mut self, numbers: &[usize]) {
        match numbers {
            [] => self.raw(b")"),
            [one] => {
                self.int(*one);
                self.raw(&[0x85]);
            }
            many => {
                self.raw(b"(");
                many.iter().for_each(|&number| self.int(number));
                self.raw(b"t");
            }
        }
    }

    fn ordered_dict(&mut self) {
        self.global("collections", "OrderedDict");
        self.raw(b")R");
    }

    fn tensor(&mut self, tensor: &Tensor, storage: &Storage) {
        if self.style == Style::Parameters {
            self.global("torch._utils", "_rebuild_parameter");
            self.raw(b"(");
        }
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.raw(b"((");
        self.text("storage");
        self.global("torch", class_of(storage.dtype));
        self.text(&tensor.storage.to_string());
        self.text("cpu");
        self.int(storage.bytes.len() / storage.dtype.bytes());
        self.raw(if self.legacy { b"NtQ" } else { b"tQ" });
        self.int(tensor.offset);
        self.tuple(&tensor.shape);
        self.tuple(&tensor.strides);
        self.raw(&[0x89]);
        self.ordered_dict();
        self.raw(b"tR");
        if self.style == Style::Parameters {
            self.raw(&[0x88]);
            self.ordered_dict();
            self.raw(b"tR");
        }
    }
}

/// The pickle that describes the tensors.
fn describe(tensors: &[Tensor], storages: &[Storage], style: Style, legacy: bool) -> Vec<u8> {
    let mut pickle = Pickle {
        bytes: Vec::new(),
        style,
        legacy,
    };
    match style {
        Style::Protocol4 => pickle.raw(b"\x80\x04\x95\0\0\0\0\0\0\0\0"),
        _ => pickle.raw(b"\x80\x02"),
    }
    if style == Style::Nested {
        pickle.raw(b"}(");
        pickle.text("epoch");
        pickle.int(3);
        pickle.text("state_dict");
    }
    match style {
        Style::Ordered => pickle.ordered_dict(),
        _ => pickle.raw(b"}"),
    }
    pickle.raw(b"q\0(");
    for tensor in tensors {
        pickle.text(&tensor.name);
        pickle.tensor(tensor, &storages[tensor.storage]);
    }
    pickle.raw(b"u");
    match style {
        Style::Ordered => {
            pickle.raw(b"}");
            pickle.text("_metadata");
            pickle.ordered_dict();
            pickle.raw(b"sb");
        }
        Style::Nested => {
            pickle.text("rate");
            pickle.raw(b"G?\xf0\0\0\0\0\0\0u");
        }
        _ => {}
    }
    pickle.raw(b".");
    pickle.bytes
}

/// The legacy form.
pub fn legacy(tensors: &[Tensor], storages: &[Storage], style: Style) -> Vec<u8> {
    let mut file = legacy_head();
    file.extend(describe(tensors, storages, style, true));
    let used: Vec<usize> = (0..storages.len())
        .filter(|&index| tensors.iter().any(|tensor| tensor.storage == index))
        .collect();
    file.extend(b"\x80\x02](");
    for key in &used {
        let key = key.to_string();
        file.push(b'X');
        file.extend((key.len() as u32).to_le_bytes());
        file.extend(key.as_bytes());
    }
    file.extend(b"e.");
    for &key in &used {
        let storage = &storages[key];
        let count = storage.bytes.len() / storage.dtype.bytes();
        file.extend((count as u64).to_le_bytes());
        file.extend(&storage.bytes);
    }
    file
}

/// What stands before the object's pickle in the legacy form.
pub fn legacy_head() -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
    file.extend(b"\x80\x02}(X\x10\0\0\0protocol_versionM\xe9\x03");
    file.extend(b"X\x0d\0\0\0little_endian\x88u.");
    file
}

/// The zip form.
pub fn zip(tensors: &[Tensor], storages: &[Storage], style: Style) -> Vec<u8> {
    let mut entries = vec![
        (
            "model/data.pkl".to_owned(),
            describe(tensors, storages, style, false),
        ),
        ("model/byteorder".to_owned(), b"little".to_vec()),
    ];
    for (key, storage) in storages.iter().enumerate() {
        entries.push((format!("model/data/{key}"), storage.bytes.clone()));
    }
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in &entries {
        let header = file.len() as u32;
        let fields = entry_fields(name, bytes);
        file.extend(b"PK\x03\x04");
        file.extend(&fields);
        file.extend(name.as_bytes());
        file.extend(bytes);
        directory.extend(b"PK\x01\x02\0\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(header.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((entries.len() as u16).to_le_bytes());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// What an entry's header and its line in the directory have in common: versions, flags, method,
/// time, checksum, sizes, lengths of name and extra field.
fn entry_fields(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut fields = vec![0; 14];
    fields.extend((bytes.len() as u32).to_le_bytes());
    fields.extend((bytes.len() as u32).to_le_bytes());
    fields.extend((name.len() as u16).to_le_bytes());
    fields.extend([0; 2]);
    fields
}

/// Five tensors over three storages: two of them share, one is transposed, one is a scalar.
pub fn sample() -> (Vec<Tensor>, Vec<Storage>) {
    let numbers = |count: usize| (0..count).map(|n| n as f32 * 0.37 - 1.0);
    let storages = vec![
        Storage {
            dtype: Dtype::F32,
            bytes: numbers(24).flat_map(f32::to_le_bytes).collect(),
        },
        Storage {
            dtype: Dtype::F16,
            bytes: numbers(6)
                .flat_map(|n| half::f16::from_f32(n).to_le_bytes())
                .collect(),
        },
        Storage {
            dtype: Dtype::F64,
            bytes: numbers(3)
                .flat_map(|n| f64::from(n).to_le_bytes())
                .collect(),
        },
    ];
    let tensor = |name: &str, storage, offset, shape: &[usize], strides: &[usize]| Tensor {
        name: name.to_owned(),
        storage,
        offset,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
    };
    let tensors = vec![
        tensor("embed.weight", 0, 0, &[6, 4], &[4, 1]),
        tensor("head.weight", 0, 0, &[4, 6], &[1, 4]),
        tensor("layer.bias", 0, 20, &[4], &[1]),
        tensor("layer.weight", 1, 0, &[2, 3], &[3, 1]),
        tensor("scale", 2, 1, &[], &[]),
    ];
    (tensors, storages)
}
