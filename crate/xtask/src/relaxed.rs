//! The kernels with relaxed SIMD: crate `rekindle-relaxed` -> wasm-opt -> `pkg/dist/wasm/relaxed.wasm`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

use crate::layout;
use crate::stamp::{self, Stamp};
use crate::step::{run, say};
use crate::toolchain::{TARGET, Toolchain};
use crate::wasm::{self, FEATURES};

/// Builds the module and puts it into the package.
///
/// # Errors
/// When a step fails, or when the module needs more than a memory.
pub fn build(toolchain: &Toolchain) -> Result<()> {
    say("cargo build rekindle-relaxed (WebAssembly)");
    run(toolchain.cargo("build").args(["--package", "rekindle-relaxed", "--profile", "release"]))?;
    let module = layout::wasm_target().join(TARGET).join("release/rekindle_relaxed.wasm");
    let kept = layout::wasm_target().join("bindings/relaxed.wasm");
    optimise(&module, &kept)?;
    layout::copy(&kept, &layout::root().join("pkg/dist/wasm/relaxed.wasm"))
}

/// Removes what the linker leaves behind, and checks what is left.
fn optimise(module: &Path, kept: &Path) -> Result<()> {
    let stamp = Stamp::default()
        .file(module)?
        .file(&wasm::binaryen().join("package.json"))?
        .value(FEATURES.join(" "))
        .text();
    let stamp_file = kept.with_extension("stamp");
    if kept.exists() && stamp::is_current(&stamp_file, &stamp) {
        return Ok(());
    }
    say("wasm-opt (relaxed SIMD)");
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut wasm_opt = wasm::wasm_opt();
    wasm_opt.args(["--enable-relaxed-simd", "--remove-unused-module-elements", "--strip-debug"]);
    run(wasm_opt.arg(module).arg("--output").arg(kept))?;
    let bytes = fs::read(kept).with_context(|| format!("cannot read {}", kept.display()))?;
    check(&bytes).with_context(|| format!("{} is not only code", module.display()))?;
    fs::write(&stamp_file, stamp).with_context(|| format!("cannot write {}", stamp_file.display()))
}

/// Makes sure that a module is nothing but a function `run` on the memory of another: it may have no data of its own there
/// and no stack, which would lie on the other's.
///
/// # Errors
/// Where there is more.
fn check(module: &[u8]) -> Result<()> {
    let (mut memory, mut function) = (false, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    let wanted = ("env", "memory") == (import.module, import.name);
                    ensure!(wanted && matches!(import.ty, TypeRef::Memory(_)), "it imports {}", import.name);
                    memory = true;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    function |= export.name == "run" && export.kind == ExternalKind::Func;
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    ensure!(!global?.ty.mutable, "it has a variable, such as a stack pointer");
                }
            }
            Payload::MemorySection(_) => bail!("it has a memory of its own"),
            Payload::TableSection(_) | Payload::ElementSection(_) => bail!("it has a function table"),
            Payload::DataSection(_) => bail!("it has data"),
            Payload::StartSection { .. } => bail!("it does something when it starts"),
            _ => {}
        }
    }
    ensure!(memory && function, "the memory is not imported or `run` not exported");
    Ok(())
}
