//! Checks that no wasm file of a site runs its static constructors at every call into it.
//!
//! wasm-ld takes a module with constructors for a command, whose embedder calls it once, unless something in the module
//! names `__wasm_call_ctors`. It then puts a wrapper around every export: one that runs all constructors, and then the
//! function itself. The GPU engine has thousands of constructors and is called for every JavaScript object, so that
//! wrappers cost it 4 of 5.9 s of a song.

use crate::workspace::Result;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use wasmparser::{
    CompositeInnerType, Error, ExternalKind, FunctionBody, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};

/// The linker's name for the function that runs all constructors.
const CONSTRUCTORS: &str = "__wasm_call_ctors";
/// What the linker appends to the name of a wrapper.
const WRAPPER: &str = ".command_export";

/// Checks every wasm file in the folder of a built site.
///
/// # Errors
///
/// A sentence, if a file is no wasm, or runs its constructors at more than one place.
pub fn check(site: &Path) -> Result {
    let entries = fs::read_dir(site).map_err(|error| format!("{}: {error}", site.display()))?;
    for file in entries.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|ending| ending == "wasm") {
            let wasm = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            check_module(&wasm).map_err(|reason| format!("{}: {reason}", file.display()))?;
        }
    }
    Ok(())
}

fn check_module(wasm: &[u8]) -> Result {
    let module = Module::read(wasm).map_err(|error| error.to_string())?;
    let faults = [module.named_wrappers(), module.shaped_wrappers(), module.callers_of_constructors()];
    match faults.into_iter().flatten().next() {
        Some(fault) => Err(format!(
            "{fault}; `__wasm_call_ctors` has to be declared and called once, as src/web/constructors.rs does"
        )),
        None => Ok(()),
    }
}

/// What is read of a module. Functions are numbered as in the file: imported ones first.
#[derive(Default)]
struct Module {
    /// The number of parameters and of results of every type; none of types that are no functions.
    types: Vec<Option<[usize; 2]>>,
    /// The type of every function.
    functions: Vec<u32>,
    /// The exported functions.
    exports: Vec<u32>,
    names: HashMap<u32, String>,
    /// Every function that calls one without parameters and results: the one called, and those that call it.
    calls: BTreeMap<u32, Vec<u32>>,
    /// Functions that call one without parameters and results, and then another one with their own parameters: the first
    /// one called, and those of this shape.
    wrappers: BTreeMap<u32, Vec<u32>>,
}

