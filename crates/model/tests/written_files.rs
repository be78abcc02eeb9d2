//! Files written by others' code, read back: whatever the safetensors crate writes, and whatever a
//! writer of torch's forms writes, comes back to the bit. Random pickles end in an error.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod torch_writer;

use std::collections::BTreeMap;
use std::path::Path;

use half::{bf16, f16};
use proptest::prelude::*;
use skillbelt_model::checkpoint::Dtype;
use skillbelt_model::{Checkpoint, Error};
use torch_writer::{STYLES, Storage, Style, Tensor};

fn write(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(name), bytes).unwrap();
    folder
}

fn bits(checkpoint: &Checkpoint, key: &str) -> Vec<u32> {
    let shape = checkpoint.shape(key).unwrap().to_vec();
    let numbers = checkpoint.read_f32(key, &shape).unwrap();
    numbers.into_iter().map(f32::to_bits).collect()
}

/// What numbers of a kind are in f32, one after another, by the plainest way.
fn plain_f32(dtype: Dtype, bytes: &[u8]) -> Vec<u32> {
    let number = |b: &[u8]| match dtype {
        Dtype::F32 => f32::from_le_bytes(b.try_into().unwrap()),
        Dtype::F64 => f64::from_le_bytes(b.try_into().unwrap()) as f32,
        Dtype::F16 => f16::from_le_bytes(b.try_into().unwrap()).to_f32(),
        Dtype::Bf16 => bf16::from_le_bytes(b.try_into().unwrap()).to_f32(),
        other => panic!("{other}"),
    };
    let numbers = bytes.chunks(dtype.bytes()).map(number);
    numbers.map(f32::to_bits).collect()
}

/// Finite numbers of a kind: what a not-a-number becomes is the processor's choice.
fn numbers(dtype: Dtype, count: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(-70000f32..70000f32, count).prop_map(move |numbers| {
        let bytes = |n: f32| match dtype {
            Dtype::F32 => n.to_le_bytes().to_vec(),
            Dtype::F64 => (f64::from(n) * 1.000_000_1).to_le_bytes().to_vec(),
            Dtype::F16 => f16::from_f32(n).to_le_bytes().to_vec(),
            _ => bf16::from_f32(n).to_le_bytes().to_vec(),
        };
        numbers.into_iter().flat_map(bytes).collect()
    })
}

const FLOATS: [Dtype; 4] = [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::Bf16];

