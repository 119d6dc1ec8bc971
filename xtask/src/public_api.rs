//! The public items of the published crates, compared with the checked-in lists in docs/api/rust.
//!
//! A change of the list is a change of the interface: the reviewer decides which version it needs.
//! `cargo-semver-checks` and `cargo public-api` need the JSON of rustdoc, which only nightly
//! toolchains write, and a published version to compare with. The list is made from the syntax, so
//! it has every `pub` item, also of private modules, and the invocations of macros that generate
//! items instead of these items.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Visibility, parse_quote};

use crate::{package, workspace};

/// If this variable is set, the test writes the lists instead of comparing them.
const WRITE: &str = "BAUTA_WRITE_DOCS";

#[test]
fn the_public_items_are_the_checked_in_ones() {
    let folder = workspace::root().unwrap().join("docs/api/rust");
    let packages = package::published().unwrap();
    for package in &packages {
        let file = folder.join(format!("{}.txt", package.name));
        let list = list(&package.folder);
        if env::var_os(WRITE).is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, list).unwrap();
            continue;
        }
        let found = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == list,
            "the public items of {} differ from {}; if the change is intended, write the list with\n\
             {WRITE}=1 cargo test --workspace --bin xtask public_api",
            package.name,
            file.display()
        );
    }
    let files = fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, packages.len(), "docs/api/rust has lists of other crates");
}

#[test]
fn private_items_bodies_and_tests_are_left_out() {
    let file: syn::File = parse_quote! {
        /// Text.
        #[derive(Clone)]
        pub struct Open { pub a: u8, b: u16 }
        struct Closed;
        impl Open {
            pub fn get(&self) -> u8 { self.a }
            fn hidden(&self) {}
        }
        impl Default for Open { fn default() -> Self { todo!() } }
        pub(crate) fn inner() {}
        #[cfg(test)]
        mod tests { pub fn test() {} }
    };
    let mut items = Vec::new();
    collect("a", Path::new("/none"), file.items, &mut items);
    let text = items.join("\n");
    for kept in [
        "#[derive(Clone)]",
        "pub a: u8",
        "pub fn get(&self) -> u8",
        "impl Default for Open",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    for left_out in ["Text", "u16", "Closed", "hidden", "inner", "test", "todo"] {
        assert!(!text.contains(left_out), "{left_out}: {text}");
    }
}

/// Returns the list of a crate.
fn list(folder: &Path) -> String {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let mut names: Vec<&str> = features
        .into_iter()
        .flat_map(|table| table.keys())
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let source = folder.join("src/lib.rs");
    let mut items = Vec::new();
    collect("crate", &folder.join("src"), parse(&source).items, &mut items);
    format!("// features: {}\n\n{}\n", names.join(", "), items.join("\n"))
}

fn parse(file: &Path) -> syn::File {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Adds the public items of a module. `folder` has the files of its inner modules.
fn collect(module: &str, folder: &Path, items: Vec<Item>, list: &mut Vec<String>) {
    let mut own = Vec::new();
    for item in items {
        if is_test(attributes(&item)) {
            continue;
        }
        if let Item::Mod(inner) = item {
            let name = inner.ident.to_string();
            let (path, inner_folder) = (format!("{module}::{name}"), folder.join(&name));
            let content = match inner.content {
                Some((_, items)) => items,
                None => parse(&file_of(folder, &name)).items,
            };
            if matches!(inner.vis, Visibility::Public(_)) {
                list.push(format!("// pub mod {path}\n"));
            }
            collect(&path, &inner_folder, content, list);
        } else if let Some(item) = public(item) {
            own.push(item);
        }
    }
    if !own.is_empty() {
        let file = syn::File {
            shebang: None,
            attrs: Vec::new(),
            items: own,
        };
        list.push(format!("// in {module}\n{}", prettyplease::unparse(&file)));
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{name}.rs"));
    if file.is_file() {
        file
    } else {
        folder.join(name).join("mod.rs")
    }
}

fn attributes(item: &Item) -> &[Attribute] {
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
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|name| name == "test")
    })
}

/// Keeps the attributes that callers depend on.
fn keep(attributes: &mut Vec<Attribute>) {
    let kept = [
        "derive",
        "non_exhaustive",
        "cfg",
        "must_use",
        "account",
        "program",
        "event",
        "macro_export",
        "error_code",
    ];
    attributes.retain(|attribute| kept.iter().any(|name| attribute.path().is_ident(name)));
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the part of an item that callers see. `None` if they see nothing of it.
fn public(mut item: Item) -> Option<Item> {
    match &mut item {
        Item::Const(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
        }
        Item::Static(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
        }
        Item::Type(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
        }
        Item::Use(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
        }
        Item::Fn(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
            item.block = parse_quote!({});
        }
        Item::Struct(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
            public_fields(&mut item.fields);
        }
        Item::Enum(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
            for variant in &mut item.variants {
                keep(&mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| keep(&mut field.attrs));
            }
        }
        Item::Trait(item) => {
            keep(&mut item.attrs);
            is_public(&item.vis).then_some(())?;
            for member in &mut item.items {
                match member {
                    TraitItem::Fn(function) => {
                        keep(&mut function.attrs);
                        if function.default.is_some() {
                            function.default = Some(parse_quote!({}));
                        }
                    }
                    TraitItem::Const(constant) => keep(&mut constant.attrs),
                    TraitItem::Type(kind) => keep(&mut kind.attrs),
                    _ => {}
                }
            }
        }
        Item::Impl(item) => {
            keep(&mut item.attrs);
            if item.trait_.is_some() {
                // The trait says what its functions are.
                item.items.retain(|member| matches!(member, ImplItem::Type(_)));
            } else {
                item.items.retain_mut(public_member);
                (!item.items.is_empty()).then_some(())?;
            }
        }
        Item::Macro(item) => {
            let is_exported = item
                .attrs
                .iter()
                .any(|attribute| attribute.path().is_ident("macro_export"));
            let is_definition = item.ident.is_some();
            keep(&mut item.attrs);
            (is_exported || !is_definition).then_some(())?;
        }
        _ => return None,
    }
    Some(item)
}

fn public_fields(fields: &mut Fields) {
    match fields {
        Fields::Named(named) => {
            let all = std::mem::take(&mut named.named);
            named.named = all.into_iter().filter(|field| is_public(&field.vis)).collect();
        }
        // A private field of a tuple keeps the position of the others.
        Fields::Unnamed(_) | Fields::Unit => {}
    }
    fields.iter_mut().for_each(|field| keep(&mut field.attrs));
}

fn public_member(member: &mut ImplItem) -> bool {
    match member {
        ImplItem::Fn(function) => {
            keep(&mut function.attrs);
            function.block = parse_quote!({});
            is_public(&function.vis)
        }
        ImplItem::Const(constant) => {
            keep(&mut constant.attrs);
            is_public(&constant.vis)
        }
        _ => false,
    }
}
