//! Python's pickle, as far as PyTorch writes weights with it. A pickle is a program; here it can build numbers, texts,
//! lists and tensors, and nothing of it is ever run: every global that is not on the list is refused.

use std::collections::HashMap;

use super::bytes::Bytes;
use crate::error::{Error, Result};

/// Objects are known by their number, so that a pickle of any depth is read and dropped without recursion, and an object
/// that is used many times is there once.
pub type Id = usize;

/// What a pickle can build.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// Nothing, a truth value, a fraction, raw bytes: what weights do not need.
    Other,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// A tuple or a list.
    List(Vec<Id>),
    /// Keys and values in order.
    Dict(Vec<(Id, Id)>),
    /// A name from the list of those that are known.
    Global(Global),
    /// A storage: element type, key, elements.
    Storage(Element, String, usize),
    /// A part of a storage.
    Tensor(Tensor),
}

/// A name that weights refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`, and what it was called before version 0.4.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and the like.
    Storage(Element),
}

/// Type of a storage's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `torch.float32`.
    F32,
    /// `torch.float16`.
    F16,
    /// `torch.bfloat16`.
    Bf16,
    /// Another type of so many bytes; it can be in a file but is not read.
    Other(usize),
}

impl Element {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Other(size) => size,
        }
    }
}

/// A part of a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Type of its elements.
    pub element: Element,
    /// Key of its storage.
    pub storage: String,
    /// Elements of the storage.
    pub elements: usize,
    /// Elements before the first.
    pub offset: usize,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Elements from one to the next, for each size.
    pub strides: Vec<usize>,
}

/// The longest key of a storage: it is copied for every tensor in it.
const LONGEST_KEY: usize = 64;

/// The most instructions of a pickle. PyTorch writes thirty to forty for each tensor, so that this is a file of over ten thousand; it is
/// also what bounds the memory of a small file that asks for many objects.
const MOST_STEPS: usize = 500_000;

/// Every name that is known.
const GLOBALS: [(&str, &str, Global); 14] = [
    ("collections", "OrderedDict", Global::OrderedDict),
    // What version 0.4 added is whether it has a gradient, which is not read.
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_parameter", Global::RebuildParameter),
    ("torch", "FloatStorage", Global::Storage(Element::F32)),
    ("torch", "HalfStorage", Global::Storage(Element::F16)),
    ("torch", "BFloat16Storage", Global::Storage(Element::Bf16)),
    ("torch", "DoubleStorage", Global::Storage(Element::Other(8))),
    ("torch", "LongStorage", Global::Storage(Element::Other(8))),
    ("torch", "IntStorage", Global::Storage(Element::Other(4))),
    ("torch", "ShortStorage", Global::Storage(Element::Other(2))),
    ("torch", "CharStorage", Global::Storage(Element::Other(1))),
    ("torch", "ByteStorage", Global::Storage(Element::Other(1))),
    ("torch", "BoolStorage", Global::Storage(Element::Other(1))),
];

/// A pickle that was read.
#[derive(Debug)]
pub struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// Reads one pickle and leaves the reader behind it.
    ///
    /// # Errors
    /// `WEIGHTS_FORMAT` where the bytes are no pickle, are cut off, or ask for more than weights need.
    pub fn read(bytes: &mut Bytes<'_>) -> Result<Self> {
        let mut machine = Machine::default();
        let mut steps = 0;
        while machine.step(bytes)? {
            steps += 1;
            if steps == MOST_STEPS {
                return Err(refused(format!("its pickle has more than {MOST_STEPS} instructions")));
            }
        }
        let root = machine.pop()?;
        Ok(Self { objects: machine.objects, root })
    }

    /// The instructions of a pickle that can be read, each with its arguments.
    #[cfg(test)]
    pub fn instructions(pickle: &[u8]) -> Result<Vec<&[u8]>> {
        let (mut machine, mut rest, mut found) = (Machine::default(), Bytes(pickle), Vec::new());
        loop {
            let from = rest.0;
            let more = machine.step(&mut rest)?;
            found.push(&from[..from.len() - rest.0.len()]);
            if !more {
                return Ok(found);
            }
        }
    }

    /// How many objects it is made of.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// The object that the pickle is.
    pub fn root(&self) -> &Object {
        self.get(self.root)
    }

    /// Key and element type of every storage.
    pub fn storages(&self) -> impl Iterator<Item = (&str, Element)> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(element, key, _) => Some((key.as_str(), *element)),
            _ => None,
        })
    }

    /// An object by its number.
    pub fn get(&self, id: Id) -> &Object {
        self.objects.get(id).unwrap_or(&Object::Other)
    }
}

