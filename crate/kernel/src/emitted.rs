//! The place of loops in a WebAssembly module of their own, which `cargo xtask build` writes instruction by instruction:
//! LLVM does not compile these well, and with relaxed SIMD in it a browser that does not know it would refuse this module.

use core::mem::{offset_of, transmute};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::depthwise::Row;
use crate::job::Job;
use crate::matrix::Tiles;

/// A function that does any job.
type Run = unsafe extern "C" fn(&Job);

/// Its address, which in WebAssembly is its place in the function table; 0, which is nobody's, while there is none.
static RUN: AtomicUsize = AtomicUsize::new(0);

// Where the emitted function looks, behind the four bytes that say which job it is (`run.rs` in xtask).
const _: () = {
    assert!(offset_of!(Tiles, input) == 0 && offset_of!(Tiles, step) == 4 && offset_of!(Tiles, chunks) == 8);
    assert!(offset_of!(Tiles, weights) == 16 && offset_of!(Tiles, out) == 20 && offset_of!(Tiles, add) == 24);
    assert!(offset_of!(Tiles, pixels) == 28);
    assert!(offset_of!(Row, rows) == 0 && offset_of!(Row, width) == 12);
    assert!(offset_of!(Row, weights) == 16 && offset_of!(Row, out) == 20);
};

/// Does all further jobs with the function at a place of the function table.
///
/// # Safety
/// There is the function `run` of a kernel module of the same build, on this module's memory.
pub unsafe fn install(place: usize) {
    RUN.store(place, Ordering::Relaxed);
}

/// The function, where there is one.
pub(crate) fn installed() -> Option<Run> {
    match RUN.load(Ordering::Relaxed) {
        0 => None,
        // SAFETY: only `install` stores another number, and its caller promises the function.
        place => Some(unsafe { transmute::<*const (), Run>(place as *const ()) }),
    }
}
