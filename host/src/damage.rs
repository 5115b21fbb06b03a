//! Damaged data base files: redb panics at some of them, and whoever opens one needs an error to tell.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

/// What is told of a file that opens and is not what was written.
pub(crate) const WRONG_CHECKSUMS: &str = "its checksums do not fit its content";

thread_local! {
    /// Whether this thread's panics are caught and told by [`without_panic`].
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does something to a data base file. redb panics at some damages; that is an error here, and nothing more is said about it.
pub(crate) fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            if !CAUGHT.get() {
                usual(told);
            }
        }));
    });
    CAUGHT.set(true);
    // What the panic has left half done is not used again, but for a data base that answers with errors from then on.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(false);
    done.map_err(|panic| match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(why), _) => why.clone(),
        (_, Some(why)) => (*why).to_owned(),
        (None, None) => "its content makes no sense".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_data_base_is_an_error_with_its_words() {
        let index = std::hint::black_box(7);
        assert_eq!(
            without_panic(|| [0; 3][index]).expect_err("beyond"),
            "index out of bounds: the len is 3 but the index is 7"
        );
        assert_eq!(
            without_panic(|| unreachable!()),
            Err::<(), _>("internal error: entered unreachable code".to_owned())
        );
        assert_eq!(without_panic(|| 5), Ok(5));
    }
}
