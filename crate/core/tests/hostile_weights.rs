//! Small weights files that ask for much: what they are given is bounded by what they are long, or by a few megabytes.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]

#[path = "made_up/mod.rs"]
mod made_up;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rekindle::weights::Tensors;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Counts the bytes that are in use, and the most that ever were.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it passes everything on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What work gives, and how many bytes more than before were in use at once.
fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = USED.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let result = work();
    (result, MOST.load(Ordering::Relaxed).saturating_sub(before))
}

fn zip_of(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, data) in [("a/data.pkl", pickle), ("a/data/0", storage)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A pickle as PyTorch begins its old files.
fn legacy(pickle: &[u8]) -> Vec<u8> {
    let magic =
        [&[0x80, 2, 0x8a, 10][..], &0x1950_a86a_20f9_469c_fc6c_u128.to_le_bytes()[..10], b"."].concat();
    [&magic, &b"\x80\x02M\xe9\x03."[..], b"\x80\x02}.", pickle].concat()
}

/// A dictionary of so many names for one tensor of 32 x 32 floats that lies column by column, in protocol 2.
fn turned(names: u32) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    let storage: &[&[u8]] = &[
        b"(X\x07\0\0\0storage",
        b"ctorch\nFloatStorage\n",
        b"X\x01\0\0\x000",
        b"X\x03\0\0\0cpu",
        b"M\0\x04t",
    ];
    let tensor = [
        b"ctorch._utils\n_rebuild_tensor_v2\n(",
        &storage.concat()[..],
        b"QK\0K K \x86K\x01K \x86\x89}tRr\0\0\0\0",
    ]
    .concat();
    for name in 0..names {
        pickle.extend(b"X\x06\0\0\0");
        pickle.extend(format!("{name:06}").bytes());
        pickle.extend(if name == 0 { tensor.clone() } else { b"j\0\0\0\0".to_vec() });
    }
    pickle.extend(b"u.");
    pickle
}

/// One function in a file of its own, so that nothing else is counted.
#[test]
fn a_small_file_takes_little_memory_and_time() {
    let mut many = b"\x80\x02".to_vec();
    many.resize(1 << 20, b'N');
    let mut kept = b"\x80\x02N".to_vec();
    kept.resize(1 << 20, 0x94);
    let mut tuples = b"\x80\x02".to_vec();
    tuples.extend(b"))\x86".repeat(1 << 20));
    let storage = [0; 4096];
    let cases = [
        ("copies", zip_of(&turned(10_000), &storage)),
        ("objects", zip_of(&many, &[])),
        ("objects, legacy", legacy(&many)),
        ("remembered", zip_of(&kept, &[])),
        ("tuples", zip_of(&tuples, &[])),
    ];
    for (name, file) in cases {
        let began = Instant::now();
        let (result, bytes) = counted(|| Tensors::read_foreign(&file, made_up::spec(64)).map(drop));
        let (error, elapsed) = (result.unwrap_err(), began.elapsed());
        println!("{name}: {} bytes, {bytes} more, {elapsed:?}: {error}", file.len());
        assert_eq!(error.code(), "WEIGHTS_FORMAT", "{name}");
        assert!(bytes < 2 * file.len() + (96 << 20), "{name}: {bytes} for a file of {}", file.len());
        assert!(elapsed < Duration::from_secs(10), "{name}: {elapsed:?}");
    }
    // The same that is within its bounds is read.
    let file = zip_of(&turned(40), &[0; 4096].repeat(40));
    let mut tensors = Tensors::read_foreign(&file, made_up::spec(64)).unwrap();
    assert_eq!(tensors.take("000007", &[32, 32]).unwrap(), [0.0; 1024]);
}
