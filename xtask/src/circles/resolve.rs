//! From a path written in a module to the file that defines what it names.

use super::modules::Modules;

/// What a path leads to in its crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A module, by number.
    Module(usize),
    /// Something defined in a module, and its name.
    Item(usize, String),
    /// A macro, with its file and name.
    Macro(usize, String),
}

/// Follows paths through the modules of a crate.
pub(super) struct Resolver<'a> {
    modules: &'a Modules,
    /// Imports being followed, by module and number, because `use` can lead back to itself.
    open: Vec<(usize, usize)>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(modules: &'a Modules) -> Self {
        Self { modules, open: Vec::new() }
    }

    /// Where a path in `module` leads; nowhere if it belongs to another crate or is a local name.
    pub(super) fn follow(&mut self, module: usize, path: &[String]) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Some(0),
            "self" => Some(module),
            "super" => Some(self.modules.all[module].parent?),
            _ => None,
        };
        let Some(mut at) = start else { return self.within(module, path) };
        let mut rest = rest;
        while let Some(("super", more)) = rest.split_first().map(|(first, more)| (first.as_str(), more)) {
            (at, rest) = (self.modules.all[at].parent?, more);
        }
        self.within(at, rest)
    }

    /// Where a path leads from a module's own names.
    fn within(&mut self, at: usize, path: &[String]) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else { return Some(Target::Module(at)) };
        let module = &self.modules.all[at];
        let item = || module.defined.contains(first).then(|| Target::Item(at, first.clone()));
        if rest.is_empty() && item().is_some() {
            return item();
        }
        if let Some(&child) = module.children.get(first)
            && let Some(found) = self.within(child, rest)
        {
            return Some(found);
        }
        item().or_else(|| self.imported(at, first, rest)).or_else(|| {
            let file = *self.modules.macros.get(first)?;
            (rest.is_empty() && module.file == file).then(|| Target::Macro(file, first.clone()))
        })
    }

    /// Where an imported name leads; imports by name come before those with `*`.
    fn imported(&mut self, at: usize, first: &str, rest: &[String]) -> Option<Target> {
        let imports = &self.modules.all[at].imports;
        let named = (0..imports.len()).filter(|&index| imports[index].name.as_deref() == Some(first));
        let globs = (0..imports.len()).filter(|&index| imports[index].name.is_none());
        for index in named.chain(globs) {
            if self.open.contains(&(at, index)) {
                continue;
            }
            let import = &imports[index];
            let tail =
                if import.name.is_some() { rest.to_vec() } else { [&[first.to_owned()], rest].concat() };
            self.open.push((at, index));
            let found = self.follow(at, &[import.path.clone(), tail].concat());
            self.open.pop();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}
