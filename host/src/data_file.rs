//! Data base files that fail: full disks, and damaged files at some of which redb panics. Whoever has one needs an error
//! to tell, and to go on when the disk does.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::Once,
};

use redb::{Database, WriteTransaction};

/// What is told of a file that opens and is not what was written.
pub(crate) const WRONG_CHECKSUMS: &str = "its checksums do not fit its content";

/// A data base that is written to. It is closed after an error, because redb refuses everything until it is opened
/// again, and opened for the next try.
pub(crate) struct DataFile {
    path: PathBuf,
    database: Option<Database>,
}

impl DataFile {
    pub(crate) fn new(path: PathBuf, database: Database) -> Self {
        Self { path, database: Some(database) }
    }

    /// Makes changes in one transaction, which is on the disk when this returns `Ok`. The text tells why it is not.
    pub(crate) fn write(
        &mut self,
        changes: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), String> {
        without_panic(|| self.try_write(changes).map_err(|error| error.to_string()))?
    }

    fn try_write(
        &mut self,
        changes: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let database = match self.database.take() {
            Some(database) => database,
            // Not made anew: an empty one in its place would hide that something is lost.
            None => Database::open(&self.path)?,
        };
        let transaction = database.begin_write()?;
        changes(&transaction)?;
        transaction.commit()?;
        self.database = Some(database);
        Ok(())
    }

    /// As after an error.
    #[cfg(test)]
    pub(crate) fn closed(path: PathBuf) -> Self {
        Self { path, database: None }
    }
}

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
