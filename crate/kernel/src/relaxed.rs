//! The place of the loops with relaxed SIMD, which a browser may not know: they come in a module of their own.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::Job;

/// A function that does any job.
type Run = unsafe extern "C" fn(&Job);

/// Its address, which in WebAssembly is its place in the function table; 0, which is nobody's, while there is none.
static RUN: AtomicUsize = AtomicUsize::new(0);

/// Does all further jobs with the function at a place of the function table.
///
/// # Safety
/// There is the function `run` of crate `rekindle-relaxed`, built from the same sources, on this module's memory.
pub unsafe fn install(place: usize) {
    RUN.store(place, Ordering::Relaxed);
}

/// Whether there is such a function.
pub fn is_installed() -> bool {
    RUN.load(Ordering::Relaxed) != 0
}

/// The function, where there is one.
pub(crate) fn installed() -> Option<Run> {
    match RUN.load(Ordering::Relaxed) {
        0 => None,
        // SAFETY: only `install` stores another number, and its caller promises the function.
        place => Some(unsafe { core::mem::transmute::<*const (), Run>(place as *const ()) }),
    }
}
