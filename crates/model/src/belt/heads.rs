//! The heads of a belt's tasks: `heads.safetensors` with `<task>.weight [N x C]` and
//! `<task>.bias [N]`.
//!
//! Which tasks have a head, and of what shape, is `belt.json`'s to say; this file refuses to hold
//! anything else.

use std::collections::BTreeSet;
use std::path::Path;

use skillbelt_engine::ops::{Linear, Map};
use skillbelt_engine::{Mat, Param};

use super::folder::{BeltFile, HeadShape};
use super::write_params;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};

/// The file's name in a belt's folder.
pub const FILE: &str = "heads.safetensors";

/// A head of the given numbers, named after its task: `[N x C]`, and `[1 x N]` if it has a bias.
pub fn head(task: &str, weight: Mat, bias: Option<Mat>, trained: bool) -> Linear {
    let new = if trained {
        Param::trained
    } else {
        Param::frozen
    };
    Linear {
        name: task.to_owned(),
        map: Map::Trained(new(format!("{task}.weight"), weight)),
        bias: bias.map(|bias| new(format!("{task}.bias"), bias)),
        low_rank: None,
    }
}

/// The parameters of heads, in their order.
pub fn params<'h>(heads: impl IntoIterator<Item = &'h Linear>) -> Vec<Param> {
    let mut params = Vec::new();
    for head in heads {
        if let Map::Trained(weight) = &head.map {
            params.push(weight.clone());
        }
        params.extend(head.bias.clone());
    }
    params
}

/// Writes heads that `head` or `read` made. Without any there is nothing to write.
pub fn write<'h>(folder: &Path, heads: impl IntoIterator<Item = &'h Linear>) -> Result<()> {
    let params = params(heads);
    if params.is_empty() {
        return Ok(());
    }
    write_params(&folder.join(FILE), &params, |param| {
        let value = param.value();
        match param.name().ends_with(".bias") {
            true => vec![value.cols()],
            false => vec![value.rows(), value.cols()],
        }
    })
}

/// Reads the heads of a belt's tasks, `None` for those that have none.
pub fn read(folder: &Path, file: &BeltFile, trained: bool) -> Result<Vec<Option<Linear>>> {
    if file.tasks.iter().all(|task| task.head.is_none()) {
        return Ok(file.tasks.iter().map(|_| None).collect());
    }
    let weights = Checkpoint::open_file(&folder.join(FILE))?;
    let mut placed = BTreeSet::new();
    let mut take = |key: String, shape: &[usize]| -> Result<Vec<f32>> {
        let numbers = weights.read_f32(&key, shape)?;
        placed.insert(key);
        Ok(numbers)
    };
    let mut heads = Vec::with_capacity(file.tasks.len());
    for task in &file.tasks {
        let Some(HeadShape {
            outputs,
            width,
            bias,
        }) = task.head
        else {
            heads.push(None);
            continue;
        };
        let weight = take(format!("{}.weight", task.name), &[outputs, width])?;
        let weight = Mat::from_vec(outputs, width, weight);
        let bias = match bias {
            true => Some(Mat::row_vector(take(
                format!("{}.bias", task.name),
                &[outputs],
            )?)),
            false => None,
        };
        heads.push(Some(head(&task.name, weight, bias, trained)));
    }
    let surplus = weights.keys().filter(|key| !placed.contains(*key));
    let keys: Vec<String> = surplus.map(str::to_owned).collect();
    match keys.is_empty() {
        true => Ok(heads),
        false => Err(Error::SurplusTensors {
            path: weights.path().to_owned(),
            keys,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::{Limits, TaskRecord};
    use super::*;

    fn file() -> BeltFile {
        let mut file = BeltFile::new("lora", "base", "bert", &"0".repeat(64), "f32");
        for (name, head) in [
            ("defect", Some((2, true))),
            ("search", None),
            ("a.bias", Some((3, false))),
        ] {
            file.tasks.push(TaskRecord {
                name: name.into(),
                objective: "classify".into(),
                labels: Vec::new(),
                pool: None,
                head: head.map(|(outputs, bias)| HeadShape {
                    outputs,
                    width: 4,
                    bias,
                }),
                limits: Limits::default(),
                settings: serde_json::Value::Null,
                metrics: Default::default(),
                calibration: Vec::new(),
            });
        }
        file
    }

    fn numbers(rows: usize, cols: usize) -> Mat {
        Mat::from_vec(
            rows,
            cols,
            (0..rows * cols).map(|i| i as f32 / 3.0).collect(),
        )
    }

    #[test]
    fn heads_are_read_back_to_the_bit_each_to_its_task() {
        let folder = tempfile::tempdir().unwrap();
        let heads = [
            head("defect", numbers(2, 4), Some(numbers(1, 2)), true),
            head("a.bias", numbers(3, 4), None, true),
        ];
        write(folder.path(), &heads).unwrap();
        let read = read(folder.path(), &file(), false).unwrap();
        assert!(read[1].is_none());
        let found = params(read.iter().flatten());
        let expected = params(&heads);
        assert_eq!(found.len(), 3);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.name(), expected.name());
            assert_eq!(found.value(), expected.value());
            assert!(!found.is_trained());
        }
    }

    #[test]
    fn a_head_too_few_too_many_or_of_another_shape_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let defect = head("defect", numbers(2, 4), Some(numbers(1, 2)), true);
        let other = head("a.bias", numbers(3, 4), None, true);
        let strange = head("strange", numbers(3, 4), None, true);
        let small = head("a.bias", numbers(2, 4), None, true);
        for heads in [
            vec![&defect],
            vec![&defect, &other, &strange],
            vec![&defect, &small],
        ] {
            write(folder.path(), heads).unwrap();
            let error = read(folder.path(), &file(), true)
                .err()
                .unwrap()
                .to_string();
            assert!(error.contains(FILE), "{error}");
        }
    }
}
