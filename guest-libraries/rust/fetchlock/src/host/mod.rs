//! The host, as far as this library asks it: in a component through the contract's bindings, elsewhere not at all.

#[cfg(target_family = "wasm")]
#[rustfmt::skip]
pub mod bindings;
#[cfg(target_family = "wasm")]
mod convert;
#[cfg(target_family = "wasm")]
mod decide;
#[cfg(target_family = "wasm")]
mod exchange;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(target_family = "wasm")]
pub use self::decide::run;
#[cfg(target_family = "wasm")]
pub(crate) use self::{exchange::http, wasm::*};

#[cfg(not(target_family = "wasm"))]
mod native;

#[cfg(not(target_family = "wasm"))]
pub(crate) use self::native::*;
