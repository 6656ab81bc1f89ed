//! The place of loops in a WebAssembly module of their own, which `cargo xtask build` writes instruction by instruction:
//! LLVM does not compile these well, and with relaxed SIMD in it a browser that does not know it would refuse this module.

use core::mem::{offset_of, transmute};
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::depthwise::Rows;
use crate::integer;
use crate::job::Job;
use crate::matrix::Tiles;

/// A function that does any job.
type Run = unsafe extern "C" fn(&Job);

/// One that does those of whole numbers.
pub(crate) type RunIntegers = unsafe extern "C" fn(&integer::Job);

/// Its address, which in WebAssembly is its place in the function table; 0, which is nobody's, while there is none.
static RUN: AtomicUsize = AtomicUsize::new(0);

/// The same of the other, which is there only where it is the faster one.
static RUN_INTEGERS: AtomicUsize = AtomicUsize::new(0);

// Where the emitted function looks, behind the four bytes that say which job it is (`job.rs` in xtask).
const _: () = {
    assert!(offset_of!(Tiles, input) == 0 && offset_of!(Tiles, step) == 4 && offset_of!(Tiles, chunks) == 8);
    assert!(offset_of!(Tiles, weights) == 16 && offset_of!(Tiles, out) == 20 && offset_of!(Tiles, add) == 24);
    assert!(offset_of!(Tiles, pixels) == 28);
    assert!(offset_of!(Rows, input) == 0 && offset_of!(Rows, width) == 4 && offset_of!(Rows, rows) == 8);
    assert!(
        offset_of!(Rows, squares) == 12 && offset_of!(Rows, weights) == 16 && offset_of!(Rows, out) == 20
    );
};
// The other looks at the same places for what it shares with the first.
const _: () = {
    use integer::Tiles;
    assert!(offset_of!(Tiles, input) == 0 && offset_of!(Tiles, step) == 4 && offset_of!(Tiles, chunks) == 8);
    assert!(
        offset_of!(Tiles, scales) == 12 && offset_of!(Tiles, weights) == 16 && offset_of!(Tiles, out) == 20
    );
    assert!(
        offset_of!(Tiles, add) == 24 && offset_of!(Tiles, pixels) == 28 && offset_of!(Tiles, outputs) == 32
    );
};

/// Does all further jobs with the functions at two places of the function table. Without one for whole numbers, f32 is
/// what this processor multiplies faster.
///
/// # Safety
/// There are the functions `run` and `run_integers` of a kernel module of the same build, on this module's memory.
pub unsafe fn install(run: usize, run_integers: Option<usize>) {
    RUN.store(run, Ordering::Relaxed);
    RUN_INTEGERS.store(run_integers.unwrap_or(0), Ordering::Relaxed);
}

/// The function, where there is one.
pub(crate) fn installed() -> Option<Run> {
    // SAFETY: only `install` stores another number than 0, and its caller promises the function.
    function(&RUN).map(|place| unsafe { transmute::<*const (), Run>(place) })
}

/// The function for whole numbers, where there is one.
pub(crate) fn installed_for_integers() -> Option<RunIntegers> {
    // SAFETY: only `install` stores another number than 0, and its caller promises the function.
    function(&RUN_INTEGERS).map(|place| unsafe { transmute::<*const (), RunIntegers>(place) })
}

fn function(place: &AtomicUsize) -> Option<*const ()> {
    Some(place.load(Ordering::Relaxed)).filter(|place| *place != 0).map(|place| place as *const ())
}
