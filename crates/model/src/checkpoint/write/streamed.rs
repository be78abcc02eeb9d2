//! The same file, one tensor in memory at a time: for weights that are computed or converted while
//! they are written.

use std::io::Write;
use std::path::Path;

use super::{Stored, file, header};
use crate::error::Result;

/// Writes tensors of the given keys and shapes, in this order, asking `numbers` for each when its
/// turn comes. A failure of `numbers` is the failure of the whole, and leaves nothing behind.
pub fn streamed(
    path: &Path,
    tensors: &[(String, Vec<usize>)],
    stored: Stored,
    mut numbers: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>,
) -> Result<()> {
    let header = header(tensors.iter().map(|(k, shape)| (&**k, &shape[..])), stored);
    let mut failed = None;
    let outcome = file(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for (key, shape) in tensors {
            match numbers(key, shape) {
                Ok(numbers) => write(&numbers, stored, out)?,
                Err(error) => {
                    failed = Some(error);
                    return Err(std::io::Error::other("a tensor could not be made"));
                }
            }
        }
        Ok(())
    });
    match failed {
        Some(error) => Err(error),
        None => outcome,
    }
}

fn write(numbers: &[f32], stored: Stored, out: &mut dyn Write) -> std::io::Result<()> {
    for number in numbers {
        stored.write(*number, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::write::{Tensor, safetensors};
    use crate::error::Error;

    #[test]
    fn one_at_a_time_gives_the_bytes_of_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, parts) = (folder.path().join("w"), folder.path().join("p"));
        let (a, b) = (vec![1.0, 2.5, -3.0, 4.0], vec![0.1]);
        let tensor = |key, shape, numbers| Tensor {
            key,
            shape,
            numbers,
        };
        let all = [
            tensor("a", &[2, 2][..], &a[..]),
            tensor("b", &[1][..], &b[..]),
        ];
        safetensors(&whole, &all, Stored::Bf16).unwrap();
        let shapes = [("a".into(), vec![2, 2]), ("b".into(), vec![1])];
        let ask = |key: &str, _: &[usize]| Ok(if key == "a" { a.clone() } else { b.clone() });
        streamed(&parts, &shapes, Stored::Bf16, ask).unwrap();
        assert_eq!(fs_err::read(whole).unwrap(), fs_err::read(parts).unwrap());
    }

    #[test]
    fn a_tensor_that_cannot_be_made_is_the_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let shapes = [("a".into(), vec![1])];
        let refuse = |_: &str, _: &[usize]| Err(Error::config(Path::new("c"), "k", "x", "y"));
        let error = streamed(&path, &shapes, Stored::F32, refuse).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error}");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }
}
