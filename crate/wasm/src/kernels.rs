//! Faster kernels in a module of their own, which this one calls through its function table.

#![allow(unsafe_code, reason = "that the other module fits this one is the package's promise")]

use js_sys::{Function, Object, Reflect, WebAssembly};
use rekindle_kernel::emitted;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Does all computations of the processor from now on with `module`, one of the package's `kernels-*.wasm`. Where it
/// cannot be linked, nothing changes.
#[wasm_bindgen(js_name = useKernels)]
pub async fn use_kernels(module: WebAssembly::Module) -> Result<(), JsValue> {
    let imports = object("env", object("memory", wasm_bindgen::memory())?)?;
    let instance: WebAssembly::Instance =
        JsFuture::from(WebAssembly::instantiate_module(&module, &imports)).await?.dyn_into()?;
    let run: Function = Reflect::get(&instance.exports(), &"run".into())?.dyn_into()?;
    let table: WebAssembly::Table = wasm_bindgen::function_table().dyn_into()?;
    let place = table.grow(1)?;
    table.set(place, &run)?;
    // SAFETY: the package checks that the module is one of its own build, and its `run` was just put there.
    unsafe { emitted::install(place as usize) };
    Ok(())
}

/// `{ [key]: value }`
fn object(key: &str, value: impl Into<JsValue>) -> Result<Object, JsValue> {
    let object = Object::new();
    Reflect::set(&object, &key.into(), &value.into())?;
    Ok(object)
}
