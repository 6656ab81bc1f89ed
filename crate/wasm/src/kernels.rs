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
    let exports = instance.exports();
    let place = |name: &str| -> Result<usize, JsValue> {
        let function: Function = Reflect::get(&exports, &name.into())?.dyn_into()?;
        let table: WebAssembly::Table = wasm_bindgen::function_table().dyn_into()?;
        let place = table.grow(1)?;
        table.set(place, &function)?;
        Ok(place as usize)
    };
    let prefers: Function = Reflect::get(&exports, &"prefers_integers".into())?.dyn_into()?;
    let integers =
        if prefers.call0(&JsValue::NULL)?.is_truthy() { Some(place("run_integers")?) } else { None };
    // SAFETY: the package checks that the module is one of its own build, whose functions were just put there.
    unsafe { emitted::install(place("run")?, integers) };
    Ok(())
}

/// `{ [key]: value }`
fn object(key: &str, value: impl Into<JsValue>) -> Result<Object, JsValue> {
    let object = Object::new();
    Reflect::set(&object, &key.into(), &value.into())?;
    Ok(object)
}
