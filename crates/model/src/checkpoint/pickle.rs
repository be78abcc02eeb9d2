//! A machine for the few pickle instructions with which tensors are described.
//!
//! It builds plain data and descriptions of tensors, and nothing else: no name in a file can
//! make it call anything but the constructors in [`rebuild`](super::rebuild), and an instruction or
//! a name outside the closed lists is refused with its byte. Memory, steps and size are bounded
//! by the constants below, whatever the file says.

use std::collections::BTreeMap;
use std::path::Path;

use super::heap::{Handle, Heap, MAX_VALUES, Value};
use super::operands::Operands;
use super::rebuild::{self, Global};
use crate::error::Result;

/// A pickle that only describes tensors is far smaller than this.
pub const MAX_PICKLE_BYTES: usize = 64 << 20;
/// Instructions in one pickle.
pub const MAX_STEPS: usize = 1 << 23;
/// Values on the stack at once. Writers empty it every thousand entries of a dictionary.
pub const MAX_STACK: usize = 1 << 16;

/// Runs the pickle that starts at byte `start` of `file`; gives its values, the one it ends with,
/// and the byte behind it.
pub(crate) fn run<'a>(
    path: &'a Path,
    file: &'a [u8],
    start: usize,
) -> Result<(Heap<'a>, Handle, usize)> {
    let mut machine = Machine {
        input: Operands::new(path, file, start, MAX_PICKLE_BYTES),
        heap: Heap::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    for _ in 0..MAX_STEPS {
        let opcode = machine.input.opcode()?;
        if opcode == b'.' {
            let top = machine.pop()?;
            return Ok((machine.heap, top, machine.input.at()));
        }
        machine.execute(opcode)?;
    }
    Err(machine
        .input
        .bad(format!("at most {MAX_STEPS} instructions"), "more"))
}

struct Machine<'a> {
    input: Operands<'a>,
    heap: Heap<'a>,
    stack: Vec<Handle>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Handle>,
}