impl Module {
    fn read(wasm: &[u8]) -> std::result::Result<Self, Error> {
        let mut module = Self::default();
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(groups) => {
                    for group in groups {
                        module.types.extend(group?.types().map(|of| match &of.composite_type.inner {
                            CompositeInnerType::Func(of) => Some([of.params().len(), of.results().len()]),
                            _ => None,
                        }));
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if let TypeRef::Func(of) | TypeRef::FuncExact(of) = import?.ty {
                            module.functions.push(of);
                        }
                    }
                }
                Payload::FunctionSection(types) => {
                    for of in types {
                        module.functions.push(of?);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact) {
                            module.exports.push(export.index);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for part in names {
                            let Name::Function(names) = part? else { continue };
                            for naming in names {
                                let naming = naming?;
                                module.names.insert(naming.index, naming.name.to_owned());
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        let imported = module.functions.len().saturating_sub(bodies.len());
        for (function, body) in (imported as u32..).zip(&bodies) {
            module.read_body(function, body)?;
        }
        Ok(module)
    }

    fn read_body(&mut self, function: u32, body: &FunctionBody<'_>) -> std::result::Result<(), Error> {
        let mut begin = Vec::new();
        let length = self.signature(function).map_or(0, |[parameters, _]| parameters + 3);
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            if let Operator::Call { function_index } = operator
                && self.signature(function_index) == Some([0, 0])
            {
                self.calls.entry(function_index).or_default().push(function);
            }
            // One more than a wrapper has, so that a longer function is not taken for one.
            if begin.len() <= length {
                begin.push(operator);
            }
        }
        if let Some(first) = self.wrapped(function, &begin) {
            self.wrappers.entry(first).or_default().push(function);
        }
        Ok(())
    }

    /// The function without parameters and results that this one calls, if it then only calls another one with all of its
    /// own parameters.
    fn wrapped(&self, function: u32, body: &[Operator<'_>]) -> Option<u32> {
        let [parameters, _] = self.signature(function)?;
        let [
            Operator::Call { function_index: first },
            rest @ ..,
            Operator::Call { function_index: last },
            Operator::End,
        ] = body
        else {
            return None;
        };
        let hands_on = rest.len() == parameters
            && rest
                .iter()
                .zip(0..)
                .all(|(operator, at)| matches!(operator, Operator::LocalGet { local_index } if *local_index == at))
            && self.functions.get(*last as usize) == self.functions.get(function as usize);
        (hands_on && self.signature(*first) == Some([0, 0])).then_some(*first)
    }

    fn signature(&self, function: u32) -> Option<[usize; 2]> {
        *self.types.get(*self.functions.get(function as usize)? as usize)?
    }

    /// By the linker's names, which a later step may strip.
    fn named_wrappers(&self) -> Option<String> {
        let count = self.names.values().filter(|name| name.ends_with(WRAPPER)).count();
        (count > 0).then(|| format!("{count} functions are wrappers that run all static constructors at every call"))
    }

    /// By their shape, whatever their names: two exports, or more, that begin with the same call.
    fn shaped_wrappers(&self) -> Option<String> {
        let exported = |all: &[u32]| all.iter().filter(|function| self.exports.contains(function)).count();
        let count = self.wrappers.values().map(|all| exported(all)).max().filter(|&count| count > 1)?;
        Some(format!("{count} exports have the shape of wrappers that run all static constructors at every call"))
    }

    fn callers_of_constructors(&self) -> Option<String> {
        let (constructors, _) = self.names.iter().find(|(_, name)| *name == CONSTRUCTORS)?;
        let count = self.calls.get(constructors).map_or(0, Vec::len);
        (count != 1).then(|| format!("its static constructors are run from {count} places, not from one"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two exports that the linker has wrapped, beside what any module has.
    const WRAPPED: &str = r#"(module
        (import "env" "log" (func $log (param i32)))
        (func $__wasm_call_ctors)
        (func $malloc (param i32 i32) (result i32) local.get 0)
        (func $main)
        (func $malloc.command_export (param i32 i32) (result i32)
            call $__wasm_call_ctors local.get 0 local.get 1 call $malloc)
        (func $main.command_export call $__wasm_call_ctors call $main)
        (export "__wbindgen_malloc" (func $malloc.command_export))
        (export "main" (func $main.command_export)))"#;

    fn checked(text: &str) -> Result {
        check_module(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn wrappers_are_known_by_their_names() {
        assert!(checked(WRAPPED).unwrap_err().starts_with("2 functions are wrappers"));
    }

    #[test]
    fn wrappers_are_known_by_their_shape_where_names_are_stripped() {
        let text = r#"(module
            (import "env" "log" (func (param i32)))
            (func)
            (func (param i32 i32) (result i32) local.get 0)
            (func)
            (func (param i32 i32) (result i32) call 1 local.get 0 local.get 1 call 2)
            (func call 1 call 3)
            (export "__wbindgen_malloc" (func 4))
            (export "main" (func 5)))"#;
        assert!(checked(text).unwrap_err().starts_with("2 exports have the shape"));
        // Other parameters, another order, more to do: no wrappers.
        for other in ["call 1 local.get 1 local.get 0 call 2", "call 1 local.get 0 local.get 1 call 2 drop i32.const 1"]
        {
            assert_eq!(checked(&text.replace("call 1 local.get 0 local.get 1 call 2", other)), Ok(()), "{other}");
        }
    }

    #[test]
    fn constructors_are_called_once() {
        let module = |calls: &str| {
            format!(
                r#"(module (func $__wasm_call_ctors) (func $other)
                    (func $open (param i32) {calls}) (func $use call $other)
                    (export "open" (func $open)) (export "use" (func $use)))"#
            )
        };
        assert_eq!(checked(&module("call $other call $__wasm_call_ctors")), Ok(()));
        assert!(
            checked(&module("call $__wasm_call_ctors call $__wasm_call_ctors")).unwrap_err().contains("from 2 places")
        );
        assert!(checked(&module("call $other")).unwrap_err().contains("from 0 places"));
        assert_eq!(checked(r#"(module (func $a call $b) (func $b) (export "a" (func $a)))"#), Ok(()));
    }

    #[test]
    fn every_wasm_file_of_a_site_is_checked() {
        let site = std::env::temp_dir().join(format!("xtask-constructors-{}", std::process::id()));
        fs::create_dir_all(&site).unwrap();
        fs::write(site.join("app.js"), "no wasm").unwrap();
        fs::write(site.join("app_bg.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
        assert_eq!(check(&site), Ok(()));
        fs::write(site.join("gpu_worker_bg-12.wasm"), wat::parse_str(WRAPPED).unwrap()).unwrap();
        let reason = check(&site).unwrap_err();
        assert!(reason.contains("gpu_worker_bg-12.wasm") && reason.contains("src/web/constructors.rs"), "{reason}");
        fs::write(site.join("gpu_worker_bg-12.wasm"), "no wasm").unwrap();
        assert!(check(&site).unwrap_err().contains("gpu_worker_bg-12.wasm"));
        fs::remove_dir_all(site).unwrap();
    }
}
