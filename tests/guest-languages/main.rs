//! What is particular about the guests of one language, tried on one instance that is called again and again, as a host
//! does where a manifest sets `reuse`. What holds here holds for a fresh instance a fortiori.

mod go;
mod warm;