impl<'a> Machine<'a> {
    /// One instruction. The list is closed: what `torch.save` writes with protocols 2 to 5.
    fn execute(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            0x80 => self.protocol(),
            // FRAME: eight bytes that only help a reader to buffer.
            0x95 => self.input.take(8).map(drop),
            b'(' => self.mark(),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => self.signed(4),
            b'K' => self.unsigned(1),
            b'M' => self.unsigned(2),
            0x8a => {
                let length = self.input.byte()?;
                self.signed(usize::from(length))
            }
            b'G' => {
                let bytes = self.input.array::<8>()?;
                self.push(Value::Float(f64::from_be_bytes(bytes)))
            }
            b'X' => self.text(4),
            0x8c => self.text(1),
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b't' => self
                .marked()
                .and_then(|items| self.push(Value::Tuple(items))),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b'a' => self.pop().and_then(|item| self.append(vec![item])),
            b'e' => self.marked().and_then(|items| self.append(items)),
            b's' => self.top(2).and_then(|pair| self.set_items(pair)),
            b'u' => self.marked().and_then(|items| self.set_items(items)),
            b'q' => self.input.index(1).and_then(|place| self.remember(place)),
            b'r' => self.input.index(4).and_then(|place| self.remember(place)),
            0x94 => self.remember(self.memo.len() as u32),
            b'h' => self.input.index(1).and_then(|place| self.recall(place)),
            b'j' => self.input.index(4).and_then(|place| self.recall(place)),
            b'c' => self.global(),
            0x93 => self.stack_global(),
            b'Q' => self.persistent(),
            b'R' => self.reduce(),
            b'b' => self.build(),
            other => Err(self
                .input
                .refuse(format!("the pickle instruction {}", name_of(other)))),
        }
    }

    fn protocol(&mut self) -> Result<()> {
        match self.input.byte()? {
            2..=5 => Ok(()),
            other => Err(self.input.bad("a pickle of protocol 2 to 5", other)),
        }
    }

    fn unsigned(&mut self, length: usize) -> Result<()> {
        let number = self.input.index(length)?;
        self.push(Value::Int(i64::from(number)))
    }

    /// A two's-complement number of up to eight bytes; wider ones count nothing in a tensor.
    fn signed(&mut self, length: usize) -> Result<()> {
        if length > 8 {
            return Err(self.input.bad("a number of at most 8 bytes", length));
        }
        let bytes = self.input.take(length)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        wide[..length].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    fn text(&mut self, length: usize) -> Result<()> {
        let length = self.input.index(length)?;
        let bytes = self.input.take(length as usize)?;
        let text = self.input.utf8(bytes)?;
        self.push(Value::Text(text))
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        match self.heap.add(value) {
            Some(handle) => self.push_handle(handle),
            None => Err(self
                .input
                .bad(format!("at most {MAX_VALUES} values"), "more")),
        }
    }

    fn push_handle(&mut self, handle: Handle) -> Result<()> {
        if self.stack.len() + self.marks.len() >= MAX_STACK {
            return Err(self
                .input
                .bad(format!("a stack of at most {MAX_STACK}"), "more"));
        }
        self.stack.push(handle);
        Ok(())
    }

    fn mark(&mut self) -> Result<()> {
        if self.stack.len() + self.marks.len() >= MAX_STACK {
            return Err(self
                .input
                .bad(format!("a stack of at most {MAX_STACK}"), "more"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// The topmost `count` values, oldest first. A mark cannot be reached across.
    fn top(&mut self, count: usize) -> Result<Vec<Handle>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(self
                .input
                .bad(format!("{count} values on the stack"), "fewer")),
        }
    }

    fn pop(&mut self) -> Result<Handle> {
        let top = self.peek()?;
        self.stack.pop();
        Ok(top)
    }

    /// The top of the stack, which stays there.
    fn peek(&self) -> Result<Handle> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.stack.get(floor..).and_then(<[Handle]>::last);
        top.copied()
            .ok_or_else(|| self.input.bad("a value on the stack", "none"))
    }

    /// All values above the last mark, which is closed.
    fn marked(&mut self) -> Result<Vec<Handle>> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.input.bad("an open mark on the stack", "none")),
        }
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let items = self.top(count)?;
        self.push(Value::Tuple(items))
    }

    fn append(&mut self, items: Vec<Handle>) -> Result<()> {
        let list = self.peek()?;
        match self.heap.get_mut(list) {
            Value::List(list) => list.extend(items),
            _ => return Err(self.input.bad("a list to append to", "another value")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Handle>) -> Result<()> {
        let (pairs, odd) = items.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(self.input.bad("a value for every key", "a key alone"));
        }
        let dict = self.peek()?;
        match self.heap.get_mut(dict) {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err(self.input.bad("a dictionary to fill", "another value")),
        }
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<()> {
        let top = self.peek()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        match self.memo.get(&place) {
            Some(&handle) => self.push_handle(handle),
            None => Err(self
                .input
                .bad(format!("a value remembered at {place}"), "none")),
        }
    }

    fn global(&mut self) -> Result<()> {
        let (module, name) = (self.input.line()?, self.input.line()?);
        self.push_global(module, name)
    }

    fn stack_global(&mut self) -> Result<()> {
        let pair = self.top(2)?;
        match (self.heap.get(pair[0]), self.heap.get(pair[1])) {
            (&Value::Text(module), &Value::Text(name)) => self.push_global(module, name),
            _ => Err(self.input.bad("a module and a name", "other values")),
        }
    }

    fn push_global(&mut self, module: &str, name: &str) -> Result<()> {
        match Global::find(module, name) {
            Some(global) => self.push(Value::Global(global)),
            None => {
                let shown: String = format!("{module} {name}").chars().take(80).collect();
                Err(self
                    .input
                    .refuse(format!("the name `{}`", shown.escape_debug())))
            }
        }
    }

    fn persistent(&mut self) -> Result<()> {
        let id = self.pop()?;
        match rebuild::storage(&self.heap, id) {
            Ok(storage) => self.push(Value::Storage(storage)),
            Err((expected, found)) => Err(self.input.bad(expected, found)),
        }
    }

    fn reduce(&mut self) -> Result<()> {
        let pair = self.top(2)?;
        match rebuild::call(&self.heap, pair[0], pair[1]) {
            Ok(rebuild::Made::New(value)) => self.push(value),
            Ok(rebuild::Made::Known(handle)) => self.push_handle(handle),
            Err((expected, found)) => Err(self.input.bad(expected, found)),
        }
    }

    /// Attributes of a dictionary (torch notes versions of modules there): read, and left out.
    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let target = self.peek()?;
        match (self.heap.get(target), self.heap.get(state)) {
            (Value::Dict(_), Value::Dict(_)) => Ok(()),
            _ => Err(self
                .input
                .refuse("attributes of something other than a dictionary".to_owned())),
        }
    }
}