/// A shape of up to 3 dimensions, a kind, and the numbers.
fn weight() -> impl Strategy<Value = (Vec<usize>, Dtype, Vec<u8>)> {
    let shape = proptest::collection::vec(0..12usize, 0..4);
    (shape, proptest::sample::select(&FLOATS[..])).prop_flat_map(|(shape, dtype)| {
        let count = shape.iter().product();
        (Just(shape), Just(dtype), numbers(dtype, count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_the_safetensors_crate_writes_is_read_back_to_the_bit(
        weights in proptest::collection::btree_map("\\PC{0,12}", weight(), 0..6),
    ) {
        let views: BTreeMap<_, _> = weights.iter().map(|(name, (shape, dtype, bytes))| {
            let dtype = match dtype {
                Dtype::F32 => safetensors::Dtype::F32,
                Dtype::F64 => safetensors::Dtype::F64,
                Dtype::F16 => safetensors::Dtype::F16,
                _ => safetensors::Dtype::BF16,
            };
            let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes);
            (name.clone(), view.unwrap())
        }).collect();
        let folder = write("model.safetensors", &safetensors::serialize(views, None).unwrap());
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        prop_assert!(checkpoint.keys().eq(weights.keys()));
        for (name, (shape, dtype, bytes)) in &weights {
            prop_assert_eq!(checkpoint.shape(name), Some(&shape[..]));
            prop_assert_eq!(checkpoint.dtype(name), Some(*dtype));
            prop_assert_eq!(bits(&checkpoint, name), plain_f32(*dtype, bytes));
        }
    }

    #[test]
    fn pickled_weights_are_read_back_to_the_bit_in_every_form_and_style(
        weights in proptest::collection::btree_map("\\PC{0,12}", weight(), 1..6),
        transposed in any::<bool>(),
    ) {
        let (mut tensors, mut storages) = (Vec::new(), Vec::new());
        let mut expected = BTreeMap::new();
        for (name, (shape, dtype, bytes)) in &weights {
            let mut strides = vec![1; shape.len()];
            for place in (1..shape.len()).rev() {
                strides[place - 1] = strides[place] * shape[place].max(1);
            }
            let (mut shape, mut numbers) = (shape.clone(), plain_f32(*dtype, bytes));
            if let (true, &[rows, cols]) = (transposed, &shape[..]) {
                numbers = (0..rows * cols).map(|n| numbers[n % rows * cols + n / rows]).collect();
                shape.reverse();
                strides.reverse();
            }
            expected.insert(name.clone(), (shape.clone(), numbers));
            let storage = storages.len();
            tensors.push(Tensor { name: name.clone(), storage, offset: 0, shape, strides });
            storages.push(Storage { dtype: *dtype, bytes: bytes.clone() });
        }
        let mut hashes = Vec::new();
        for style in STYLES {
            for form in [torch_writer::zip, torch_writer::legacy] {
                let folder = write("pytorch_model.bin", &form(&tensors, &storages, style));
                let checkpoint = Checkpoint::open(folder.path()).unwrap();
                prop_assert!(checkpoint.keys().eq(expected.keys()));
                for (name, (shape, numbers)) in &expected {
                    prop_assert_eq!(checkpoint.shape(name), Some(&shape[..]));
                    prop_assert_eq!(&bits(&checkpoint, name), numbers);
                }
                hashes.push(checkpoint.content_hash());
            }
        }
        hashes.dedup();
        prop_assert_eq!(hashes.len(), 1);
    }

    #[test]
    fn random_instructions_end_in_an_error_that_names_the_file(
        program in proptest::collection::vec(proptest::sample::select(INSTRUCTIONS), 0..60),
    ) {
        let bytes = [torch_writer::legacy_head(), b"\x80\x02".to_vec(), program.concat()].concat();
        let folder = write("pytorch_model.bin", &bytes);
        let error = open_error(&folder.path().join("pytorch_model.bin"));
        prop_assert!(error.to_string().contains("pytorch_model.bin"), "{}", error);
    }
}

/// Whole instructions, so that random programs get deep into the machine.
const INSTRUCTIONS: &[&[u8]] = &[
    b"(",
    b"N",
    b"\x88",
    b"K\x03",
    b"J\xff\xff\xff\xff",
    b"X\x01\0\0\0a",
    b"}",
    b"]",
    b")",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"a",
    b"e",
    b"s",
    b"u",
    b"q\x01",
    b"h\x01",
    b"\x94",
    b"Q",
    b"R",
    b"b",
    b"X\x07\0\0\0storage",
    b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"\x93",
];

fn open_error(path: &Path) -> Error {
    Checkpoint::open_file(path).unwrap_err()
}

#[test]
fn views_that_share_a_storage_are_gathered_from_it() {
    let (tensors, storages) = torch_writer::sample();
    let file = torch_writer::zip(&tensors, &storages, Style::Plain);
    let folder = write("pytorch_model.bin", &file);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let (embed, head) = (
        bits(&checkpoint, "embed.weight"),
        bits(&checkpoint, "head.weight"),
    );
    for row in 0..6 {
        for col in 0..4 {
            assert_eq!(embed[row * 4 + col], head[col * 6 + row]);
        }
    }
    assert_eq!(bits(&checkpoint, "layer.bias"), embed[20..]);
    assert_eq!(bits(&checkpoint, "scale"), [(0.37f32 - 1.0).to_bits()]);
}

#[test]
fn whole_numbers_are_refused_as_weights_and_listed_as_tensors() {
    let tensor = Tensor {
        name: "position_ids".to_owned(),
        storage: 0,
        offset: 0,
        shape: vec![1, 2],
        strides: vec![2, 1],
    };
    let storage = Storage {
        dtype: Dtype::I64,
        bytes: vec![0; 16],
    };
    let file = torch_writer::legacy(&[tensor], &[storage], Style::Ordered);
    let folder = write("pytorch_model.bin", &file);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let error = checkpoint.read_f32("position_ids", &[1, 2]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::WrongDtype {
                found: Dtype::I64,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn missing_and_wrongly_shaped_weights_are_named() {
    let (tensors, storages) = torch_writer::sample();
    let file = torch_writer::zip(&tensors, &storages, Style::Nested);
    let folder = write("pytorch_model.bin", &file);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let shown = |error: Error| error.to_string().rsplit_once("bin: ").unwrap().1.to_owned();
    let missing = checkpoint.read_f32("nowhere", &[2, 3]).unwrap_err();
    assert_eq!(
        shown(missing),
        "`nowhere`: expected a tensor of shape [2, 3], found none"
    );
    let wrong = checkpoint.read_f32("layer.weight", &[3, 2]).unwrap_err();
    assert_eq!(
        shown(wrong),
        "`layer.weight`: expected shape [3, 2], found [2, 3]"
    );
}

#[test]
fn one_file_and_its_shards_have_one_content_hash_and_any_number_changes_it() {
    let file = |names: &[&str], first: u8| {
        let numbers = [first, 1, 2, 3];
        let view =
            || safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &numbers);
        let views: BTreeMap<_, _> = names.iter().map(|name| (*name, view().unwrap())).collect();
        safetensors::serialize(views, None).unwrap()
    };
    let hash = |folder: &Path| Checkpoint::open(folder).unwrap().content_hash();
    let one = write("model.safetensors", &file(&["a", "b"], 0));
    let shards = write("a.safetensors", &file(&["a"], 0));
    fs_err::write(shards.path().join("b.safetensors"), file(&["b"], 0)).unwrap();
    let index = r#"{"weight_map":{"a":"a.safetensors","b":"b.safetensors"}}"#;
    fs_err::write(shards.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(hash(one.path()), hash(shards.path()));
    for other in [file(&["a", "b"], 9), file(&["a", "c"], 0), file(&["a"], 0)] {
        assert_ne!(
            hash(one.path()),
            hash(write("model.safetensors", &other).path())
        );
    }
}
