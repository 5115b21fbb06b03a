//! What wit-bindgen makes of the contract in `wit/`.
#![allow(missing_docs, clippy::all, unreachable_pub, rust_2018_idioms, reason = "it is generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "handler-with-engine-and-http",
    pub_export_macro: true,
    export_macro_name: "export_component",
    runtime_path: "::fetchlock::glue::wit_bindgen_rt",
    generate_all,
});
