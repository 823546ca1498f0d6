//! What each file of a crate takes from the others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemUse, Macro, Meta, Path};

use super::modules::{Import, Modules, attributes, imports, is_for_tests, plain};
use super::resolve::{Resolver, Target};

/// The files of a crate, and the names that tie them.
pub(super) struct Ties {
    pub(super) files: Vec<PathBuf>,
    /// By user and used file: what the first takes from the second.
    pub(super) names: BTreeMap<(usize, usize), BTreeSet<String>>,
}

impl Ties {
    pub(super) fn of(modules: &Modules) -> Self {
        let mut ties = Self { files: modules.files.clone(), names: BTreeMap::new() };
        for (number, module) in modules.all.iter().enumerate() {
            let mut reader = Reader { modules, module: number, ties: &mut ties };
            module.imports.iter().for_each(|import| reader.import(import));
            module.items.iter().for_each(|item| reader.visit_item(item));
        }
        ties
    }

    /// The files that one uses.
    pub(super) fn used_by(&self, file: usize) -> Vec<usize> {
        self.names.keys().filter(|(user, _)| *user == file).map(|&(_, used)| used).collect()
    }
}

/// Records every name that the code of one module takes from other files.
struct Reader<'a> {
    modules: &'a Modules,
    module: usize,
    ties: &'a mut Ties,
}

impl Reader<'_> {
    fn import(&mut self, import: &Import) {
        if import.name.is_none() {
            return; // what is used of it is named elsewhere
        }
        let target = Resolver::new(self.modules).follow(self.module, &import.path);
        let below = |of: usize| self.modules.is_below(of, self.module);
        match target {
            // Re-exporting from a module below does not count as using it.
            Some(Target::Item(of, _)) if import.is_export && below(of) => {}
            target => self.note(target),
        }
    }

    fn path(&mut self, path: &[String]) {
        let target = Resolver::new(self.modules).follow(self.module, path);
        self.note(target);
    }

    fn note(&mut self, target: Option<Target>) {
        let user = self.modules.all[self.module].file;
        let (used, name) = match target {
            Some(Target::Item(module, name)) => (self.modules.all[module].file, name),
            Some(Target::Macro(file, name)) => (file, format!("{name}!")),
            Some(Target::Module(_)) | None => return,
        };
        if used != user {
            self.ties.names.entry((user, used)).or_default().insert(name);
        }
    }

    /// Paths among the tokens of a macro, whose grammar only the macro knows.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.path(&std::mem::take(&mut path));
                    }
                    path.push(plain(&ident));
                    colons = 0;
                }
                other => {
                    self.path(&std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(&path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// A `use` inside a function.
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        imports(item).iter().for_each(|import| self.import(import));
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let segments: Vec<String> = path.segments.iter().map(|segment| plain(&segment.ident)).collect();
            self.path(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let (Some(name), 1) = (call.path.segments.last(), call.path.segments.len()) {
            let name = plain(&name.ident);
            if let Some(&file) = self.modules.macros.get(&name) {
                self.note(Some(Target::Macro(file, name)));
            }
        }
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }
}