/// An instruction as messages show it: the byte, and the letter that manuals list it by.
fn name_of(opcode: u8) -> String {
    if opcode.is_ascii_graphic() {
        format!("{opcode:#04x} (`{}`)", opcode as char)
    } else {
        format!("{opcode:#04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn refusal(pickle: &[u8]) -> Error {
        run(Path::new("m.bin"), pickle, 0).unwrap_err()
    }

    #[test]
    fn plain_values_come_out_as_written() {
        let pickle = b"\x80\x02(K\x07M\x01\x02J\xff\xff\xff\xff\x8a\x02\x00\x80N\x88\x89G?\xf8\0\0\0\0\0\0X\x02\0\0\0abt.";
        let (heap, top, end) = run(Path::new("m"), pickle, 0).unwrap();
        assert_eq!(end, pickle.len());
        let Value::Tuple(items) = heap.get(top) else {
            panic!("{heap:?}");
        };
        let values: Vec<_> = items.iter().map(|&item| heap.get(item)).collect();
        let expected = [
            Value::Int(7),
            Value::Int(513),
            Value::Int(-1),
            Value::Int(-32768),
            Value::None,
            Value::Bool(true),
            Value::Bool(false),
            Value::Float(1.5),
            Value::Text("ab"),
        ];
        assert!(values.into_iter().eq(&expected));
    }

    #[test]
    fn a_foreign_name_is_refused_with_its_byte() {
        let error = refusal(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.");
        assert_eq!(
            error.to_string(),
            "m.bin: byte 2: refused the name `os system`"
        );
        let error = refusal(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
        assert_eq!(
            error.to_string(),
            "m.bin: byte 18: refused the name `builtins eval`"
        );
    }

    #[test]
    fn a_foreign_instruction_is_refused_with_its_byte() {
        // INST, OBJ, NEWOBJ, EXT1, text numbers: ways to run or to confuse that torch never uses.
        for opcode in [b'i', b'o', 0x81, 0x82, b'I', b'P', b'0', b'2', 0x8f, 0x96] {
            let error = refusal(&[0x80, 2, b'N', opcode, 0, 0]);
            assert!(
                matches!(error, Error::Refused { byte: 3, .. }),
                "{opcode:#x}: {error}"
            );
        }
    }

    #[test]
    fn what_is_not_on_the_stack_cannot_be_used() {
        for pickle in [
            &b"."[..],
            b"t.",
            b"\x85.",
            b"N(\x85.",
            b"(q\0.",
            b"h\0.",
            b"]s.",
            b"}(K\x01u.",
            b"Ne.",
            b"NN\x93.",
            b"NNR.",
            b"NQ.",
            b"(.",
            b"",
        ] {
            let error = refusal(pickle);
            assert!(
                matches!(error, Error::BadFile { .. }),
                "{pickle:?}: {error}"
            );
        }
        assert!(matches!(refusal(b"N}b."), Error::Refused { .. }));
    }

    #[test]
    fn a_flood_of_values_marks_or_steps_ends_at_its_bound() {
        for flood in [&b"N"[..], b"(", b"}", b"K\x01"] {
            assert!(
                refusal(&flood.repeat(MAX_STACK + 1))
                    .to_string()
                    .contains("stack")
            );
        }
        let values = [b"]".to_vec(), b"Na".repeat(MAX_VALUES)].concat();
        assert!(refusal(&values).to_string().contains("values"));
        let steps = [b"]N".to_vec(), b"q\0".repeat(MAX_STEPS)].concat();
        assert!(refusal(&steps).to_string().contains("instructions"));
    }
}
