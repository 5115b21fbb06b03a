//! What is particular about the guests of one language, tried on one instance that is called again and again, which the
//! host never does: it makes a fresh one for each task. What holds here holds there a fortiori.

mod go;
mod warm;
