//! `createComputePipelineAsync` compiles several pipelines at a time, while the page is drawn; `createComputePipeline` keeps the
//! browser's GPU process from drawing. wgpu has the second alone, so another function stands in for it: what it is asked for is
//! first heard and compiled, and given when it is asked for once more.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use wgpu::{ComputePipeline, webgpu::GpuDevice};

use super::refused;
use crate::device::Gpu;
use crate::error::Result;

/// Makes a pipeline of a descriptor.
type Maker = Closure<dyn FnMut(JsValue) -> JsValue>;

/// As [`compile`](super::compile).
pub async fn compile(
    gpu: &Gpu,
    device: GpuDevice,
    make: impl Fn() -> Vec<ComputePipeline>,
) -> Result<Vec<ComputePipeline>> {
    let asked = Rc::<RefCell<Vec<Promise>>>::default();
    let listen = Maker::new({
        let (device, asked) = (device.clone(), Rc::clone(&asked));
        move |descriptor: JsValue| {
            let compiling = device.create_compute_pipeline_async(descriptor.unchecked_ref());
            asked.borrow_mut().push(compiling.unchecked_into());
            Object::new().into()
        }
    });
    let (_, verdict) = gpu.watched(refused, || with(&device, &listen, &make));
    // Waited for from here on: one that is refused before the verdict comes would be nobody's.
    let compiled = JsFuture::from(Promise::all(&asked.take().into_iter().collect::<Array>()));
    verdict.await?;
    let told = |error: JsValue| refused(error.unchecked_into::<js_sys::Error>().message().into());
    let mut compiled = compiled.await.map_err(told)?.unchecked_into::<Array>().to_vec().into_iter();
    let give = Maker::new(move |_| compiled.next().unwrap_or_default());
    let (pipelines, verdict) = gpu.watched(refused, || with(&device, &give, &make));
    verdict.await?;
    Ok(pipelines)
}

/// What `make` gives while `maker` stands in for a device's own function.
fn with<T>(device: &GpuDevice, maker: &Maker, make: impl FnOnce() -> T) -> T {
    let name = "createComputePipeline".into();
    // Neither fails: a property may be added to any device, and removed from it.
    let _ = Reflect::set(device, &name, maker.as_ref());
    let made = make();
    let _ = Reflect::delete_property(device, &name);
    made
}