#[derive(Debug, Default)]
struct Machine {
    objects: Vec<Object>,
    stack: Vec<Id>,
    /// Heights of the stack that were marked.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

impl Machine {
    /// Runs one instruction (named as in CPython's `pickletools`); false at the end.
    fn step(&mut self, bytes: &mut Bytes<'_>) -> Result<bool> {
        let object = match bytes.byte()? {
            b'.' => return Ok(false),
            0x80 => return bytes.take(1).map(|_| true), // PROTO
            0x95 => return bytes.take(8).map(|_| true), // FRAME
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(true);
            }
            b'0' => return self.pop().map(|_| true),
            b'q' => return self.keep(usize::from(bytes.byte()?)),
            b'r' => return self.keep(bytes.u32()?),
            0x94 => return self.keep(self.memo.len()), // MEMOIZE
            b'h' => return self.recall(usize::from(bytes.byte()?)),
            b'j' => return self.recall(bytes.u32()?),
            b's' => return self.set_items(true),
            b'u' => return self.set_items(false),
            b'a' => return self.append(true),
            b'e' => return self.append(false),
            b'b' => return self.pop().map(|_| true), // BUILD: attributes of an object, such as its version
            b'N' | 0x88 | 0x89 => Object::Other,
            b'G' => bytes.take(8).map(|_| Object::Other)?,
            b'C' => bytes.short_text().map(|_| Object::Other)?,
            b'B' => bytes.long_text().map(|_| Object::Other)?,
            b'K' => Object::Int(i64::from(bytes.byte()?)),
            b'M' => Object::Int(i64::from(u16::from_le_bytes(bytes.array()?))),
            b'J' => Object::Int(i64::from(i32::from_le_bytes(bytes.array()?))),
            0x8a => long(bytes.short_text()?),
            b'U' | 0x8c => text(bytes.short_text()?)?,
            b'T' | b'X' => text(bytes.long_text()?)?,
            b']' | b')' => Object::List(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            b't' => Object::List(self.pop_to_mark()?),
            count @ 0x85..=0x87 => Object::List(self.pop_many(usize::from(count - 0x84))?),
            b'c' => Object::Global(known(bytes.line()?, bytes.line()?)?),
            0x93 => self.stack_global()?,
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            other => return Err(refused(format!("the instruction {other:#04x} has no place in weights"))),
        };
        self.stack.push(self.objects.len());
        self.objects.push(object);
        Ok(true)
    }

    fn pop(&mut self) -> Result<Id> {
        self.pop_many(1)?.pop().ok_or_else(malformed)
    }

    /// The last `count` objects, which lie above the last mark.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let at = self.stack.len().checked_sub(count).filter(|at| *at >= floor).ok_or_else(malformed)?;
        Ok(self.stack.split_off(at))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or_else(malformed)?;
        Ok(self.stack.split_off(mark))
    }

    fn keep(&mut self, key: usize) -> Result<bool> {
        self.memo.insert(key, *self.stack.last().ok_or_else(malformed)?);
        Ok(true)
    }

    fn recall(&mut self, key: usize) -> Result<bool> {
        self.stack.push(*self.memo.get(&key).ok_or_else(malformed)?);
        Ok(true)
    }

