//! Tells the linker that functions of other modules will be added to the function table.

fn main() {
    if std::env::var_os("CARGO_CFG_TARGET_FAMILY").is_some_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=--growable-table");
    }
}
