//! A reader of pickles that can hold a checkpoint, and nothing else.
//!
//! A pickle is a program for a stack machine. This machine knows plain data and four "functions", which
//! are Python names that we give a meaning to; no Python is ever called.
//!
//! Objects are kept in one list and identified by their position in it. An instruction takes at least one
//! byte and makes at most one object, so memory and time are proportional to the length of the pickle,
//! however objects refer to each other; and since nothing here is recursive, nesting costs nothing.

use std::collections::BTreeMap;

use super::object::{Function, Id, Object, Storage, Tensor};
use super::opcode;
use crate::error::ModelError;

/// Axes of a tensor, and bytes of a storage's name (a number, in practice). Both are copied whenever a tensor
/// refers to them, which a pickle can do in a few bytes, so they must not be long.
const MOST_AXES: usize = 8;
const LONGEST_KEY: usize = 32;

/// All objects of a pickle.
pub(super) struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle of protocol 2 to 5, up to its end.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let mut machine = Machine {
            bytes,
            at: 0,
            start: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        };
        let root = machine.run()?;
        Ok(Self { objects: machine.objects, root })
    }

    /// The object that the pickle holds.
    pub(super) fn root(&self) -> &Object<'a> {
        self.object(self.root)
    }

    /// An object that another one refers to.
    pub(super) fn object(&self, id: Id) -> &Object<'a> {
        &self.objects[id]
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// Where the current instruction starts.
    start: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks; nothing below the last one can be taken.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Follows the instructions up to STOP.
    fn run(&mut self) -> Result<Id, ModelError> {
        loop {
            self.start = self.at;
            match self.byte()? {
                opcode::PROTO => {
                    let protocol = self.byte()?;
                    if !(2..=5).contains(&protocol) {
                        return Err(self.damaged(format!("protocol {protocol}, expected 2 to 5")));
                    }
                }
                opcode::FRAME => drop(self.take(8)?), // only says how far to read ahead
                opcode::STOP => return self.pop(),
                opcode::MARK => self.marks.push(self.stack.len()),

                opcode::NONE => self.push(Object::None),
                opcode::NEWTRUE | opcode::NEWFALSE => self.push(Object::Bool),
                opcode::BININT => {
                    let int = i32::from_le_bytes(self.chunk()?);
                    self.push(Object::Int(int.into()));
                }
                opcode::BININT1 => {
                    let int = self.byte()?;
                    self.push(Object::Int(int.into()));
                }
                opcode::BININT2 => {
                    let int = u16::from_le_bytes(self.chunk()?);
                    self.push(Object::Int(int.into()));
                }
                opcode::LONG1 => self.long()?,
                opcode::BINFLOAT => {
                    self.take(8)?;
                    self.push(Object::Float);
                }
                opcode::BINUNICODE => {
                    let length = u32::from_le_bytes(self.chunk()?);
                    self.text(length as usize)?;
                }
                opcode::SHORT_BINUNICODE => {
                    let length = self.byte()?;
                    self.text(length.into())?;
                }

                opcode::EMPTY_TUPLE => self.push(Object::Tuple(Vec::new())),
                opcode::TUPLE => {
                    let items = self.pop_to_mark()?;
                    self.push(Object::Tuple(items));
                }
                opcode::TUPLE1 => self.tuple::<1>()?,
                opcode::TUPLE2 => self.tuple::<2>()?,
                opcode::TUPLE3 => self.tuple::<3>()?,
                opcode::EMPTY_LIST => self.push(Object::List(Vec::new())),
                opcode::APPEND => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                opcode::APPENDS => {
                    let items = self.pop_to_mark()?;
                    self.append(items)?;
                }
                opcode::EMPTY_DICT => self.push(Object::Dict(Vec::new())),
                opcode::SETITEM => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(&[key, value])?;
                }
                opcode::SETITEMS => {
                    let items = self.pop_to_mark()?;
                    self.set(&items)?;
                }

                opcode::BINPUT => {
                    let place = self.byte()?;
                    self.remember(place.into())?;
                }
                opcode::LONG_BINPUT => {
                    let place = u32::from_le_bytes(self.chunk()?);
                    self.remember(place)?;
                }
                opcode::MEMOIZE => self.remember(self.memo.len() as u32)?,
                opcode::BINGET => {
                    let place = self.byte()?;
                    self.recall(place.into())?;
                }
                opcode::LONG_BINGET => {
                    let place = u32::from_le_bytes(self.chunk()?);
                    self.recall(place)?;
                }

                opcode::GLOBAL => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.function(module, name)?;
                }
                opcode::STACK_GLOBAL => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    match (&self.objects[module], &self.objects[name]) {
                        (&Object::Text(module), &Object::Text(name)) => self.function(module, name)?,
                        _ => return Err(self.damaged("a global is named by texts")),
                    }
                }
                opcode::REDUCE => self.call()?,
                opcode::BUILD => {
                    // An OrderedDict's attributes: versions of modules, which are not needed.
                    self.pop()?;
                    let dict = self.top()?;
                    self.expect(dict, "a dictionary", |object| matches!(object, Object::Dict(_)))?;
                }
                opcode::BINPERSID => self.storage()?,

                other => {
                    return Err(ModelError::Opcode { name: opcode::name(other), at: self.start });
                }
            }
        }
    }

    fn damaged(&self, problem: impl Into<String>) -> ModelError {
        ModelError::Pickle { at: self.start, problem: problem.into() }
    }

    // Bytes

    fn take(&mut self, count: usize) -> Result<&'a [u8], ModelError> {
        let rest = &self.bytes[self.at..];
        let taken =
            rest.get(..count).ok_or_else(|| self.damaged("it ends in the middle of an instruction"))?;
        self.at += count;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        Ok(*self.take(N)?.first_chunk().expect("as many bytes as asked for"))
    }

    fn byte(&mut self) -> Result<u8, ModelError> {
        let [byte] = self.chunk()?;
        Ok(byte)
    }

    fn line(&mut self) -> Result<&'a str, ModelError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(length.ok_or_else(|| self.damaged("a name without end"))?)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| self.damaged("a name that is not UTF-8"))
    }

    // The stack

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    /// How many objects are above the last mark.
    fn above_mark(&self) -> usize {
        self.stack.len() - self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, ModelError> {
        match self.stack.last() {
            Some(&id) if self.above_mark() > 0 => Ok(id),
            _ => Err(self.damaged("an instruction needs an object, and there is none")),
        }
    }

    fn pop(&mut self) -> Result<Id, ModelError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, ModelError> {
        let mark =
            self.marks.pop().ok_or_else(|| self.damaged("an instruction needs a mark, and there is none"))?;
        Ok(self.stack.split_off(mark))
    }

    fn expect(&self, id: Id, expected: &str, is: impl FnOnce(&Object<'a>) -> bool) -> Result<(), ModelError> {
        let object = &self.objects[id];
        if is(object) {
            return Ok(());
        }
        Err(self.damaged(format!("expected {expected}, found {}", object.name())))
    }

    // The memo

    fn remember(&mut self, place: u32) -> Result<(), ModelError> {
        let id = self.top()?;
        self.memo.insert(place, id);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), ModelError> {
        let id = self
            .memo
            .get(&place)
            .ok_or_else(|| self.damaged(format!("nothing was remembered as {place}")))?;
        self.stack.push(*id);
        Ok(())
    }

    // Plain data

    /// A little-endian integer in two's complement, of up to 255 bytes; those of sizes and counts have 8.
    fn long(&mut self) -> Result<(), ModelError> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        if bytes.len() > 8 {
            return Err(self.damaged(format!("an integer of {length} bytes, expected at most 8")));
        }
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Object::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), ModelError> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged("a text that is not UTF-8"))?;
        self.push(Object::Text(text));
        Ok(())
    }

    fn tuple<const N: usize>(&mut self) -> Result<(), ModelError> {
        if self.above_mark() < N {
            return Err(self.damaged(format!("a tuple of {N} needs as many objects")));
        }
        let items = self.stack.split_off(self.stack.len() - N);
        self.push(Object::Tuple(items));
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), ModelError> {
        let list = self.top()?;
        self.expect(list, "a list", |object| matches!(object, Object::List(_)))?;
        if let Object::List(list) = &mut self.objects[list] {
            list.extend(items);
        }
        Ok(())
    }

    /// Adds keys and values, in turn, to the dictionary on top.
    fn set(&mut self, items: &[Id]) -> Result<(), ModelError> {
        let dict = self.top()?;
        self.expect(dict, "a dictionary", |object| matches!(object, Object::Dict(_)))?;
        let (pairs, []) = items.as_chunks::<2>() else {
            return Err(self.damaged("a key without a value"));
        };
        if let Object::Dict(dict) = &mut self.objects[dict] {
            dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    // Names

    fn function(&mut self, module: &str, name: &str) -> Result<(), ModelError> {
        let refused = || ModelError::Global { name: format!("{module}.{name}"), at: self.start };
        let function = Function::named(module, name).ok_or_else(refused)?;
        self.push(Object::Function(function));
        Ok(())
    }

    /// REDUCE: a call in Python; here it only checks which of the known names is meant.
    fn call(&mut self) -> Result<(), ModelError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Object::Tuple(arguments) = &self.objects[arguments] else {
            return Err(self.damaged("the arguments of a call are a tuple"));
        };
        let &Object::Function(function) = &self.objects[function] else {
            return Err(self.damaged(format!("{} is called", self.objects[function].name())));
        };
        match (function, arguments.as_slice()) {
            (Function::OrderedDict, []) => self.push(Object::Dict(Vec::new())),
            (Function::Tensor, &[storage, offset, shape, strides, ..]) => {
                let tensor = self.tensor([storage, offset, shape, strides])?;
                self.push(Object::Tensor(Box::new(tensor)));
            }
            (Function::Parameter, &[tensor, ..]) => {
                self.expect(tensor, "a tensor", |object| matches!(object, Object::Tensor(_)))?;
                self.stack.push(tensor);
            }
            (function, arguments) => {
                let count = arguments.len();
                return Err(self.damaged(format!("{function:?} is called with {count} arguments")));
            }
        }
        Ok(())
    }

    fn tensor(&self, [storage, offset, shape, strides]: [Id; 4]) -> Result<Tensor, ModelError> {
        let Object::Storage(storage) = &self.objects[storage] else {
            return Err(self.damaged(format!("a tensor is a view of {}", self.objects[storage].name())));
        };
        Ok(Tensor {
            storage: (**storage).clone(),
            offset: self.size(offset)?,
            shape: self.sizes(shape)?,
            strides: self.sizes(strides)?,
        })
    }

    /// BINPERSID: the tuple `("storage", type, key, device, length)`.
    fn storage(&mut self) -> Result<(), ModelError> {
        let id = self.pop()?;
        let Object::Tuple(fields) = &self.objects[id] else {
            return Err(self.damaged("a persistent object is named by a tuple"));
        };
        let &[tag, elements, key, _, length] = fields.as_slice() else {
            return Err(self.damaged(format!("a storage has {} fields, expected 5", fields.len())));
        };
        match (&self.objects[tag], &self.objects[elements], &self.objects[key]) {
            (Object::Text("storage"), &Object::Function(Function::Elements(element)), Object::Text(key)) => {
                if key.len() > LONGEST_KEY {
                    return Err(self.damaged(format!("a storage's name has {} bytes", key.len())));
                }
                let storage = Storage { element, key: (*key).to_owned(), len: self.size(length)? };
                self.push(Object::Storage(Box::new(storage)));
                Ok(())
            }
            _ => Err(self.damaged("a persistent object is not a storage")),
        }
    }

    /// A number of elements.
    fn size(&self, id: Id) -> Result<u64, ModelError> {
        match &self.objects[id] {
            &Object::Int(size) if size >= 0 => Ok(size.unsigned_abs()),
            Object::Int(size) => Err(self.damaged(format!("a size of {size}"))),
            other => Err(self.damaged(format!("a size is {}", other.name()))),
        }
    }

    /// A shape or strides.
    fn sizes(&self, id: Id) -> Result<Vec<usize>, ModelError> {
        let Object::Tuple(sizes) = &self.objects[id] else {
            return Err(self.damaged(format!("a shape is {}", self.objects[id].name())));
        };
        if sizes.len() > MOST_AXES {
            return Err(
                self.damaged(format!("a tensor has {} axes, expected at most {MOST_AXES}", sizes.len()))
            );
        }
        let size = |&id| {
            let size = self.size(id)?;
            usize::try_from(size).map_err(|_| self.damaged(format!("a size of {size}")))
        };
        sizes.iter().map(size).collect()
    }
}