    fn set_items(&mut self, one: bool) -> Result<bool> {
        let items = if one { self.pop_many(2)? } else { self.pop_to_mark()? };
        let (pairs, rest) = items.as_chunks::<2>();
        match self.stack.last().and_then(|id| self.objects.get_mut(*id)) {
            Some(Object::Dict(entries)) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(true)
            }
            _ => Err(malformed()),
        }
    }

    fn append(&mut self, one: bool) -> Result<bool> {
        let items = if one { self.pop_many(1)? } else { self.pop_to_mark()? };
        match self.stack.last().and_then(|id| self.objects.get_mut(*id)) {
            Some(Object::List(list)) => {
                list.extend(items);
                Ok(true)
            }
            _ => Err(malformed()),
        }
    }

    fn stack_global(&mut self) -> Result<Object> {
        let [module, name] = self.pop_many(2)?.try_into().map_err(|_| malformed())?;
        match (self.objects.get(module), self.objects.get(name)) {
            (Some(Object::Text(module)), Some(Object::Text(name))) => {
                Ok(Object::Global(known(module, name)?))
            }
            _ => Err(malformed()),
        }
    }

    /// `('storage', type, key, place, elements)`, and in old files a view of it, which must be none.
    fn persistent(&mut self) -> Result<Object> {
        let id = self.pop()?;
        let parts = self.list(id)?;
        let storage = match parts[..] {
            [_, element, key, _, count] | [_, element, key, _, count, _] => {
                let whole = parts.get(5).is_none_or(|view| self.objects.get(*view) == Some(&Object::Other));
                match (self.objects.get(element), self.objects.get(key), self.size(count)) {
                    (
                        Some(Object::Global(Global::Storage(element))),
                        Some(Object::Text(key)),
                        Some(count),
                    ) if whole && key.len() <= LONGEST_KEY => {
                        Some(Object::Storage(*element, key.clone(), count))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        storage.ok_or_else(|| refused("it refers to something that is no storage".into()))
    }

    /// Calls a global, of which only those are known that build tensors and dictionaries.
    fn reduce(&mut self) -> Result<Object> {
        let [function, arguments] = self.pop_many(2)?.try_into().map_err(|_| malformed())?;
        let arguments = self.list(arguments)?;
        match (self.objects.get(function), &arguments[..]) {
            (Some(Object::Global(Global::OrderedDict)), []) => Ok(Object::Dict(Vec::new())),
            (Some(Object::Global(Global::RebuildTensor)), [storage, offset, shape, strides, ..]) => {
                let Some(Object::Storage(element, key, elements)) = self.objects.get(*storage) else {
                    return Err(malformed());
                };
                Ok(Object::Tensor(Tensor {
                    element: *element,
                    storage: key.clone(),
                    elements: *elements,
                    offset: self.size(*offset).ok_or_else(malformed)?,
                    shape: self.sizes(*shape)?,
                    strides: self.sizes(*strides)?,
                }))
            }
            (Some(Object::Global(Global::RebuildParameter)), [tensor, ..]) => match self.objects.get(*tensor)
            {
                // Of anything else the copy could be long.
                Some(Object::Tensor(tensor)) => Ok(Object::Tensor(tensor.clone())),
                _ => Err(malformed()),
            },
            _ => Err(malformed()),
        }
    }

    fn list(&self, id: Id) -> Result<Vec<Id>> {
        match self.objects.get(id) {
            // Calls have a handful of arguments; a longer list would be copied for every use of it.
            Some(Object::List(list)) if list.len() <= 16 => Ok(list.clone()),
            _ => Err(malformed()),
        }
    }

    fn sizes(&self, id: Id) -> Result<Vec<usize>> {
        self.list(id)?.into_iter().map(|id| self.size(id).ok_or_else(malformed)).collect()
    }

    fn size(&self, id: Id) -> Option<usize> {
        match self.objects.get(id) {
            Some(Object::Int(number)) => usize::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// A whole number of up to eight bytes; longer ones are no sizes.
fn long(bytes: &[u8]) -> Object {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut number = [if negative { 0xff } else { 0 }; 8];
    match number.get_mut(..bytes.len()) {
        Some(part) => {
            part.copy_from_slice(bytes);
            Object::Int(i64::from_le_bytes(number))
        }
        None => Object::Other,
    }
}

fn text(bytes: &[u8]) -> Result<Object> {
    Ok(Object::Text(std::str::from_utf8(bytes).map_err(|_| malformed())?.to_owned()))
}

fn known(module: &str, name: &str) -> Result<Global> {
    let found = GLOBALS.iter().find(|(a, b, _)| *a == module && *b == name);
    found.map(|(.., global)| *global).ok_or_else(|| {
        let asked: String = format!("{module}.{name}").chars().take(80).collect();
        refused(format!("it asks for `{asked}`, which weights do not need and which could be harmful"))
    })
}

fn refused(reason: String) -> Error {
    Error::WeightsFormat { reason: format!("a PyTorch file is refused: {reason}") }
}

fn malformed() -> Error {
    Error::WeightsFormat { reason: "the pickle of a PyTorch file is malformed".into() }
}
