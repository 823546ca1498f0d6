//! The modules of a crate: what each defines, declares and imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, ItemUse, Meta, Token, UseTree, Visibility};

/// All modules of a crate; the first is its root.
pub(super) struct Modules {
    pub(super) all: Vec<Module>,
    pub(super) files: Vec<PathBuf>,
    /// `macro_rules!` by name, with the file that defines each.
    pub(super) macros: BTreeMap<String, usize>,
}

/// One module, a file or a `mod name { … }` in one.
pub(super) struct Module {
    /// By number in [`Modules::files`].
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    /// Names of what is defined here, except modules and macros.
    pub(super) defined: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    /// The items written here, without inner modules and tests.
    pub(super) items: Vec<Item>,
}

/// One name that a `use` imports, or all names of a module.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// Its name here; none for `*`.
    pub(super) name: Option<String>,
    /// Whether it is re-exported (`pub use`, also `pub(crate)`).
    pub(super) is_export: bool,
}

impl Modules {
    /// Reads a crate, starting at its first file.
    pub(super) fn read(start: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Result<Self> {
        let mut modules = Self { all: Vec::new(), files: Vec::new(), macros: BTreeMap::new() };
        let folder = start.parent().context("a file lies in a folder")?;
        modules.add_file(start, folder, None, read)?;
        Ok(modules)
    }

    /// Adds a file's module and those below it, whose files lie in `below`.
    fn add_file(
        &mut self,
        path: &Path,
        below: &Path,
        parent: Option<usize>,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<usize> {
        let text = read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let parsed = syn::parse_file(&text).with_context(|| format!("cannot parse {}", path.display()))?;
        self.files.push(path.to_owned());
        self.add(self.files.len() - 1, parsed.items, below, parent, read)
    }

    /// Adds a module of these items.
    fn add(
        &mut self,
        file: usize,
        items: Vec<Item>,
        below: &Path,
        parent: Option<usize>,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<usize> {
        let number = self.all.len();
        let (children, defined) = (BTreeMap::new(), BTreeSet::new());
        self.all.push(Module { file, parent, children, defined, imports: Vec::new(), items: Vec::new() });
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(module) => {
                    let name = plain(&module.ident);
                    let inner = below.join(&name);
                    let child = match module.content {
                        Some((_, items)) => self.add(file, items, &inner, Some(number), read)?,
                        None => {
                            let beside = inner.with_extension("rs");
                            self.add_file(&beside, &inner, Some(number), read)?
                        }
                    };
                    self.all[number].children.insert(name, child);
                }
                Item::Use(import) => self.all[number].imports.extend(imports(&import)),
                other => {
                    match (name(&other), &other) {
                        (Some(name), Item::Macro(_)) => drop(self.macros.insert(name, file)),
                        (Some(name), _) => drop(self.all[number].defined.insert(name)),
                        (None, _) => {}
                    }
                    self.all[number].items.push(other);
                }
            }
        }
        Ok(number)
    }

    /// Whether one module is inside another, at any depth.
    pub(super) fn is_below(&self, mut inner: usize, outer: usize) -> bool {
        while let Some(parent) = self.all[inner].parent {
            if parent == outer {
                return true;
            }
            inner = parent;
        }
        false
    }
}

/// The imports of a `use`, name by name.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let is_export = !matches!(item.vis, Visibility::Inherited);
    let mut found = Vec::new();
    let mut open = vec![(Vec::new(), &item.tree)];
    while let Some((path, tree)) = open.pop() {
        let with = |ident: &syn::Ident| path.iter().cloned().chain([plain(ident)]).collect::<Vec<_>>();
        let mut add = |path: Vec<String>, name| found.push(Import { path, name, is_export });
        match tree {
            UseTree::Path(inner) => open.push((with(&inner.ident), &inner.tree)),
            UseTree::Group(group) => open.extend(group.items.iter().map(|tree| (path.clone(), tree))),
            UseTree::Name(name) if name.ident == "self" => add(path.clone(), path.last().cloned()),
            UseTree::Name(name) => add(with(&name.ident), Some(plain(&name.ident))),
            UseTree::Rename(name) if name.ident == "self" => add(path.clone(), Some(plain(&name.rename))),
            UseTree::Rename(name) => add(with(&name.ident), Some(plain(&name.rename))),
            UseTree::Glob(_) => add(path.clone(), None),
        }
    }
    found
}

/// Whether an attribute makes the item test-only.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    attributes
        .iter()
        .filter(is_cfg)
        .any(|attribute| attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta)))
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test") || path.is_ident("doctest"),
        Meta::List(list) => {
            let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let needs = parts.iter().flatten().map(needs_test);
            let (mut all, any) = (needs.clone(), needs.clone().any(|needs| needs));
            list.path.is_ident("all") && any || list.path.is_ident("any") && any && all.all(|needs| needs)
        }
        _ => false,
    }
}

/// The name of an item that has one.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(plain(ident))
}

/// The attributes of an item.
pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// A name without `r#`.
pub(super) fn plain(ident: &syn::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}
